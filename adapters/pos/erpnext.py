"""Reads ERPNext: POS invoices and their returns, as the API and webhooks give them.

Facts. frappe/erpnext (accounts/doctype/pos_invoice, sales_and_purchase_return.py), Frappe REST API and
webhooks: an answer wraps documents in `data`. `docstatus` is 0 for a draft, 1 when submitted, 2 when
cancelled. `posting_date` and `posting_time` are the site's, without an offset. Amounts are floats in
`currency`; an item's `amount` may be without the taxes, `grand_total` has all of them and the discounts of
the invoice. `is_return` has negative quantities, `return_against` names the invoice, and an item's
`pos_invoice_item` its row. A POS invoice always has a `customer`: one of them stands for everybody who
gave no name. Units are words, such as Nos and Kg.

An invoice has no till: `pos_profile` (else `company`) is the store, and its `name` is the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from adapters.pos import documents
from adapters.pos.documents import Document, some, text
from adapters.pos.gs1 import goods
from adapters.pos.money import decimal, measured, rounded
from adapters.pos.terms import (
    Reading,
    Sold,
    Unmapped,
    calendar_date,
    days_before,
    key_of,
    sold_lines,
)
from ledger.policies.split import largest_remainder
from ledger.types import ReceiptKey, day_of

_STATUS = {"0": "drafts", "2": "cancelled invoices"}


def unwrap(document: Any) -> Iterator[Any]:
    """The invoices of a list, of an answer of the API, or of a webhook's body."""
    if isinstance(document, dict):
        for name in ("data", "message", "doc"):
            if isinstance(document.get(name), dict | list):
                document = document[name]
                break
    yield from document if isinstance(document, list) else (document,)


def take(order: Document, reading: Reading) -> Iterator[dict[str, Any]]:
    """The receipt of a submitted invoice.

    Raises:
        Unmapped: a field is not what the facts say.
    """
    status = text(order, "docstatus")
    if status in _STATUS:
        reading.left_out[_STATUS[status]] += 1
        return
    currency = text(order, "currency") or reading.terms.currency
    date = calendar_date("posting_date", text(order, "posting_date"))
    store = reading.terms.store_of(text(order, "pos_profile") or text(order, "company"))
    against = text(order, "return_against")
    before = days_before((store,), against, day_of(date)) if against else ()
    lines, names = _lines(order, currency, reading, list(before))
    if not lines:
        reading.left_out["nothing sold"] += 1
        return
    fields: dict[str, Any] = {
        "store": store,
        "lane": "", "business_date": date, "number": text(order, "name"),
        "captured_at": reading.terms.moment("posting_time", f"{date} {_clock(order)}"),
        "currency": currency, "card": _card(order, reading), "cashier": text(order, "owner")[:64],
        "lines": lines, "tenders": _tenders(order, currency),
    }  # fmt: skip
    reading.keep(fields["number"], Sold(key_of(fields), sold_lines(lines), names))
    yield fields


def _clock(order: Document) -> str:
    """The time of day with two digits for the hour, which Frappe leaves off before ten."""
    clock = text(order, "posting_time") or "00:00:00"
    return clock if clock[1:2] != ":" else f"0{clock}"


def _card(order: Document, reading: Reading) -> str | None:
    """The customer stands for the card, unless it stands for nobody."""
    customer = text(order, "customer")
    return f"erpnext:{customer}" if customer and customer not in reading.terms.nobody else None


def _lines(
    order: Document, currency: str, reading: Reading, before: list[ReceiptKey]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    back = order.get("is_return") == 1
    items = [one for one in some(order, "items") if decimal("items.qty", one.get("qty"))]
    lines: list[dict[str, Any]] = []
    names: dict[str, int] = {}
    for one, amount in zip(items, _amounts(order, items, currency), strict=True):
        worth = decimal("items.qty", one.get("qty"))
        unit = text(one, "uom") or text(one, "stock_uom")
        code = text(one, "barcode") or text(one, "item_code")
        product, quantity, measure = goods(
            code, *measured("items.qty", worth, unit), reading.terms.scales
        )
        line = {
            "product": product, "quantity": quantity, "unit": measure, "amount_minor": amount,
            "category": text(one, "item_group")[:64], "brand": text(one, "brand")[:64],
        }  # fmt: skip
        if back or worth < 0:
            row = text(one, "pos_invoice_item") or text(one, "sales_invoice_item")
            of = reading.return_of(
                text(order, "return_against"), product, quantity, line=row, keys=before
            )
            lines += reading.back(line, of)
        else:
            line["discount_minor"] = _discount(one, worth, currency)
            names[text(one, "name")] = len(lines) + 1
            lines.append(line)
    return lines, names


def _amounts(order: Document, items: list[Document], currency: str) -> list[int]:
    """What each item cost with taxes and after all discounts: its share of the whole.

    Raises:
        Unmapped: some items are sold and others come back, so that there are no shares.
    """
    own = [rounded("items.amount", one.get("amount"), currency) for one in items]
    if not own or order.get("grand_total") is None:
        return own
    whole = rounded("grand_total", order["grand_total"], currency)
    if whole == sum(own):
        return own
    if (min(own) < 0 < max(own)) or (whole < 0) != (sum(own) < 0):
        raise Unmapped("grand_total", "it cannot be shared among items of both signs")
    parts = largest_remainder(abs(whole), [abs(one) for one in own])
    return [-part for part in parts] if whole < 0 else parts


def _discount(one: Document, worth: Any, currency: str) -> int:
    """What the price list said above the rate."""
    listed = decimal("items.price_list_rate", one.get("price_list_rate") or 0)
    rate = decimal("items.rate", one.get("rate") or 0)
    return max(0, rounded("items.rate", (listed - rate) * worth, currency)) if listed else 0


def _tenders(order: Document, currency: str) -> list[dict[str, Any]]:
    paid = [(text(one, "mode_of_payment"), rounded("payments.amount", one.get("amount") or 0,
                                                   currency))
            for one in some(order, "payments")]  # fmt: skip
    change = rounded("change_amount", order.get("change_amount") or 0, currency)
    points = rounded("loyalty_amount", order.get("loyalty_amount") or 0, currency)
    paid += [("change", -abs(change)), ("loyalty", points)]
    return [{"kind": kind or "unknown", "amount_minor": amount} for kind, amount in paid if amount]


read = partial(documents.read, unwrap=unwrap, take=take)
parse = partial(documents.parse, unwrap=unwrap, take=take)
