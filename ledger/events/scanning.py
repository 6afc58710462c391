"""Receipts that a member earned on, and goods of them that came back."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Award, Event, OfferBack, Scan
from ledger.types import Day, Instant, Take

__all__ = [
    "GoodsReturned",
    "GoodsReturnedLoose",
    "ReceiptAttributed",
    "ReceiptScanned",
    "ReturnVoided",
]


class ReceiptScanned(Event, frozen=True):
    """A member's receipt and the points it earned: scan and award are one act."""

    TOPIC: ClassVar[str] = "scan"
    scan: Scan
    award: Award
    fingerprint: bytes = b""
    """Of its content, where the receipt's own stream begins with this event."""


class ReceiptAttributed(Event, frozen=True):
    """An earlier receipt without a member was given to this one; its lines are not copied."""

    TOPIC: ClassVar[str] = "attributed"
    receipt: bytes
    captured_at: Instant
    day: Day
    """The store's day when it was captured."""
    amount_minor: int
    award: Award
    store: str = ""


class GoodsReturned(Event, frozen=True):
    """Lines of one of the member's receipts came back, and their points with them."""

    TOPIC: ClassVar[str] = "returned"
    receipt: bytes
    by: bytes
    """The receipt or command that brought them back."""
    captured_at: Instant
    lines: tuple[int, ...]
    """Counted from 0, as the amounts and points beside them."""
    amounts_minor: tuple[int, ...]
    points: tuple[int, ...]
    takes: tuple[Take, ...]
    arrears: int
    """Points owed because they were spent."""
    forgiven: int
    """Points let go because they were spent or had expired."""
    qualifying_day: Day
    programme: int
    qualifying: int = -1
    """What counts no more towards a tier; -1 stands for the sum of the points."""
    from_review: int = 0
    """Of the points, those that waited for review and wait no more."""
    offers: tuple[OfferBack, ...] = ()

    @property
    def uncounted(self) -> int:
        """What counts no more towards a tier."""
        return sum(self.points) if self.qualifying < 0 else self.qualifying


class ReturnVoided(Event, frozen=True):
    """A return was taken back: the goods stay sold, and their points are there again."""

    TOPIC: ClassVar[str] = "return-voided"
    receipt: bytes
    by: bytes
    captured_at: Instant
    lines: tuple[int, ...]
    amounts_minor: tuple[int, ...]
    points: tuple[int, ...]
    """By line."""
    puts: tuple[Take, ...]
    """Lots the points went into."""
    arrears: int
    """Points that are owed no more."""
    reinstated: int
    qualifying_day: Day
    programme: int
    qualifying: int = -1
    """What counts towards a tier again; -1 stands for the sum of the points."""
    to_review: int = 0
    """Of the points, those that wait for review again."""

    @property
    def counted(self) -> int:
        """What counts towards a tier again."""
        return sum(self.points) if self.qualifying < 0 else self.qualifying


class GoodsReturnedLoose(Event, frozen=True):
    """Goods came back without a receipt; points were taken at the programme's rate."""

    TOPIC: ClassVar[str] = "returned-loose"
    by: bytes
    captured_at: Instant
    day: Day
    amount_minor: int
    points: int
    takes: tuple[Take, ...]
    arrears: int
    forgiven: int
    author: str
    programme: int
    qualifying: int = -1
    """What counts no more towards a tier; -1 stands for the points."""

    @property
    def uncounted(self) -> int:
        """What counts no more towards a tier."""
        return self.points if self.qualifying < 0 else self.qualifying


EVENTS: tuple[type[Event], ...] = (
    ReceiptScanned,
    ReceiptAttributed,
    GoodsReturned,
    ReturnVoided,
    GoodsReturnedLoose,
)
