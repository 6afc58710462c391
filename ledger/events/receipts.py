"""The receipt stream: that a key is used, by whom, and what came back."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event, Scan
from ledger.types import Instant

__all__ = [
    "LinesKept",
    "LinesReturned",
    "ReceiptClaimed",
    "ReceiptGiven",
    "ReceiptUnclaimed",
    "ReturnWaits",
]


class ReceiptClaimed(Event, frozen=True):
    """The key is used; the scan lies in the member's stream at this version."""

    TOPIC: ClassVar[str] = "claim"
    member: bytes
    version: int
    fingerprint: bytes


class ReceiptUnclaimed(Event, frozen=True):
    """A receipt without a member: the receipt stream carries its lines."""

    TOPIC: ClassVar[str] = "unclaimed"
    scan: Scan
    fingerprint: bytes
    why: int
    card: bytes = b""


class ReceiptGiven(Event, frozen=True):
    """The receipt was attributed to a member."""

    TOPIC: ClassVar[str] = "given"
    member: bytes
    version: int
    returns: tuple[int, ...] = ()
    """Versions, in the member's stream, of what takes off that goods had come back before."""


class LinesReturned(Event, frozen=True):
    """Lines of this receipt came back on another; no member is touched by this event."""

    TOPIC: ClassVar[str] = "lines-returned"
    by: bytes
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]
    version: int = 0
    """Of the event in the member's stream that took the points; 0 for none."""
    member: bytes = b""
    """Whose stream that is, where the receipt belongs to another, merged since."""


class ReturnWaits(Event, frozen=True):
    """Goods of a receipt came back that is not recorded yet; they will be taken off it."""

    TOPIC: ClassVar[str] = "return-waits"
    by: bytes
    captured_at: Instant
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]


class LinesKept(Event, frozen=True):
    """A return of lines of this receipt was voided."""

    TOPIC: ClassVar[str] = "lines-kept"
    by: bytes
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]
    waited: bool = False


EVENTS: tuple[type[Event], ...] = (
    ReceiptClaimed,
    ReceiptUnclaimed,
    ReceiptGiven,
    LinesReturned,
    ReturnWaits,
    LinesKept,
)
