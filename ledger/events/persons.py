"""Who a member is: personal data that come later, and identities."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = [
    "IdentityHeld",
    "IdentityLinked",
    "MemberCompleted",
    "OffersConsented",
    "PersonalChanged",
]


class MemberCompleted(Event, frozen=True):
    """A member of whom only a card was known gave personal data."""

    TOPIC: ClassVar[str] = "completed"
    captured_at: Instant
    personal: bytes
    fingerprint: bytes


class PersonalChanged(Event, frozen=True):
    """Personal data were put right."""

    TOPIC: ClassVar[str] = "personal-changed"
    captured_at: Instant
    personal: bytes
    fingerprint: bytes
    author: str
    command: str


class IdentityLinked(Event, frozen=True):
    """The member is known by an e-mail address or telephone number, named by its stream."""

    TOPIC: ClassVar[str] = "identity-linked"
    captured_at: Instant
    identity: bytes


class IdentityHeld(Event, frozen=True):
    """In the identity's stream: whose it is; nobody's once the member was erased."""

    TOPIC: ClassVar[str] = "identity-held"
    member: bytes


class OffersConsented(Event, frozen=True):
    """The member consented to be told offers, or took that back; the latest holds."""

    TOPIC: ClassVar[str] = "offers-consent"
    captured_at: Instant
    given: bool
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (
    MemberCompleted,
    PersonalChanged,
    IdentityLinked,
    IdentityHeld,
    OffersConsented,
)
