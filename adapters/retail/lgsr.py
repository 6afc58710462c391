"""Reads dunnhumby's "Let's Get Sort-of-Real": lines by date, the rows of a basket together.

Derived, because the data has no minute: `captured_at` takes it from the basket's number, so
baskets come in the order of their dates but not of their minutes. Needs the `data` extra.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from adapters.records import Item, Place, Progress, item
from adapters.retail.parquet import batches, dicts, ints, lookup, minor, rows, texts
from ledger.calendar import zone_of
from ledger.types import Line, date_of

FILES: tuple[str, ...] = ("lines.parquet", "products.parquet")

_ZONE = "Europe/London"
_COLUMNS = (
    "BASKET_ID",
    "SHOP_DATE",
    "SHOP_HOUR",
    "STORE_CODE",
    "CUST_CODE",
    "PROD_CODE",
    "QUANTITY",
    "SPEND",
)
_GROUPS = {
    "PROD_CODE": "code",
    "PROD_CODE_10": "level1",
    "PROD_CODE_20": "level2",
    "PROD_CODE_30": "level3",
    "PROD_CODE_40": "level4",
}
# Some 70,000 different lines make up millions; past this many the file repeats none.
_LINES_KEPT = 200_000

_Sold = tuple[str | None, int | None, int | None]
_Part = tuple[int, dict[str, Any]]


def total(folder: Path) -> int:
    """How many rows there are to read."""
    return rows(folder / FILES[0])


def read(folder: Path, *, progress: Progress | None = None) -> Iterator[Item]:
    """Yield one item for every basket, in the order of the file.

    Raises:
        ImportError: pyarrow is not installed.
        InputInvalid: a file cannot be read as what it should be.
    """
    lines = _Lines(lookup(folder / FILES[1], "PROD_CODE", "PROD_CODE_10"))
    name = str(folder / FILES[0])
    for row, fields in _whole(_parts(folder, lines, progress)):
        yield item(Place(name, row, 0, 0), fields)


def products_total(folder: Path) -> int:
    """How many products there are to read."""
    return rows(folder / FILES[1])


def products(
    folder: Path, *, progress: Progress | None = None
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield each product with its four groups, from the nearest up.

    Raises:
        ImportError: pyarrow is not installed.
        InputInvalid: the file cannot be read as what it should be.
    """
    for place, row in dicts(folder / FILES[1], tuple(_GROUPS), progress):
        yield place, {_GROUPS[name]: value for name, value in row.items()}


def _whole(parts: Iterator[_Part]) -> Iterator[_Part]:
    """Join the two parts of a basket that lies across the end of a batch."""
    held = next(parts, None)
    for part in parts:
        if held and held[1]["number"] == part[1]["number"]:
            held[1]["lines"] += part[1]["lines"]
            continue
        if held:
            yield held
        held = part
    if held:
        yield held


def _parts(folder: Path, lines: _Lines, progress: Progress | None) -> Iterator[_Part]:
    """Yield each basket, or its part in a batch, with the number of its first row."""
    row = 1
    for batch in batches(folder / FILES[0], _COLUMNS):
        heads, sold = _heads(batch), _sold(batch, lines)
        numbers = heads[0]
        changes = (i for i, (one, other) in enumerate(pairwise(numbers), 1) if one != other)
        for start, end in pairwise((0, *changes, len(batch))):
            yield row + start, _fields([column[start] for column in heads], sold[start:end])
        row += len(batch)
        if progress:
            progress(len(batch))


def _heads(batch: Any) -> tuple[list[Any], ...]:
    """Take the columns that are the same in all rows of a basket."""
    return (
        ints(batch["BASKET_ID"], "int64"),
        ints(batch["SHOP_DATE"], "date32", "int32"),
        ints(batch["SHOP_HOUR"], "int64"),
        texts(batch["STORE_CODE"]),
        texts(batch["CUST_CODE"]),
    )


def _sold(batch: Any, lines: _Lines) -> list[Any]:
    """Take the columns that differ, as lines."""
    products = texts(batch["PROD_CODE"])
    quantities = ints(batch["QUANTITY"], "int64")
    amounts = minor(batch["SPEND"])
    return list(map(lines.__getitem__, zip(products, quantities, amounts, strict=True)))


def _fields(head: list[Any], lines: list[Any]) -> dict[str, Any]:
    number, day, hour, store, card = head
    return {
        "store": store,
        "lane": "",
        "business_date": _date(day),
        "number": None if number is None else str(number),
        "captured_at": _moment(day, hour, number),
        "currency": "GBP",
        "card": card or None,
        "lines": lines,
    }


class _Lines(dict[_Sold, Any]):
    """The line of a product, quantity and amount, made once and shared.

    What cannot be a line stays a plain mapping, for the receipt's own check to refuse.
    """

    def __init__(self, categories: dict[str, str]) -> None:
        super().__init__()
        self._categories = categories

    def __missing__(self, sold: _Sold) -> Any:
        if len(self) >= _LINES_KEPT:
            self.clear()
        product, quantity, amount_minor = sold
        fields = {
            "product": product,
            "quantity": quantity,
            "amount_minor": amount_minor,
            "category": self._categories.get(product or "", ""),
        }
        try:
            line: Any = msgspec.convert(fields, Line)
        except msgspec.ValidationError:
            line = fields
        self[sold] = line
        return line


@lru_cache(maxsize=4096)
def _date(day: int | None) -> dt.date | None:
    return None if day is None else date_of(day)


def _moment(day: int | None, hour: int | None, number: int | None) -> dt.datetime | None:
    """When the basket was sold, the minute derived; None where a part of it is missing."""
    start = _hour(day, hour)
    if start is None or number is None:
        return None
    return start.replace(minute=number % 60)


@lru_cache(maxsize=4096)
def _hour(day: int | None, hour: int | None) -> dt.datetime | None:
    """Find the start of an hour in the shops' zone, with its offset from UTC fixed."""
    if day is None or hour is None or not 0 <= hour <= 23:
        return None
    date = date_of(day)
    local = dt.datetime(date.year, date.month, date.day, hour, tzinfo=zone_of(_ZONE))
    return local.replace(tzinfo=dt.timezone(local.utcoffset() or dt.timedelta()))
