"""What time did by itself, recorded afterwards; no answer depends on whether it was."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant, Take

__all__ = ["LotsSlid", "PointsActivated", "PointsExpired", "RebateGranted"]


class PointsExpired(Event, frozen=True):
    """Lots that had expired up to an instant were written off."""

    TOPIC: ClassVar[str] = "expired"
    until: Instant
    takes: tuple[Take, ...]


class PointsActivated(Event, frozen=True):
    """Pending points had become usable up to an instant."""

    TOPIC: ClassVar[str] = "activated"
    until: Instant
    points: int


class LotsSlid(Event, frozen=True):
    """The member was active, so lots not yet expired last longer."""

    TOPIC: ClassVar[str] = "slid"
    captured_at: Instant
    takes: tuple[Take, ...]
    """The lots as they were."""
    expires_at: Instant
    programme: int
    since: Instant = 0
    """Points that were to expire after this have lasted from one activity to the next."""


class RebateGranted(Event, frozen=True):
    """A share of the year's spend was given in points."""

    TOPIC: ClassVar[str] = "rebate"
    captured_at: Instant
    year: int
    spend_minor: int
    tier: str
    share_bp: int
    points: int
    activates_at: Instant
    expires_at: Instant
    programme: int
    repaid: int = 0


EVENTS: tuple[type[Event], ...] = (PointsExpired, PointsActivated, LotsSlid, RebateGranted)
