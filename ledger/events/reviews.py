"""Receipts beyond the fraud limits, and what people decide on them."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day, Instant

__all__ = [
    "DECISIONS",
    "DECISION_APPROVED",
    "DECISION_DENIED",
    "DECISION_NONE",
    "ReceiptFlagged",
    "ReceiptReviewed",
    "ReviewApproved",
    "ReviewDenied",
    "ReviewReduced",
    "StaffCardMarked",
]

DECISION_NONE, DECISION_APPROVED, DECISION_DENIED = range(3)
DECISIONS = ("open", "approved", "denied")
"""What a person decided on a receipt, by the number that its state carries."""


class ReceiptFlagged(Event, frozen=True):
    """A receipt of the member is beyond fraud limits; `review` of its points wait."""

    TOPIC: ClassVar[str] = "flagged"
    captured_at: Instant
    receipt: bytes
    store: str
    breaches: tuple[tuple[str, int], ...]
    """Limit and the value that passed it."""
    review: int
    programme: int


class ReviewApproved(Event, frozen=True):
    """Points that waited are the member's, in the lot of their award."""

    TOPIC: ClassVar[str] = "review-approved"
    captured_at: Instant
    receipt: bytes
    points: int
    repaid: int
    activates_at: Instant
    expires_at: Instant
    qualifying_day: Day
    qualifying: int
    reason: str
    author: str
    programme: int
    command: str


class ReviewDenied(Event, frozen=True):
    """Points that waited are taken back."""

    TOPIC: ClassVar[str] = "review-denied"
    captured_at: Instant
    receipt: bytes
    points: int
    reason: str
    author: str
    programme: int
    command: str


class StaffCardMarked(Event, frozen=True):
    """The member is this cashier; with an empty one, no cashier any more."""

    TOPIC: ClassVar[str] = "staff-card"
    captured_at: Instant
    card: int
    cashier: bytes
    """A keyed hash: who works at a till is personal."""
    author: str


class ReceiptReviewed(Event, frozen=True):
    """A person decided on a receipt that waited, with points or without; in its own stream."""

    TOPIC: ClassVar[str] = "reviewed"
    captured_at: Instant
    decision: int
    reason: str
    author: str
    command: str


class ReviewReduced(Event, frozen=True):
    """Goods came back whose points waited for review: so many fewer wait."""

    TOPIC: ClassVar[str] = "review-reduced"
    by: bytes
    points: int


EVENTS: tuple[type[Event], ...] = (
    ReceiptFlagged,
    ReviewApproved,
    ReviewDenied,
    StaffCardMarked,
    ReceiptReviewed,
    ReviewReduced,
)
