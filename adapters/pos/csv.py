"""Reads canonical receipts as CSV: a row for each line of a receipt and each of its tenders.

The columns are those of the canonical receipt (docs/dialects.md has them all). A row has the receipt's
key; what else is told of the receipt may be left empty after its first row. The rows of a receipt
stand together. Amounts are whole minor units, or decimals with a point in `amount`, `discount` and
`tender_amount`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from adapters.delimited import cells_of, header
from adapters.pos import ndjson
from adapters.pos.gs1 import goods
from adapters.pos.money import minor
from adapters.pos.terms import Reading, Unmapped, calendar_date
from adapters.records import Bad, Item, Place, item
from ledger.errors import InputInvalid

KEY = ("store", "lane", "business_date", "number")
_ONCE = ("captured_at", "currency", "card", "cashier", "offers")
_LINE = (
    "product", "quantity", "unit", "amount_minor", "amount", "discount_minor", "discount",
    "category", "brand", "kind", "voided", "return_store", "return_lane", "return_date",
    "return_number", "return_line",
)  # fmt: skip
_TENDER = ("tender", "tender_minor", "tender_amount", "tender_ref")
COLUMNS = (*KEY, *_ONCE, *_LINE, *_TENDER)
NEEDED = ("store", "business_date", "number", "captured_at", "product", "quantity")
MOST_ROWS = 5_100
"""The lines and tenders of the largest receipt."""
MOST_BYTES = 1 << 24
"""Of its rows."""
_FLAGS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
_BESIDE = "the row before or after it cannot be read, and may belong to it"

Row = dict[str, str]


class _Receipt(NamedTuple):
    """Rows that stand together, and whether one that cannot be read touches them."""

    place: Place
    rows: list[Row]
    spoiled: bool


def read(path: Path, reading: Reading) -> Iterator[Item]:
    """Yield one item for every receipt, at its first row, and for every row that cannot be read.

    Raises:
        InputInvalid: the first line names no columns, one is missing, or one is unknown.
    """
    for found in _together(path, reading):
        if isinstance(found, Bad):
            yield found
            continue
        try:
            fields = _fields(found, reading)
        except Unmapped as error:
            yield Bad(found.place, error.field, str(error), _text(found.rows))
            continue
        if found.spoiled:
            yield Bad(found.place, None, _BESIDE, _text(found.rows))
        else:
            yield item(found.place, fields)


def _together(path: Path, reading: Reading) -> Iterator[_Receipt | Bad]:
    """The rows of the file, those of a receipt in one piece."""
    names: list[str] = []
    delimiter = ""
    now: _Receipt | None = None
    broken = False
    for line in ndjson.lines(path, progress=reading.progress):
        if not names:
            names, delimiter = header(line)
            _check(names)
            continue
        found = cells_of(line, names, delimiter)
        if isinstance(found, Bad):
            broken = True
            if now:
                now = now._replace(spoiled=True)
            yield found
            continue
        if now and _key(found) == _key(now.rows[0]):
            length = line.place.offset + line.place.length - now.place.offset
            if len(now.rows) <= MOST_ROWS and length <= MOST_BYTES:
                now.rows.append(found)
            now = now._replace(place=now.place._replace(length=length))
        else:
            if now:
                yield now
            now = _Receipt(line.place, [found], spoiled=broken)
        broken = False
    if now:
        yield now
    if not names:
        raise InputInvalid("There is no line with the names of the columns.", field="header")


def _check(names: list[str]) -> None:
    for name in NEEDED:
        if name not in names:
            raise InputInvalid(f"There is no column `{name}`.", field=name)
    if not {"amount", "amount_minor"} & set(names):
        raise InputInvalid("There is no column `amount_minor`.", field="amount_minor")
    for name in names:
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise InputInvalid(f"The columns are {known}; not `{name}`.", field=name)


def _key(found: Row) -> tuple[str, ...]:
    return tuple(found.get(name, "") for name in KEY)


def _text(rows: list[Row]) -> bytes:
    """The rows as they were, more or less, for whoever corrects them."""
    return "\n".join(",".join(one.values()) for one in rows[:MOST_ROWS]).encode()


def _fields(found: _Receipt, reading: Reading) -> dict[str, Any]:
    rows = found.rows
    if found.place.length > MOST_BYTES:
        raise Unmapped("lines", f"more than {MOST_BYTES} bytes of rows")
    if len(rows) > MOST_ROWS:
        raise Unmapped("lines", f"more than {MOST_ROWS} rows")
    told = {name: rows[0].get(name, "") for name in (*KEY, *_ONCE)}
    for one in rows[1:]:
        for name in _ONCE:
            if one.get(name) and one[name] != told[name]:
                raise Unmapped(name, f"`{one[name]}` beside `{told[name]}`")
    currency = told["currency"] or reading.terms.currency
    lines, tenders = [], []
    for one in rows:
        if one.get("tender"):
            amount = _money(one, "tender_minor", "tender_amount", currency)
            tenders.append({"kind": one["tender"], "amount_minor": amount,
                            "ref": one.get("tender_ref", "")})  # fmt: skip
        if one.get("product"):
            lines.append(_line(one, currency, reading))
        elif not one.get("tender"):
            raise Unmapped("product", "a row has neither a product nor a tender")
    return {
        "store": reading.terms.store_of(told["store"]), "lane": told["lane"],
        "business_date": calendar_date("business_date", told["business_date"]),
        "number": told["number"],
        "captured_at": reading.terms.moment("captured_at", told["captured_at"]),
        "currency": currency, "card": told["card"] or None, "cashier": told["cashier"],
        "lines": lines, "tenders": tenders,
        "offers": [one for one in told["offers"].split("|") if one],
    }  # fmt: skip


def _line(one: Row, currency: str, reading: Reading) -> dict[str, Any]:
    product, quantity, unit = goods(
        one["product"], _whole("quantity", one["quantity"]), one.get("unit") or "piece",
        reading.terms.scales,
    )  # fmt: skip
    flag = one.get("voided", "").lower()
    if flag not in _FLAGS:
        raise Unmapped("voided", f"`{flag[:40]}` is neither true nor false")
    return {
        "product": product, "quantity": quantity, "unit": unit,
        "amount_minor": _money(one, "amount_minor", "amount", currency),
        "discount_minor": _money(one, "discount_minor", "discount", currency),
        "category": one.get("category", ""), "brand": one.get("brand", ""),
        "kind": one.get("kind") or "sale", "voided": _FLAGS[flag],
        "return_of": _return_of(one, reading),
    }  # fmt: skip


def _return_of(one: Row, reading: Reading) -> dict[str, Any] | None:
    if not one.get("return_number"):
        return None
    return {
        "store": reading.terms.store_of(one.get("return_store") or one["store"]),
        "lane": one.get("return_lane", ""),
        "business_date": calendar_date("return_date", one.get("return_date", "")),
        "number": one["return_number"], "line": _whole("return_line", one.get("return_line", "")),
    }  # fmt: skip


def _money(one: Row, whole: str, decimal: str, currency: str) -> int:
    if one.get(whole):
        return _whole(whole, one[whole])
    return minor(decimal, one.get(decimal) or "0", currency)


def _whole(field: str, text: str) -> int:
    if len(text) > 20 or not (text.isascii() and text.removeprefix("-").isdecimal()):
        raise Unmapped(field, f"`{text[:40]}` is not a whole number")
    return int(text)
