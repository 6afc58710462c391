"""Points that one member gives another."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day, Instant, Take

__all__ = ["PointsReceived", "PointsSent"]


class PointsSent(Event, frozen=True):
    """The member gave points to another; the lots they came from are named."""

    TOPIC: ClassVar[str] = "sent"
    captured_at: Instant
    day: Day
    """The day in the programme's zone, whose limit they count to."""
    points: int
    takes: tuple[Take, ...]
    to: bytes
    card: int
    """Index into the member's cards."""
    programme: int
    command: str


class PointsReceived(Event, frozen=True):
    """The member got points from another; each lot kept its dates."""

    TOPIC: ClassVar[str] = "received"
    captured_at: Instant
    points: int
    lots: tuple[Take, ...]
    repaid: tuple[int, ...]
    """Beside the lots: points that went to arrears instead."""
    sender: bytes
    programme: int
    command: str


EVENTS: tuple[type[Event], ...] = (PointsSent, PointsReceived)
