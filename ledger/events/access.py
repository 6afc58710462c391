"""Access keys: who may call, in which role and for which stores, and until when."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["AccessKeyEnded", "AccessKeyIssued"]


class AccessKeyIssued(Event, frozen=True):
    """A till, a store, a program or a person got a key; what it is is not kept."""

    TOPIC: ClassVar[str] = "access-key"
    captured_at: Instant
    id: str
    """What the key begins with; no secret."""
    secret_hash: bytes
    """SHA-256 of its secret part."""
    holder: str
    """Whose it is: its acts are recorded under this name."""
    role: str
    stores: tuple[str, ...]
    """Where it may be used; empty: everywhere."""
    until: Instant
    """From when on it is good for nothing; 0: it does not end by itself."""
    author: str
    command: str
    replaces: str = ""
    """The id of the key that it was made in place of."""


class AccessKeyEnded(Event, frozen=True):
    """A key is good for nothing from an instant on: it was revoked, or replaced."""

    TOPIC: ClassVar[str] = "access-key-ended"
    captured_at: Instant
    id: str
    at: Instant
    reason: str
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (AccessKeyIssued, AccessKeyEnded)
