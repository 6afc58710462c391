"""Reads Shopify: orders, the refunds in them, and refunds by themselves.

Facts. REST Admin API, Order and Refund (shopify.dev/docs/api/admin-rest; samples in
Shopify/shopify_python_api, MIT): amounts are decimal strings (those of a refund's lines may be
numbers) in `currency`; times carry the shop's offset. A line's `price` is for one piece before
discounts; `discount_allocations` are all that was taken off it, of the order's discounts too; older
orders have only `total_discount`, the line's own. `taxes_included` says whether `tax_lines` are in the
price. `quantity` stays what was ordered; a refund counts apart. A refund line's `subtotal` is after
discounts and, unless taxes are included, before `total_tax`. `test` orders and cancelled ones without
a payment count for nothing. A refund names its order and lines by id, and no store.

An order has no till: its `location_id` is the store, and its `id` is the number. A refund has the
number `R` and its id, and the store of the shop as a whole, in either way that it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from adapters.pos import documents
from adapters.pos.documents import Document, listed, part, some, text
from adapters.pos.gs1 import goods
from adapters.pos.money import decimal, measured, minor, rounded
from adapters.pos.terms import Reading, Sold, Unmapped, days_before, key_of, sold_lines
from ledger.types import day_of

SHOP = "shopify"
"""The store where an order names none, unless the terms do."""
_UNPAID = frozenset({"pending", "authorized", "voided", "expired"})
_DONE = frozenset({"sale", "capture", "refund"})


def unwrap(document: Any) -> Iterator[Any]:
    """The orders and refunds of a list, of an answer of the API, or of a webhook's body."""
    if isinstance(document, dict):
        for one, more in (("order", "orders"), ("refund", "refunds")):
            if more in document and "line_items" not in document:
                document = listed(document, more)
                break
            if one in document:
                document = document[one]
                break
    yield from document if isinstance(document, list) else (document,)


def take(order: Document, reading: Reading) -> Iterator[dict[str, Any]]:
    """The receipt of an order and those of its refunds, or of a refund by itself.

    Raises:
        Unmapped: a field is not what the facts say.
    """
    if "refund_line_items" in order:
        yield from _refund(order, reading, currency="", included=True)
        return
    if order.get("test") is True:
        reading.left_out["test orders"] += 1
        return
    if text(order, "financial_status") in _UNPAID:
        reading.left_out["orders not paid"] += 1
        return
    currency = text(order, "currency") or reading.terms.currency
    included = order.get("taxes_included") is not False
    lines, names = _lines(order, currency, reading, included=included)
    if lines:
        fields = {
            "store": reading.terms.store_of(text(order, "location_id")) or _shop(reading),
            **_head(order, "id", text(order, "processed_at") or text(order, "created_at"), reading),
            "currency": currency, "card": _card(order), "cashier": text(order, "user_id"), "lines": lines,
            "tenders": _order_tenders(order, currency),
        }  # fmt: skip
        reading.keep(fields["number"], Sold(key_of(fields), sold_lines(lines), names))
        yield fields
    else:
        reading.left_out["nothing sold"] += 1
    for refund in some(order, "refunds"):
        yield from _refund(refund, reading, currency=currency, included=included)


def _head(order: Document, name: str, when: str, reading: Reading) -> dict[str, Any]:
    moment = reading.terms.moment("created_at", when)
    return {"lane": "", "number": text(order, name), "captured_at": moment,
            "business_date": moment.date()}  # fmt: skip


def _shop(reading: Reading) -> str:
    return reading.terms.store or SHOP


def _card(order: Document) -> str | None:
    """The customer stands for the card."""
    customer = text(part(order, "customer"), "id")
    return f"shopify:{customer}" if customer else None


