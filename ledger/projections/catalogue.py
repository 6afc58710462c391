"""The catalogue: products as they are, prices and promotions as they were ever told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ledger import events as e
from ledger.policies.catalogue import Item, Period, Periods, price_on, promotions_on
from ledger.projections.queries import Reader
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.projections.sold import FCT_PRODUCT_SOLD, Sold
from ledger.types import LEVELS, Day, Instant, Level, Product

_LEVELS = tuple(
    column
    for number in range(1, LEVELS + 1)
    for column in (
        Column(f"level{number}", "text", f"code of group {number} above the product"),
        Column(f"level{number}_name", "text", "its name"),
    )
)
DIM_PRODUCT = Table(
    "dim_product",
    "One row a product of the catalogue, as it was described last",
    1,
    (
        Column("code", "text", "product code, as receipts say it"),
        Column("name", "text", "name"),
        Column("brand", "text", "brand"),
        Column("maker", "text", "maker"),
        Column("brand_kind", "text", "national, own; empty where it is not known"),
        *_LEVELS,
        Column("position", "int", "position of the last event", digest=False),
    ),
    merged=True,
)
_PERIOD = (
    Column("product_id", "id", "the product's stream, in all stores or in this one"),
    Column("version", "int", "version of the event in that stream; the last of a first day counts"),
    Column("product", "text", "product code"),
    Column("store", "text", "store; empty: all of them"),
    Column("from_day", "day", "first day"),
    Column("until_day", "day", "last day; 9999-12-31 = no end"),
)
FCT_PRICE = Table(
    "fct_price",
    "One row a price that was told, also one that was replaced since",
    2,
    (
        *_PERIOD,
        Column("price_minor", "int", "price"),
        Column("withdrawn", "int", "1 where it takes back what was told of this first day"),
        RECORDED,
        POSITION,
    ),
    also_by=("product", "store"),
)
FCT_PROMOTION = Table(
    "fct_promotion",
    "One row a promotion of a product that was told, also one that was replaced since",
    2,
    (
        *_PERIOD,
        Column("promotion", "text", "code of the promotion"),
        Column("name", "text", "its name"),
        Column("price_minor", "int", "price in the promotion, if it was told"),
        Column("withdrawn", "int", "1 where it takes back what was told of this first day"),
        RECORDED,
        POSITION,
    ),
    also_by=("product", "store"),
)
UP_TO_NOW = 2**62


def _described(at: At, event: e.ProductDescribed, out: Out) -> None:
    levels = [*event.levels, *[Level("")] * (LEVELS - len(event.levels))]
    out.merge(
        DIM_PRODUCT, (event.code,), event.name, event.brand, event.maker, event.brand_kind,
        *[text for level in levels for text in level], at.position,
    )  # fmt: skip


def _priced(at: At, event: e.PriceSet, out: Out) -> None:
    out.rows["fct_price"].append(
        (
            at.stream, at.version, event.product, event.store, event.from_day, event.until_day,
            event.price_minor, int(event.withdrawn), at.recorded_at, at.position,
        )
    )  # fmt: skip


def _promoted(at: At, event: e.PromotionSet, out: Out) -> None:
    out.rows["fct_promotion"].append(
        (
            at.stream, at.version, event.product, event.store, event.from_day, event.until_day,
            event.promotion, event.name, event.price_minor, int(event.withdrawn), at.recorded_at,
            at.position,
        )
    )  # fmt: skip


def item(reader: Reader, code: str, store: str = "", upto: int | None = None) -> Item:
    """A product, and its prices and promotions as told up to a position of the log (all, if none)."""
    return Item(
        product(reader, code),
        _prices(reader, code, "", upto),
        _promotions(reader, code, "", upto),
        _prices(reader, code, store, upto) if store else (),
        _promotions(reader, code, store, upto) if store else (),
    )


def product(reader: Reader, code: str) -> Product | None:
    """A product of the catalogue."""
    columns = ", ".join(column.name for column in DIM_PRODUCT.columns[:-1])
    query = f"SELECT {columns} FROM {reader.name(DIM_PRODUCT)} WHERE code = ?"
    for code_, name, brand, maker, kind, *texts in reader.rows(query, (code,)):
        levels = [Level(*pair) for pair in zip(texts[::2], texts[1::2], strict=True)]
        while levels and not any(levels[-1]):
            levels.pop()
        return Product(code_, name, tuple(levels), brand, maker, kind)
    return None


def groups(reader: Reader, codes: Sequence[str], level: int) -> dict[str, str]:
    """The group that products have on a level, 1 being the nearest, as far as they have one."""
    query = (
        f"SELECT code, level{level} FROM {reader.name(DIM_PRODUCT)}"
        f" WHERE code IN ({', '.join('?' * len(codes))}) AND level{level} <> ''"
    )
    return dict(reader.rows(query, tuple(codes)))


def _prices(reader: Reader, code: str, store: str, upto: int | None) -> Periods:
    return _periods(reader, FCT_PRICE, "'', ''", (code, store, upto))


def _promotions(reader: Reader, code: str, store: str, upto: int | None) -> Periods:
    return _periods(reader, FCT_PROMOTION, "promotion, name", (code, store, upto))


def _periods(
    reader: Reader, table: Table, named: str, asked: tuple[str, str, int | None]
) -> Periods:
    code, store, upto = asked
    rows = reader.rows(
        f"SELECT product, from_day, until_day, price_minor, withdrawn, version, {named}"
        f" FROM {reader.name(table)} WHERE product = ? AND store = ? AND position <= ?"
        " ORDER BY version",
        (code, store, UP_TO_NOW if upto is None else upto),
    )
    return _last(rows)


class Shelf(NamedTuple):
    """What holds on a day in all stores, by product: the price, and promotions by their codes."""

    price_minor: dict[str, int]
    promotions: dict[str, tuple[Period, ...]]


def shelf(reader: Reader, day: Day, known_at: Instant) -> Shelf:
    """What holds on a day, as it had been told by an instant; memory is linear in products."""
    prices = _held(reader, FCT_PRICE, "'', ''", (day, known_at))
    promotions = _held(reader, FCT_PROMOTION, "promotion, name", (day, known_at))
    return Shelf(
        {
            code: price.price_minor or 0
            for code, periods in prices.items()
            if (price := price_on((), periods, day))
        },
        {
            code: held
            for code, periods in promotions.items()
            if (held := promotions_on((), periods, day))
        },
    )


def _held(
    reader: Reader, table: Table, named: str, asked: tuple[Day, Instant]
) -> dict[str, Periods]:
    rows = reader.rows(
        f"SELECT product, from_day, until_day, price_minor, withdrawn, version, {named}"
        f" FROM {reader.name(table)} WHERE store = '' AND from_day <= ? AND recorded_at <= ?"
        " ORDER BY product, version",
        asked,
    )
    return {product: _last(group) for product, group in groupby(rows, key=lambda row: str(row[0]))}


def _last(rows: Iterable[tuple[Any, ...]]) -> Periods:
    """Each period as it was told last."""
    found: dict[tuple[Day, str], Period] = {}
    for _, first, last, price_minor, withdrawn, version, code, name in rows:
        period = Period(first, code, last, price_minor, name, bool(withdrawn), version)
        found[period.key] = period
    return tuple(found[key] for key in sorted(found))


def within_groups(reader: Reader, groups: Sequence[str]) -> list[str]:
    """The products of some groups of the catalogue, at whatever level."""
    marks = ", ".join("?" * len(groups)) or "NULL"
    within = " OR ".join(f"level{number} IN ({marks})" for number in range(1, LEVELS + 1))
    query = f"SELECT code FROM {reader.name(DIM_PRODUCT)} WHERE {within} ORDER BY code"
    return [str(code) for (code,) in reader.rows(query, tuple(groups) * LEVELS)]


def names(reader: Reader) -> dict[str, str]:
    """Names of products by their codes, of those that have one; memory is linear in them."""
    query = f"SELECT code, name FROM {reader.name(DIM_PRODUCT)} WHERE name <> ''"
    return {str(code): str(name) for code, name in reader.rows(query, ())}


def unknown(reader: Reader, limit: int) -> list[Sold]:
    """Products that were sold and are not in the catalogue, those sold most often first."""
    columns = ", ".join(f"s.{name}" for name in Sold._fields)
    query = (
        f"SELECT {columns} FROM {reader.name(FCT_PRODUCT_SOLD)} s"
        f" LEFT JOIN {reader.name(DIM_PRODUCT)} p ON p.code = s.product"
        " WHERE p.code IS NULL ORDER BY s.lines DESC, s.product LIMIT ?"
    )
    return [Sold(*row) for row in reader.rows(query, (limit,))]


CATALOGUE = Projection(
    "catalogue",
    1,
    (DIM_PRODUCT, FCT_PRICE, FCT_PROMOTION),
    {e.ProductDescribed: _described, e.PriceSet: _priced, e.PromotionSet: _promoted},
)
