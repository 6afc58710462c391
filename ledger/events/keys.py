"""The streams of cards, command ids and programmes."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["CardOwned", "CardSeen", "CommandClaimed", "ProgrammePublished", "RedemptionUndone"]


class CardSeen(Event, frozen=True):
    """A card nobody holds was used on a receipt, which will follow it."""

    TOPIC: ClassVar[str] = "card-seen"
    receipt: bytes


class CardOwned(Event, frozen=True):
    """The card is this member's."""

    TOPIC: ClassVar[str] = "card-owned"
    member: bytes
    version: int = 0
    """Of the member's event that linked it; 0 where a merge or its end moved it."""


class CommandClaimed(Event, frozen=True):
    """A command id is used; its outcome lies in this stream at this version."""

    TOPIC: ClassVar[str] = "command"
    fingerprint: bytes
    stream: bytes
    version: int


class ProgrammePublished(Event, frozen=True):
    """A programme takes effect; its number is its place in this stream."""

    TOPIC: ClassVar[str] = "programme"
    effective_at: Instant
    text: str
    digest: bytes


class RedemptionUndone(Event, frozen=True):
    """In the stream of a redemption's command: so many of its points are restored by now."""

    TOPIC: ClassVar[str] = "undone"
    points: int
    by_hand: bool
    receipt: bytes = b""
    """Whose returns restore them."""
    member: bytes = b""
    """By hand: in whose stream the points were restored, and by which event."""
    version: int = 0


EVENTS: tuple[type[Event], ...] = (
    CardSeen,
    CardOwned,
    CommandClaimed,
    RedemptionUndone,
    ProgrammePublished,
)
