"""Tiers as they change."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["TierChanged"]


class TierChanged(Event, frozen=True):
    """The member's tier changed; it is kept at least until `until`."""

    TOPIC: ClassVar[str] = "tier"
    captured_at: Instant
    tier: str
    until: Instant
    qualifying: int
    programme: int


EVENTS: tuple[type[Event], ...] = (TierChanged,)
