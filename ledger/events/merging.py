"""Two members become one, and are parted again."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ledger.events.parts import Event
from ledger.types import Day, Instant, Take

__all__ = ["MergeUndone", "MergedAway", "MergedIn", "MovedCard", "MovedComplaint", "PartedAgain"]


class MovedCard(Struct, frozen=True, array_like=True, gc=False):
    """A card as it comes to another member; the holder's name stays where its key is."""

    id: bytes
    stopped: bool
    replaced: bool
    may_redeem: bool
    redeem_limit_day: int
    day: Day
    """The day of its latest redemption, and the points beside it."""
    redeemed: int
    stopped_at: Instant = 0
    """When it was stopped; 0: always, as far as anybody knows."""


class MovedComplaint(Struct, frozen=True, array_like=True, gc=False):
    """An open complaint as it comes to another member."""

    id: bytes
    receipt: bytes
    line: int
    answered: bool


class MergedAway(Event, frozen=True):
    """The member was merged into another: lots, arrears and qualifying points went there."""

    TOPIC: ClassVar[str] = "merged-away"
    captured_at: Instant
    into: bytes
    takes: tuple[Take, ...]
    arrears: int
    days: tuple[Day, ...]
    qualifying: tuple[int, ...]
    reason: str
    author: str
    programme: int
    command: str


class MergedIn(Event, frozen=True):
    """Another member was merged into this one; what came keeps apart from the own."""

    TOPIC: ClassVar[str] = "merged-in"
    captured_at: Instant
    member: bytes
    merge: bytes
    """The stream of the command, which names the merge."""
    number: int
    """The merge's number in this member, which its cards carry."""
    takes: tuple[Take, ...]
    """The lots as they lie here, under their new origins."""
    origins: tuple[tuple[int, int], ...]
    """(origin here, origin there)."""
    arrears: int
    days: tuple[Day, ...]
    qualifying: tuple[int, ...]
    cards: tuple[MovedCard, ...]
    complaints: tuple[MovedComplaint, ...]
    tier: str
    """The recorded tier of this member before, since when and until when."""
    tier_since: Instant
    tier_until: Instant
    reason: str
    author: str
    programme: int
    command: str


class MergeUndone(Event, frozen=True):
    """A merge into this member was undone: what was left of it went back."""

    TOPIC: ClassVar[str] = "merge-undone"
    captured_at: Instant
    member: bytes
    merge: bytes
    number: int
    takes: tuple[Take, ...]
    """What was left of the lots, under their origins here."""
    arrears: int
    days: tuple[Day, ...]
    qualifying: tuple[int, ...]
    complaints: tuple[bytes, ...]
    tier: str
    """The recorded tier from then on, since when and until when."""
    tier_since: Instant
    tier_until: Instant
    tier_restored: bool
    """It was another until then, which the merge had brought."""
    receipts: int
    """Receipts of the cards that go back, recorded in between: they stay with this member."""
    points: int
    """What those receipts earned; it stays too."""
    author: str
    programme: int
    command: str


class PartedAgain(Event, frozen=True):
    """The member is its own again: what was left came back, by its old origins."""

    TOPIC: ClassVar[str] = "parted-again"
    captured_at: Instant
    into: bytes
    """The member it was merged into."""
    merge: bytes
    takes: tuple[Take, ...]
    arrears: int
    days: tuple[Day, ...]
    qualifying: tuple[int, ...]
    cards: tuple[MovedCard, ...]
    """As they are now; a card that was given in place of one of them is among them."""
    complaints: tuple[MovedComplaint, ...]
    receipts: int
    """Receipts of these cards, recorded in between: they stay with the other member."""
    points: int
    author: str
    programme: int
    command: str


EVENTS: tuple[type[Event], ...] = (MergedAway, MergedIn, MergeUndone, PartedAgain)
