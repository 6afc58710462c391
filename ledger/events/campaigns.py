"""Campaigns: what is offered, to whom, at whose expense, and up to how much."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day, Instant

__all__ = ["CampaignBudgeted", "CampaignCreated", "CampaignEnded"]


class CampaignCreated(Event, frozen=True):
    """A campaign with an offer on some goods for some days; the terms never change."""

    TOPIC: ClassVar[str] = "campaign"
    captured_at: Instant
    code: str
    name: str
    from_day: Day
    until_day: Day
    """The last day."""
    products: tuple[str, ...]
    categories: tuple[str, ...]
    funder: str
    kind: str
    """`off_minor`, `off_bp`, `price_minor`, `points` or `reward`."""
    amount: int
    author: str
    reward: str = ""
    budget_minor: int = -1
    """At most so much money is taken off; -1 for no limit."""
    budget_pieces: int = -1
    per_member: int = 0
    """Pieces at most, in all; 0 for no limit."""
    per_day: int = 0
    may_combine: bool = False
    holdout_bp: int = 0
    seed: str = ""


class CampaignEnded(Event, frozen=True):
    """The campaign ends earlier than was said, after this day."""

    TOPIC: ClassVar[str] = "campaign-ended"
    captured_at: Instant
    code: str
    until_day: Day
    author: str
    command: str


class CampaignBudgeted(Event, frozen=True):
    """So much was put into the budget; below zero it was taken out."""

    TOPIC: ClassVar[str] = "campaign-budget"
    captured_at: Instant
    code: str
    amount_minor: int
    pieces: int
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (CampaignCreated, CampaignEnded, CampaignBudgeted)
