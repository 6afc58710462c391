"""Points reserved for a while, and how each hold ended."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day, Instant, Take

__all__ = [
    "HOLD_ENDS",
    "HOLD_EXPIRED",
    "HOLD_OPEN",
    "HOLD_RELEASED",
    "HOLD_SETTLED",
    "HoldEnded",
    "HoldReleased",
    "HoldSettled",
    "PointsHeld",
]

HOLD_OPEN, HOLD_SETTLED, HOLD_RELEASED, HOLD_EXPIRED = range(4)
HOLD_ENDS = ("open", "settled", "released", "expired")
"""How a hold stands, by the number that its stream carries."""


class PointsHeld(Event, frozen=True):
    """Points were reserved: the lots named can pay nothing else until the hold ends."""

    TOPIC: ClassVar[str] = "held"
    captured_at: Instant
    hold: bytes
    points: int
    takes: tuple[Take, ...]
    ends_at: Instant
    store: str
    programme: int
    command: str
    card: int = -1
    day: Day = 0
    """The day in the programme's zone, whose limit of the card it counts to."""


class HoldSettled(Event, frozen=True):
    """A hold was paid out, in part or whole; what it did not need went back to its lots."""

    TOPIC: ClassVar[str] = "hold-settled"
    captured_at: Instant
    hold: bytes
    takes: tuple[Take, ...]
    """The lots that paid."""
    back: tuple[Take, ...]
    value_minor: int
    ends_at: Instant
    """When the hold would have ended."""
    store: str
    programme: int
    arrears: int = 0
    """Paid with points that were no longer there: the hold had been recorded as expired."""
    late: bool = False
    """It had been recorded as expired, so `takes` left the lots again."""
    unexpired: tuple[Take, ...] = ()
    """Lots that paid although their own expiry had been recorded, which is undone."""
    held: tuple[Take, ...] = ()
    """What was held, where it was late."""


class HoldReleased(Event, frozen=True):
    """A hold was given up, or its time was over: its points went back to their lots."""

    TOPIC: ClassVar[str] = "hold-released"
    captured_at: Instant
    hold: bytes
    takes: tuple[Take, ...]
    ends_at: Instant
    how: int


class HoldEnded(Event, frozen=True):
    """In the hold's own stream: it ended, exactly once (unless it expired and a till had settled)."""

    TOPIC: ClassVar[str] = "hold-ended"
    how: int
    version: int
    """Of the event in the member's stream."""


EVENTS: tuple[type[Event], ...] = (PointsHeld, HoldSettled, HoldReleased, HoldEnded)
