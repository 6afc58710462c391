"""The receipt stream: that a key is used, by whom, and what came back."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event, Scan

__all__ = ["LinesReturned", "ReceiptClaimed", "ReceiptGiven", "ReceiptUnclaimed"]


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


class LinesReturned(Event, frozen=True):
    """Lines of this receipt came back on another; no member is touched by this event."""

    TOPIC: ClassVar[str] = "lines-returned"
    by: bytes
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]


EVENTS: tuple[type[Event], ...] = (ReceiptClaimed, ReceiptUnclaimed, ReceiptGiven, LinesReturned)
