"""Receipts that a member earned on, and goods of them that came back."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Award, Event, Scan
from ledger.types import Day, Instant, Take

__all__ = ["GoodsReturned", "ReceiptAttributed", "ReceiptScanned"]


class ReceiptScanned(Event, frozen=True):
    """A member's receipt and the points it earned: scan and award are one act."""

    TOPIC: ClassVar[str] = "scan"
    scan: Scan
    award: Award


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
    from_review: int = 0
    """Points that waited for review, and wait no more."""
    unqualified: int = 0
    """Of the points, those that never counted towards a tier."""


EVENTS: tuple[type[Event], ...] = (ReceiptScanned, ReceiptAttributed, GoodsReturned)
