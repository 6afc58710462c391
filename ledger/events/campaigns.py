"""Campaigns: what is offered, to whom, at whose expense, and up to how much."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ledger.events.parts import Event
from ledger.types import Day, Instant

__all__ = ["BundlePart", "CampaignBudgeted", "CampaignCreated", "CampaignEnded", "Depth"]


class Depth(Struct, frozen=True, array_like=True, gc=False):
    """What the members of a cell get for a piece: on their first list, the next, and so on."""

    cell: str
    amounts: tuple[int, ...]
    """The last one stays."""


class BundlePart(Struct, frozen=True, array_like=True, gc=False):
    """Goods of which a piece must be on the same receipt."""

    products: tuple[str, ...]
    categories: tuple[str, ...] = ()


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
    category: str = ""
    """Whose buyers are addressed; empty: not only those of a category."""
    window: str = ""
    """`12m`, `90d`: over which it is looked at what members bought."""
    cells: tuple[str, ...] = ()
    """Who of them: `national heavy` and so on; empty: all."""
    due_days: int = 0
    """Only those who are due to buy within so many days; 0: whenever."""
    together: int = 0
    """Only those who bought the bundle together at least so often; 0: all."""
    depth: tuple[Depth, ...] = ()
    """By cell; who is in none of these gets `amount`."""
    goal_from: str = ""
    """Buyers of this kind of brand are to be turned; empty: the campaign has no goal."""
    goal_to: str = ""
    """Into buyers of this kind of brand."""
    goal_product: str = ""
    """Or of this product."""
    bundle: tuple[BundlePart, ...] = ()
    """What must be bought with it for the offer to hold."""
    most_lists: int = 0
    """Of its lists that begin within `limit_days`; 0: no limit."""
    limit_days: int = 0


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
