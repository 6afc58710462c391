"""The lines of a receipt between the canonical form and the columns of an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar, cast

from msgspec.structs import astuple

from ledger import events as e
from ledger.aggregates.receipt import ReceiptState
from ledger.events.columns import KIND_LETTERS, UNIT_LETTERS, lettered, packed
from ledger.store.working import Working
from ledger.types import Instant, Line, LineKind, Receipt, ReceiptKey

T = TypeVar("T")
_PIECE: Final = "piece"
_SALE: Final = "sale"


def goods_of(lines: Sequence[Line]) -> e.Goods:
    """The columns of lines; a column in which every line says the usual is left empty.

    Lines are turned into columns by C functions: this is done for every line of every receipt.
    """
    if not lines:
        return e.Goods((), (), ())
    (products, quantities, amounts_minor, units, discounts_minor, categories, kinds, voided, _,
     brands) = zip(*map(astuple, lines), strict=True)  # fmt: skip
    count = len(lines)
    products, product_digits = packed(products)
    categories, category_digits = packed(categories) if any(categories) else ((), b"")
    units, unit_letters = lettered(units, UNIT_LETTERS) if units.count(_PIECE) < count else ((), "")
    kinds, kind_letters = lettered(kinds, KIND_LETTERS) if kinds.count(_SALE) < count else ((), "")
    return e.Goods(
        products,
        quantities,
        amounts_minor,
        categories,
        () if discounts_minor.count(0) == count else discounts_minor,
        units,
        kinds,
        tuple([index for index, one in enumerate(voided) if one]) if True in voided else (),
        () if brands.count("") == count else brands,
        product_digits,
        category_digits,
        unit_letters,
        kind_letters,
    )


def _unless_all(column: Sequence[T], usual: T) -> tuple[T, ...]:
    return () if column.count(usual) == len(column) else tuple(column)


def lines_of(goods: e.Goods) -> list[Line]:
    """The lines that columns stand for; what the receipt brought back stands as voided."""
    categories, units, kinds = goods.category_codes, goods.unit_names, goods.kind_names
    return [
        Line(
            product,
            abs(goods.quantities[index]),
            abs(goods.amounts_minor[index]),
            units[index] if units else _PIECE,  # type: ignore[arg-type]
            goods.discounts_minor[index] if goods.discounts_minor else 0,
            categories[index] if categories else "",
            _kind(kinds, index),
            voided=goods.quantities[index] < 0 or index in goods.voided,
            brand=goods.brands[index] if goods.brands else "",
        )
        for index, product in enumerate(goods.product_codes)
    ]


def _kind(kinds: Sequence[str], index: int) -> LineKind:
    """A line of goods brought back stands as voided, so it needs no kind of its own."""
    if not kinds or kinds[index] == "return":
        return _SALE
    return cast("LineKind", kinds[index])


def loose_of(goods: e.Goods) -> list[Line]:
    """The lines of goods brought back of which nobody knows the receipt."""
    kinds = goods.kind_names
    if "return" not in kinds:
        return []
    products, categories = goods.product_codes, goods.category_codes
    return [
        Line(
            products[index], goods.quantities[index], goods.amounts_minor[index],
            category=categories[index] if categories else "", kind="return",
        )
        for index, kind in enumerate(kinds)
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
