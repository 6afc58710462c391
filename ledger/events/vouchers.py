"""Vouchers that were bought with points: a single-use code each."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["VoucherCancelled", "VoucherIssued", "VoucherUsed"]


class VoucherIssued(Event, frozen=True):
    """A voucher was bought; its stream is a keyed hash of the code, which is stored nowhere."""

    TOPIC: ClassVar[str] = "voucher"
    captured_at: Instant
    member: bytes
    redemption: bytes
    """The stream of the command that bought it."""
    voucher: str
    value_minor: int
    valid_until: Instant
    programme: int


class VoucherUsed(Event, frozen=True):
    """The voucher paid, once."""

    TOPIC: ClassVar[str] = "voucher-used"
    captured_at: Instant
    store: str
    command: str


class VoucherCancelled(Event, frozen=True):
    """The redemption that bought it was undone; it pays nothing any more."""

    TOPIC: ClassVar[str] = "voucher-cancelled"
    captured_at: Instant


EVENTS: tuple[type[Event], ...] = (VoucherIssued, VoucherUsed, VoucherCancelled)
