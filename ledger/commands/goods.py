"""The lines of a receipt between the canonical form and the columns of an event."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final, TypeVar, cast

from ledger import events as e
from ledger.aggregates.receipt import ReceiptState
from ledger.store.working import Working
from ledger.types import Instant, Line, LineKind, Receipt, ReceiptKey

T = TypeVar("T")
_PIECE: Final = "piece"
_SALE: Final = "sale"
# Columns are read by C functions: this is done for every line of every receipt.
_PRODUCT, _QUANTITY, _AMOUNT, _CATEGORY = map(
    attrgetter, ("product", "quantity", "amount_minor", "category")
)
_REST = attrgetter("discount_minor", "unit", "kind", "voided", "brand")
_USUAL = {(0, _PIECE, _SALE, False, "")}


def goods_of(lines: Sequence[Line]) -> e.Goods:
    """The columns of lines; a column in which every line says the usual is left empty."""
    products, quantities = tuple(map(_PRODUCT, lines)), tuple(map(_QUANTITY, lines))
    amounts_minor, categories = tuple(map(_AMOUNT, lines)), tuple(map(_CATEGORY, lines))
    if not any(categories):
        categories = ()
    if set(map(_REST, lines)) <= _USUAL:
        return e.Goods(products, quantities, amounts_minor, categories)
    return e.Goods(
        products,
        quantities,
        amounts_minor,
        categories,
        _unless_all([line.discount_minor for line in lines], 0),
        _unless_all([line.unit for line in lines], _PIECE),
        _unless_all([line.kind for line in lines], _SALE),
        tuple(index for index, line in enumerate(lines) if line.voided),
        _unless_all([line.brand for line in lines], ""),
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
            _kind(goods, index),
            voided=goods.quantities[index] < 0 or index in goods.voided,
            brand=goods.brands[index] if goods.brands else "",
        )
        for index, product in enumerate(goods.products)
    ]


def _kind(goods: e.Goods, index: int) -> LineKind:
    """A line of goods brought back stands as voided, so it needs no kind of its own."""
    if not goods.kinds or goods.kinds[index] == "return":
        return _SALE
    return cast("LineKind", goods.kinds[index])


def loose_of(goods: e.Goods) -> list[Line]:
    """The lines of goods brought back of which nobody knows the receipt."""
    return [
        Line(
            goods.products[index], goods.quantities[index], goods.amounts_minor[index],
            category=goods.categories[index] if goods.categories else "", kind="return",
        )
        for index, kind in enumerate(goods.kinds)
        if kind == "return" and index not in goods.voided
    ]  # fmt: skip


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


def scan_of(receipt: Receipt, key: ReceiptKey, captured_at: Instant, *, historical: bool) -> e.Scan:
    """What the till said, as an event keeps it."""
    offset = receipt.captured_at.utcoffset()
    tenders = receipt.tenders
    return e.Scan(
        key.store,
        key.lane,
        key.business_day,
        key.number,
        captured_at,
        offset.days * 1440 + offset.seconds // 60 if offset else 0,
        goods_of(receipt.lines),
        tuple([(tender.kind, tender.amount_minor) for tender in tenders]),
        receipt.cashier,
        historical,
        _unless_all([tender.ref for tender in tenders], "") if tenders else (),
    )
