"""Points given, taken and redeemed outside a receipt."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day, Instant, Take

__all__ = ["PointsAdjusted", "PointsRedeemed"]


class PointsRedeemed(Event, frozen=True):
    """Points were turned into money off or a gift; the lots that paid are named."""

    TOPIC: ClassVar[str] = "redeemed"
    captured_at: Instant
    points: int
    takes: tuple[Take, ...]
    value_minor: int
    """Money off; 0 for a gift."""
    gift: str
    store: str
    programme: int
    command: str
    card: int = -1
    """Index into the member's cards; -1 where it was not kept yet."""
    day: Day = 0
    """The day in the programme's zone, whose limit of the card it counts to."""


class PointsAdjusted(Event, frozen=True):
    """Staff added points (`points` above zero, into a lot) or took them (`takes`)."""

    TOPIC: ClassVar[str] = "adjusted"
    captured_at: Instant
    points: int
    takes: tuple[Take, ...]
    activates_at: Instant
    expires_at: Instant
    reason: str
    author: str
    programme: int
    command: str
    repaid: int = 0


EVENTS: tuple[type[Event], ...] = (PointsRedeemed, PointsAdjusted)
