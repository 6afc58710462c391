"""Reads dunnhumby's "The Complete Journey": a sample of real lines of 2017 with discounts.

A basket's rows lie apart, so the sample is grouped in memory. Derived: the time stamps name
no zone and are taken as New York's. Needs the `data` extra.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from adapters.records import Item, Place, Progress, item
from adapters.retail.parquet import batches, cast, dicts, ints, lookup, minor, rows, texts
from ledger.calendar import instant_of, zone_of

FILES: tuple[str, ...] = ("transactions_sample_100k.parquet", "products.parquet")

_ZONE = "America/New_York"
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # the stamps are local, the zone comes after
_COLUMNS = (
    "basket_id",
    "transaction_timestamp",
    "store_id",
    "household_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
)


_OF_PRODUCT = {
    "product_id": "code",
    "product_type": "level1",
    "product_category": "level2",
    "department": "level3",
    "manufacturer_id": "maker",
    "brand": "brand_kind",
}
_KINDS = {"National": "national", "Private": "own"}


class _Basket(NamedTuple):
    moment: dt.datetime | None
    number: str | None
    row: int
    store: str | None
    card: str | None
    lines: list[dict[str, Any]]


def total(folder: Path) -> int:
    """How many rows there are to read."""
    return rows(folder / FILES[0])


def read(folder: Path, *, progress: Progress | None = None) -> Iterator[Item]:
    """Yield one item for every basket, by time and then by number.

    Raises:
        ImportError: pyarrow is not installed.
        InputInvalid: a file cannot be read as what it should be.
    """
    name = str(folder / FILES[0])
    found = _baskets(folder, progress).values()
    for basket in sorted(found, key=_order):
        moment = basket.moment
        fields = {
            "store": basket.store,
            "lane": "",
            "business_date": moment and moment.date(),
            "number": basket.number,
            "captured_at": moment,
            "currency": "USD",
            "card": basket.card or None,
            "lines": basket.lines,
        }
        yield item(Place(name, basket.row, 0, 0), fields)


def products_total(folder: Path) -> int:
    """How many products there are to read."""
    return rows(folder / FILES[1])


def products(
    folder: Path, *, progress: Progress | None = None
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield each product with its type, category and department, maker and kind of brand.

    Raises:
        ImportError: pyarrow is not installed.
        InputInvalid: the file cannot be read as what it should be.
    """
    for place, row in dicts(folder / FILES[1], tuple(_OF_PRODUCT), progress):
        told = {_OF_PRODUCT[name]: value for name, value in row.items()}
        yield place, told | {"brand_kind": _KINDS.get(row["brand"], row["brand"])}


def _order(basket: _Basket) -> tuple[int, str]:
    """Go by instant, not by stamp: an hour that a clock change skips lies after the next one."""
    return instant_of(basket.moment) if basket.moment else 0, basket.number or ""


def _baskets(folder: Path, progress: Progress | None) -> dict[str | None, _Basket]:
    """All baskets by number, each with the place, store and household of its first row."""
    categories = lookup(folder / FILES[1], "product_id", "product_category")
    found: dict[str | None, _Basket] = {}
    row = 0
    for batch in batches(folder / FILES[0], _COLUMNS):
        heads = zip(
            map(_moment, ints(batch["transaction_timestamp"], "timestamp[us]", "int64")),
            texts(batch["basket_id"]),
            range(row + 1, row + 1 + len(batch)),
            texts(batch["store_id"]),
            texts(batch["household_id"]),
            strict=True,
        )
        for head, line in zip(heads, _lines(batch, categories), strict=True):
            basket = found.setdefault(head[1], _Basket(*head, []))
            basket.lines.append(line)
        row += len(batch)
        if progress:
            progress(len(batch))
    return found


def _lines(batch: Any, categories: dict[str, str]) -> Iterator[dict[str, Any]]:
    discounts = zip(
        minor(batch["retail_disc"]),
        minor(batch["coupon_disc"]),
        minor(batch["coupon_match_disc"]),
        strict=True,
    )
    for product, quantity, amount_minor, discount in zip(
        texts(batch["product_id"]),
        _whole(batch["quantity"]),
        minor(batch["sales_value"]),
        discounts,
        strict=True,
    ):
        yield {
            "product": product,
            # The tills wrote 0 for goods sold by weight and for a coupon's own line; a line
            # of a receipt has a quantity, and one of it was sold.
            "quantity": 1 if quantity == 0 else quantity,
            "amount_minor": amount_minor,
            "discount_minor": None if None in discount else sum(discount),
            "category": categories.get(product or "", ""),
        }


def _whole(column: Any) -> list[Any]:
    """Quantities as integers; None for what is no whole number."""
    return [
        int(one) if one is not None and one.is_integer() else None
        for one in cast(column, "double").to_pylist()
    ]


def _moment(stamp: int | None) -> dt.datetime | None:
    """Turn a local time stamp (microseconds) into a moment with its offset from UTC fixed."""
    if stamp is None:
        return None
    naive = _EPOCH + dt.timedelta(microseconds=stamp)
    offset = naive.replace(tzinfo=zone_of(_ZONE)).utcoffset()
    return naive.replace(tzinfo=dt.timezone(offset or dt.timedelta()))
