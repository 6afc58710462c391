"""Reads orders of Odoo's point of sale as its tills send them: `sync_from_ui`, `create_from_ui`.

Facts. odoo/odoo addons/point_of_sale (models/pos_order.py, tests/common.py; docs of 13 to 18): both take
a list of orders. The older `create_from_ui` wraps each in `data` beside `id` and `to_invoice`, with
`creation_date` or `date_order` and payments in `statement_ids`; `sync_from_ui` (18) has it flat, with
`uuid`, `state`, `session_id`, `date_order` and `payment_ids`. Lines and payments are commands
`[0, 0, values]`. `pos_reference` (or `name`) is `Order SSSSS-LLL-NNNN`: session, login, number in it. Times
are UTC without an offset. Amounts are floats rounded to the currency, and name none. A line's
`price_subtotal_incl` is what is paid for it; a discount of the whole order or a reward is a line with a
negative price. Goods that come back have a negative `qty`, and `refunded_orderline_id` is the number of
the line in Odoo's database, which a till knows only of orders that it loaded from there.

The `config_id`, which only flat orders may have, names the store; else the terms do. There is no lane:
the reference without the word before it is the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from adapters.pos import documents
from adapters.pos.documents import Document, text
from adapters.pos.gs1 import goods
from adapters.pos.money import decimal, half_up, measured, rounded
from adapters.pos.terms import (
    Reading,
    Sold,
    Unmapped,
    key_of,
    sold_lines,
    take_off,
)

_REFERENCE = re.compile(r"[0-9]+(?:-[0-9]+)+$")
_OPEN = frozenset({"draft", "cancel"})


def unwrap(document: Any) -> Iterator[Any]:
    """The orders of a call, of its arguments, or of a list."""
    if isinstance(document, dict):
        if isinstance(document.get("params"), dict):
            document = document["params"].get("args", ())
        elif isinstance(document.get("orders"), list):
            document = document["orders"]
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], list):
        document = document[0]
    yield from document if isinstance(document, list) else (document,)


def take(order: Document, reading: Reading) -> Iterator[dict[str, Any]]:
    """The receipt of an order that is paid.

    Raises:
        Unmapped: a field is not what the facts say.
    """
    own = order["data"] if isinstance(order.get("data"), dict) else order
    if text(own, "state") in _OPEN:
        reading.left_out["drafts and cancelled orders"] += 1
        return
    moment = reading.terms.local(_moment(own, reading))
    lines, names = _lines(own, reading)
    if not lines:
        reading.left_out["nothing sold"] += 1
        return
    partner = text(own, "partner_id")
    fields = {
        "store": reading.terms.store_of(text(own, "config_id")) or reading.terms.store,
        "lane": "", "business_date": moment.date(), "number": _number(own), "captured_at": moment,
        "currency": reading.terms.currency, "card": f"odoo:{partner}" if partner else None,
        "cashier": text(own, "employee_id") or text(own, "user_id"), "lines": lines,
        "tenders": _tenders(own, reading.terms.currency),
    }  # fmt: skip
    sold = Sold(key_of(fields), sold_lines(lines), names)
    for name in names:
        reading.keep(f"line {name}", sold)
    yield fields


def _moment(own: Document, reading: Reading) -> Any:
    """A time of Odoo is UTC, whatever the till's zone is."""
    when = text(own, "date_order") or text(own, "creation_date")
    return reading.terms._replace(zone="UTC").moment("date_order", when)


def _number(own: Document) -> str:
    reference = text(own, "pos_reference") or text(own, "name") or text(own, "uid")
    found = _REFERENCE.search(reference)
    return found[0] if found else reference or text(own, "uuid")


def _values(own: Document, name: str) -> Iterator[Document]:
    """What commands `[0, 0, values]` create; plain objects are taken too."""
    found = own.get(name) or []
    if not isinstance(found, list):
        raise Unmapped(name, "not a list")
    for one in found:
        values = one[2] if isinstance(one, list) and len(one) == 3 and one[0] == 0 else one
        if not isinstance(values, dict):
            raise Unmapped(name, "neither [0, 0, values] nor an object")
        yield values


def _lines(own: Document, reading: Reading) -> tuple[list[dict[str, Any]], dict[str, int]]:
    lines: list[dict[str, Any]] = []
    names: dict[str, int] = {}
    off = 0
    stored = isinstance(own.get("id"), int)
    for one in _values(own, "lines"):
        worth = decimal("qty", one.get("qty"))
        amount = _amount(one, worth, reading.terms.currency)
        if not worth:
            continue
        if worth > 0 and amount < 0:
            off -= amount
            continue
        code = text(one, "barcode") or text(one, "default_code") or text(one, "product_id")
        product, quantity, unit = goods(code, *_measure(worth), reading.terms.scales)
        line = {"product": product, "quantity": quantity, "unit": unit, "amount_minor": amount}
        if worth < 0:
            source = text(one, "refunded_orderline_id")
            of = reading.return_of(f"line {source}", product, quantity, line=source)
            lines += reading.back(line, of)
        else:
            line["discount_minor"] = _discount(one, amount)
            if stored and text(one, "id"):
                names[text(one, "id")] = len(lines) + 1
            lines.append(line)
    if off:
        take_off("price_subtotal_incl", lines, off)
    return lines, names


def _measure(worth: Any) -> tuple[int, str]:
    """A quantity with a fraction was weighed: Odoo names no unit, its default is the kilogram."""
    return measured("qty", worth, "" if worth == worth.to_integral_value() else "KGM")


def _amount(one: Document, worth: Any, currency: str) -> int:
    if one.get("price_subtotal_incl") is not None:
        return rounded("price_subtotal_incl", one["price_subtotal_incl"], currency)
    price = decimal("price_unit", one.get("price_unit"))
    share = 1 - decimal("discount", one.get("discount") or 0) / 100
    return rounded("price_unit", price * worth * share, currency)


def _discount(one: Document, amount: int) -> int:
    """What a discount in percent took off, of what is left."""
    percent = decimal("discount", one.get("discount") or 0)
    if not 0 < percent < 100:
        return 0
    return half_up(amount * percent / (100 - percent))


def _tenders(own: Document, currency: str) -> list[dict[str, Any]]:
    tenders = [
        {"kind": text(one, "payment_method_id") or text(one, "journal_id") or "unknown",
         "amount_minor": rounded("amount", one.get("amount"), currency)}
        for name in ("payment_ids", "statement_ids") for one in _values(own, name)
    ]  # fmt: skip
    change = rounded("amount_return", own.get("amount_return") or 0, currency)
    # A flat order has the change among its payments already.
    if change and "statement_ids" in own:
        tenders.append({"kind": "change", "amount_minor": -abs(change)})
    return tenders


read = partial(documents.read, unwrap=unwrap, take=take)
parse = partial(documents.parse, unwrap=unwrap, take=take)
