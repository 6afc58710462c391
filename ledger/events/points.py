"""Points given, taken and redeemed outside a receipt."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant, Take

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
    role: str = ""
    approved_by: str = ""
    approver_role: str = ""


EVENTS: tuple[type[Event], ...] = (PointsRedeemed, PointsAdjusted)
