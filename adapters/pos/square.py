"""Reads Square: orders with their returns, and the notices of webhooks that name an order.

Facts. Orders API (developer.squareup.com/reference/square/objects/Order and OrderReturn,
docs/orders-api/order-returns-exchanges): money is whole minor units with its currency; times are UTC.
`total_money` of a line is what is paid for it, after discounts and with taxes. A quantity is a decimal
text; with a `quantity_unit` it is a measure. Goods come back on an order of their own in `returns`:
`source_order_id` and `source_line_item_uid` name the sale, and are missing where there was none; a
refund of money alone is a `CUSTOM_AMOUNT`. `state` is OPEN, COMPLETED, CANCELED or DRAFT. A webhook of
orders holds only `order_id` and `state`, one of payments the payment with its `order_id`: what was
bought has to be fetched. A completed order has a notice of its own, beside those of its payments.

An order has no till: `location_id` is the store, and its `id` is the number. The trading day is the
day at the store on which it was closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from adapters.pos import documents
from adapters.pos.documents import Document, listed, part, some, text
from adapters.pos.gs1 import goods
from adapters.pos.money import decimal, measured
from adapters.pos.terms import Reading, Sold, Unmapped, days_before, key_of, shown, sold_lines
from ledger.types import ReceiptKey, day_of

_NO_PRODUCT = "custom amount"


def unwrap(document: Any) -> Iterator[Any]:
    """The orders of a list, of an answer of the API, or the object of a webhook."""
    if isinstance(document, dict):
        if "orders" in document:
            document = listed(document, "orders")
        elif "event_id" in document:
            document = part(part(document, "data"), "object")
        if isinstance(document, dict) and isinstance(document.get("order"), dict):
            document = document["order"]
    yield from document if isinstance(document, list) else (document,)


def order_named(notice: Document) -> str:
    """The id of the order that a webhook is about; empty where it is about none.

    Raises:
        Unmapped: a field is not what the facts say.
    """
    found = part(part(notice, "data"), "object")
    for name in ("order_created", "order_updated", "payment", "refund"):
        if order := text(part(found, name), "order_id"):
            return order
    return ""


def take(order: Document, reading: Reading) -> Iterator[dict[str, Any]]:
    """The receipt of an order that is completed.

    Raises:
        Unmapped: a field is not what the facts say.
    """
    if order.keys() & {"order_created", "order_updated", "payment", "refund"}:
        for name in ("order_created", "order_updated"):
            if text(part(order, name), "state") == "COMPLETED":
                number = text(part(order, name), "order_id")
                raise Unmapped(f"{name}.order_id", f"fetch the order {shown(number)} and feed that")
        reading.left_out["notices of no order that is completed"] += 1
        return
    if text(order, "state") != "COMPLETED":
        reading.left_out["orders not completed"] += 1
        return
    moment = reading.terms.local(
        reading.terms.moment("closed_at", text(order, "closed_at") or text(order, "created_at"))
    )
    number = text(order, "id")
    store = reading.terms.store_of(text(order, "location_id"))
    taken = _Lines(order, reading, ReceiptKey(store, "", day_of(moment.date()), number))
    if not taken.lines:
        reading.left_out["nothing sold"] += 1
        return
    fields = {
        "store": store, "lane": "",
        "business_date": moment.date(), "number": number, "captured_at": moment,
        "currency": taken.currency or reading.terms.currency, "card": _card(order),
        "lines": taken.lines, "tenders": _tenders(order),
    }  # fmt: skip
    reading.keep(number, Sold(key_of(fields), sold_lines(taken.lines), taken.names))
    yield fields


class _Lines:
    """What was sold and what came back, in this order; all in one currency."""

    def __init__(self, order: Document, reading: Reading, key: ReceiptKey) -> None:
        self._key = key
        self.lines: list[dict[str, Any]] = []
        self.names: dict[str, int] = {}
        self.currency = ""
        for one in some(order, "line_items"):
            line = self._line(one, reading)
            if line["quantity"]:
                self.lines.append(line)
                self.names[text(one, "uid")] = len(self.lines)
        for back in some(order, "returns"):
            source = text(back, "source_order_id")
            if source == key.number:
                raise Unmapped("returns.source_order_id", "it names the order itself")
            for one in some(back, "return_line_items"):
                self._back(one, source, reading)

    def _back(self, one: Document, source: str, reading: Reading) -> None:
        if text(one, "item_type") == "CUSTOM_AMOUNT":
            reading.left_out["lines that refund money alone"] += 1
            return
        line = self._line(one, reading)
        of = reading.return_of(
            source, line["product"], line["quantity"], line=text(one, "source_line_item_uid"),
            keys=days_before((self._key.store,), source, self._key.business_day) if source else (),
        )  # fmt: skip
        self.lines += reading.back(line, of)

    def _line(self, one: Document, reading: Reading) -> dict[str, Any]:
        unit = part(part(one, "quantity_unit"), "measurement_unit")
        code = text(unit, "weight_unit") or text(unit, "volume_unit")
        worth = decimal("quantity", one.get("quantity"))
        product = text(one, "catalog_object_id") or text(one, "name")[:64] or _NO_PRODUCT
        product, quantity, measure = goods(
            product, *measured("quantity", worth, code), reading.terms.scales
        )
        return {
            "product": product, "quantity": quantity, "unit": measure,
            "amount_minor": self._money(one, "total_money"),
            "discount_minor": self._money(one, "total_discount_money"),
            "kind": "gift_card" if text(one, "item_type") == "GIFT_CARD" else "sale",
        }  # fmt: skip

    def _money(self, one: Document, name: str) -> int:
        found = part(one, name)
        currency = text(found, "currency")
        if self.currency and currency and currency != self.currency:
            raise Unmapped(f"{name}.currency", f"{currency} beside {self.currency}")
        self.currency = self.currency or currency
        return _whole(f"{name}.amount", found.get("amount", 0))


def _card(order: Document) -> str | None:
    """The customer, of the order or of a payment, stands for the card."""
    for one in (order, *some(order, "tenders")):
        if customer := text(one, "customer_id"):
            return f"square:{customer}"
    return None


def _tenders(order: Document) -> list[dict[str, Any]]:
    paid = [(text(one, "type") or "unknown", part(one, "amount_money"), 1)
            for one in some(order, "tenders")]  # fmt: skip
    paid += [("refund", part(one, "amount_money"), -1) for one in some(order, "refunds")]
    return [
        {"kind": kind, "amount_minor": sign * _whole("amount_money.amount", money.get("amount", 0))}
        for kind, money, sign in paid
    ]


def _whole(field: str, amount: object) -> int:
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise Unmapped(field, "not a whole number of minor units")
    return amount


read = partial(documents.read, unwrap=unwrap, take=take)
parse = partial(documents.parse, unwrap=unwrap, take=take)
