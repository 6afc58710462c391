"""Members and their cards."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["CardLinked", "CardStopped", "MemberEnrolled"]


class MemberEnrolled(Event, frozen=True):
    """A member joined; `personal` is encrypted under the member's own key."""

    TOPIC: ClassVar[str] = "enrolled"
    captured_at: Instant
    store: str
    personal: bytes
    fingerprint: bytes
    kind: str = "person"
    """person, household or organisation."""


class CardLinked(Event, frozen=True):
    """The member got a card; `replaces` is the index of the one it stands in for, or -1."""

    TOPIC: ClassVar[str] = "card-linked"
    captured_at: Instant
    card: bytes
    personal: bytes
    replaces: int = -1
    holder: bytes = b""
    """The holder's name, encrypted under the member's key; empty for none."""
    may_redeem: bool = True
    redeem_limit_day: int = -1
    """Points it may redeem on one day of the programme's zone; -1 for no limit."""


class CardStopped(Event, frozen=True):
    """A card of the member was blocked."""

    TOPIC: ClassVar[str] = "card-blocked"
    captured_at: Instant
    card: int
    reason: str


EVENTS: tuple[type[Event], ...] = (MemberEnrolled, CardLinked, CardStopped)
