"""Members who leave."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant, Take

__all__ = ["MemberClosed", "MemberErased"]


class MemberClosed(Event, frozen=True):
    """The account is closed: the points are gone, debts let go, all cards stopped."""

    TOPIC: ClassVar[str] = "closed"
    captured_at: Instant
    takes: tuple[Take, ...]
    arrears: int
    """Points that were owed, and are not asked for any more."""
    reason: str
    author: str
    programme: int
    command: str


class MemberErased(Event, frozen=True):
    """The key of the member's personal data was destroyed in the same transaction."""

    TOPIC: ClassVar[str] = "erased"
    captured_at: Instant
    reason: str
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (MemberClosed, MemberErased)
