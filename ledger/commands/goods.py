"""The lines of a receipt between the canonical form and the columns of an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ledger import events as e
from ledger.calendar import instant_of
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
        line.discount_minor == 0
        and line.unit == _PIECE
        and line.kind == _SALE
        and not line.voided
        and not line.brand
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
        _unless_all([line.brand for line in lines], ""),
    )


def _unless_all(column: list[T], usual: T) -> tuple[T, ...]:
    return () if all(value == usual for value in column) else tuple(column)


def lines_of(goods: e.Goods, returned: Mapping[int, int]) -> list[Line]:
    """The lines that columns stand for, less what came back since (whole lines by share)."""
    lines = []
    for index, product in enumerate(goods.products):
        quantity, amount = goods.quantities[index], goods.amounts_minor[index]
        back = returned.get(index, 0)
        discount = goods.discounts_minor[index] if goods.discounts_minor else 0
        if quantity > 0 and back:
            amount -= amount * back // quantity
            discount -= discount * back // quantity
        gone = quantity <= 0 or back >= quantity
        lines.append(
            Line(
                product,
                1 if gone else quantity - back,
                0 if gone else amount,
                goods.units[index] if goods.units else _PIECE,  # type: ignore[arg-type]
                discount,
                goods.categories[index] if goods.categories else "",
                goods.kinds[index] if goods.kinds else _SALE,  # type: ignore[arg-type]
                voided=gone or index in goods.voided,
                brand=goods.brands[index] if goods.brands else "",
            )
        )
    return lines


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
    )
