"""Tiers as they change."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["TierChanged", "TierGranted"]


class TierChanged(Event, frozen=True):
    """The member's tier changed, or a review confirmed it; it is held until its next review."""

    TOPIC: ClassVar[str] = "tier"
    captured_at: Instant
    tier: str
    until: Instant
    qualifying: int
    programme: int


class TierGranted(Event, frozen=True):
    """Staff granted a tier up to an instant; it takes the place of an earlier grant."""

    TOPIC: ClassVar[str] = "tier-granted"
    captured_at: Instant
    tier: str
    until: Instant
    reason: str
    author: str
    programme: int
    command: str


EVENTS: tuple[type[Event], ...] = (TierChanged, TierGranted)
