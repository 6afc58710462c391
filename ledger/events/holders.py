"""Who holds a card, and what the card may do."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["CardLimited"]


class CardLimited(Event, frozen=True):
    """A card's holder and limits are these from now on."""

    TOPIC: ClassVar[str] = "card-limited"
    captured_at: Instant
    card: int
    """Index into the member's cards."""
    holder: bytes
    """The holder's name, encrypted under the member's key; empty for none."""
    may_redeem: bool
    redeem_limit_day: int
    """Points it may redeem on one day of the programme's zone; -1 for no limit."""
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (CardLimited,)
