"""The lines of a receipt between the canonical form and the columns of an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from ledger import events as e
from ledger.aggregates.receipt import ReceiptState
from ledger.calendar import instant_of
from ledger.store.working import Working
from ledger.types import Line, Receipt

T = TypeVar("T")
_PIECE, _SALE = "piece", "sale"


def goods_of(lines: Sequence[Line]) -> e.Goods:
    """The columns of lines; a column in which every line says the usual is left empty."""
    goods = e.Goods(
        tuple([line.product for line in lines]),
        tuple([line.quantity for line in lines]),
        tuple([line.amount_minor for line in lines]),
        tuple([line.category for line in lines]) if any(line.category for line in lines) else (),
    )
    if all(
        line.discount_minor == 0 and line.unit == _PIECE and line.kind == _SALE and not line.voided
        for line in lines
    ):
        return goods
    return e.Goods(
        goods.products,
        goods.quantities,
        goods.amounts_minor,
        goods.categories,
        _unless_all([line.discount_minor for line in lines], 0),
        _unless_all([line.unit for line in lines], _PIECE),
        _unless_all([line.kind for line in lines], _SALE),
        tuple(index for index, line in enumerate(lines) if line.voided),
    )


def _unless_all(column: list[T], usual: T) -> tuple[T, ...]:
    return () if all(value == usual for value in column) else tuple(column)


def lines_of(goods: e.Goods) -> list[Line]:
    """The lines that columns stand for; what the receipt brought back stands as voided."""
    return [
        Line(
            product,
            abs(goods.quantities[index]),
            abs(goods.amounts_minor[index]),
            goods.units[index] if goods.units else _PIECE,  # type: ignore[arg-type]
            goods.discounts_minor[index] if goods.discounts_minor else 0,
            goods.categories[index] if goods.categories else "",
            goods.kinds[index] if goods.kinds and goods.quantities[index] > 0 else _SALE,  # type: ignore[arg-type]
            voided=goods.quantities[index] < 0 or index in goods.voided,
        )
        for index, product in enumerate(goods.products)
    ]


def unclaimed_scan(working: Working, receipt: bytes) -> e.Scan:
    """The lines of a receipt that was recorded without a member."""
    state = cast("ReceiptState", working.state(receipt))
    return cast("e.ReceiptUnclaimed", working.event(receipt, state.scan_at)).scan


def scan_in(working: Working, receipt: bytes) -> e.Scan:
    """The lines of a recorded receipt: in the member's event, or in its own stream."""
    state = cast("ReceiptState", working.state(receipt))
    if state.scan_at:
        return unclaimed_scan(working, receipt)
    return cast("e.ReceiptScanned", working.event(state.member, state.version)).scan


def scan_of(receipt: Receipt, *, historical: bool) -> e.Scan:
    """What the till said, as an event keeps it."""
    key = receipt.key
    captured = receipt.captured_at
    offset = captured.utcoffset()
    return e.Scan(
        key.store,
        key.lane,
        key.business_day,
        key.number,
        instant_of(captured),
        offset.days * 1440 + offset.seconds // 60 if offset else 0,
        goods_of(receipt.lines),
        tuple([(tender.kind, tender.amount_minor) for tender in receipt.tenders]),
        receipt.cashier,
        historical,
        _unless_all([tender.ref for tender in receipt.tenders], ""),
    )
