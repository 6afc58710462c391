"""Points that a card may spend while a till is offline."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["AllowanceIssued", "AllowanceKeyMade", "AllowanceUsed"]


class AllowanceIssued(Event, frozen=True):
    """A card may spend so many points at a till that cannot ask, until an instant.

    Nothing is reserved: the points can be spent elsewhere meanwhile.
    """

    TOPIC: ClassVar[str] = "allowance"
    captured_at: Instant
    allowance: bytes
    """The stream of the command that asked for it, which names it."""
    card: bytes
    """The card's stream."""
    points: int
    until: Instant
    """From this instant on nothing may be spent under it."""
    store: str
    """Where; empty: everywhere."""
    key: str
    """The id of the key that signs it."""
    programme: int
    """What its points are worth is told by this one, whatever is published meanwhile."""
    command: str


class AllowanceUsed(Event, frozen=True):
    """In the allowance's own stream: so many of its points were spent by now."""

    TOPIC: ClassVar[str] = "allowance-used"
    points: int


class AllowanceKeyMade(Event, frozen=True):
    """Allowances are signed by this key from now on; what it signs with is not in the log."""

    TOPIC: ClassVar[str] = "allowance-key"
    captured_at: Instant
    id: str
    public: bytes
    """Ed25519, as RFC 8032 writes it: 32 bytes."""
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (AllowanceIssued, AllowanceUsed, AllowanceKeyMade)