def _lines(
    order: Document, currency: str, reading: Reading, *, included: bool
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    lines: list[dict[str, Any]] = []
    names: dict[str, int] = {}
    for one in some(order, "line_items"):
        pieces, _ = measured("line_items.quantity", decimal("line_items.quantity",
                                                            one.get("quantity")), "")  # fmt: skip
        if not pieces:  # taken off the order before it was paid
            continue
        gross = minor("line_items.price", one.get("price"), currency) * pieces
        off = _discount(one, currency)
        tax = 0 if included else sum(
            minor("tax_lines.price", each.get("price"), currency)
            for each in some(one, "tax_lines")
        )  # fmt: skip
        product, quantity, unit = goods(_product(one), pieces, "piece", reading.terms.scales)
        lines.append({
            "product": product, "quantity": quantity, "unit": unit,
            "amount_minor": gross - off + tax, "discount_minor": off,
            "category": text(one, "product_type"), "brand": text(one, "vendor")[:64],
            "kind": "gift_card" if one.get("gift_card") is True else "sale",
        })  # fmt: skip
        names[text(one, "id")] = len(lines)
    return lines, names


def _discount(line: Document, currency: str) -> int:
    if "discount_allocations" in line:
        return sum(
            minor("discount_allocations.amount", each.get("amount"), currency)
            for each in some(line, "discount_allocations")
        )
    return minor("line_items.total_discount", line.get("total_discount") or "0", currency)


def _product(line: Document) -> str:
    """The barcode where an app added it, else the shop's own article, else Shopify's."""
    for name in ("barcode", "sku", "variant_id", "product_id", "title"):
        if found := text(line, name):
            return found[:64]
    raise Unmapped("line_items.sku", "nothing names the product")


def _order_tenders(order: Document, currency: str) -> list[dict[str, Any]]:
    """The payments that went through; without them, that the order was paid."""
    if "transactions" in order:
        return [one for one in _tenders(order, currency) if one["amount_minor"] > 0]
    if order.get("total_price") is None:
        return []
    gateways = order.get("payment_gateway_names")
    kind = gateways[0] if isinstance(gateways, list) and gateways else "unknown"
    return [{"kind": kind, "amount_minor": minor("total_price", order["total_price"], currency)}]


def _tenders(document: Document, currency: str) -> list[dict[str, Any]]:
    tenders = []
    for one in some(document, "transactions"):
        if text(one, "kind") in _DONE and text(one, "status") in {"success", ""}:
            amount = minor("transactions.amount", one.get("amount"), currency)
            back = text(one, "kind") == "refund"
            tenders.append({"kind": text(one, "gateway") or "unknown",
                            "amount_minor": -amount if back else amount})  # fmt: skip
    return tenders


def _refund(
    refund: Document, reading: Reading, *, currency: str, included: bool
) -> Iterator[dict[str, Any]]:
    """What came back; it names no customer, because the order knows whose it was."""
    currency = currency or _currency(refund) or reading.terms.currency
    head = _head(refund, "id", text(refund, "processed_at") or text(refund, "created_at"), reading)
    order = text(refund, "order_id")
    before = list(days_before(_stores(refund, reading), order, day_of(head["business_date"])))
    lines: list[dict[str, Any]] = []
    for one in some(refund, "refund_line_items"):
        bought = part(one, "line_item")
        pieces, _ = measured("refund_line_items.quantity",
                             decimal("refund_line_items.quantity", one.get("quantity")), "")  # fmt: skip
        worth = _refunded(one, bought, pieces, currency, included=included)
        product, quantity, unit = goods(_product(bought or {"title": text(one, "line_item_id")}),
                                        pieces, "piece", reading.terms.scales)  # fmt: skip
        of = reading.return_of(order, product, quantity, line=text(one, "line_item_id"),
                               keys=before)  # fmt: skip
        line = {"product": product, "quantity": quantity, "unit": unit, "amount_minor": worth,
                "brand": text(bought, "vendor")[:64],
                "kind": "gift_card" if bought.get("gift_card") is True else "sale"}  # fmt: skip
        lines += reading.back(line, of)
    if not lines:
        reading.left_out["refunds of money alone"] += 1
        return
    yield {
        "store": _shop(reading), **head, "number": f"R{head['number']}", "currency": currency,
        "cashier": text(refund, "user_id"), "lines": lines,
        "tenders": [one for one in _tenders(refund, currency) if one["amount_minor"] < 0],
    }  # fmt: skip


def _stores(refund: Document, reading: Reading) -> list[str]:
    """Where an order may have been sold: the shop, where its goods go back to, any store named."""
    told = [text(one, "location_id") for one in some(refund, "refund_line_items")]
    own = [reading.terms.store_of(one) for one in told if one]
    return [*dict.fromkeys([_shop(reading), *own, *reading.terms.stores.values()])]


def _refunded(
    one: Document, bought: Document, pieces: int, currency: str, *, included: bool
) -> int:
    """What a refund's line gives back; without its sum, the line's price less its own discount."""
    if one.get("subtotal") is not None:
        tax = 0 if included else rounded("total_tax", one.get("total_tax") or 0, currency)
        return rounded("refund_line_items.subtotal", one["subtotal"], currency) + tax
    price = minor("line_item.price", bought.get("price"), currency)
    ordered = bought.get("quantity")
    off = _discount(bought, currency)
    share = off * pieces // ordered if isinstance(ordered, int) and ordered > 0 else off
    return price * pieces - share


def _currency(refund: Document) -> str:
    for one in some(refund, "transactions"):
        if found := text(one, "currency"):
            return found
    return ""


read = partial(documents.read, unwrap=unwrap, take=take)
parse = partial(documents.parse, unwrap=unwrap, take=take)
