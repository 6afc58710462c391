"""Points that the programme gives without a receipt."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["BonusGranted"]


class BonusGranted(Event, frozen=True):
    """The member earned points for joining, for a birthday, or by another rule."""

    TOPIC: ClassVar[str] = "bonus"
    captured_at: Instant
    rule: str
    """Its name, e.g. `enrolment` or `birthday`."""
    points: int
    activates_at: Instant
    expires_at: Instant
    repaid: int
    programme: int
    year: int = 0
    """The year of a birthday."""


EVENTS: tuple[type[Event], ...] = (BonusGranted,)
