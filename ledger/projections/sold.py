"""What was sold, by product: how often, for how much, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.projections.queries import Reader
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.types import Instant

FCT_PRODUCT_SOLD = Table(
    "fct_product_sold",
    "One row a product that was sold, in the catalogue or not",
    1,
    (
        Column("product", "text", "product code"),
        Column("lines", "int", "lines of receipts; voided ones and returns left out", "add"),
        Column("amount_minor", "int", "paid for them; what came back is not taken off", "add"),
        Column("first_sold_at", "instant", "the till's time of the earliest", "min"),
        Column("last_sold_at", "instant", "the till's time of the latest", "max"),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
)


class Sold(NamedTuple):
    """How often a product was sold, and when."""

    product: str
    lines: int
    amount_minor: int
    first_sold_at: Instant
    last_sold_at: Instant


def _sold(at: At, event: e.ReceiptScanned | e.ReceiptUnclaimed, out: Out) -> None:
    scan = event.scan
    goods, sold_at, position = scan.goods, scan.captured_at, at.position
    quantities: Sequence[int] = goods.quantities
    if goods.voided:
        quantities = [0 if i in goods.voided else n for i, n in enumerate(quantities)]
    rows = out.merged[FCT_PRODUCT_SOLD.name]
    # Done for every line of every receipt, so it is written out.
    for product, quantity, amount in zip(
        goods.product_codes, quantities, goods.amounts_minor, strict=True
    ):
        if quantity <= 0:
            continue
        row = rows.get((product,))
        if row is None:
            rows[product,] = [1, amount, sold_at, sold_at, position]
            continue
        row[0] += 1
        row[1] += amount
        if sold_at > row[3]:
            row[3] = sold_at
        elif sold_at < row[2]:
            row[2] = sold_at
        row[4] = position


def sold(reader: Reader, product: str) -> Sold | None:
    """How often a product was sold; None where it never was."""
    query = (
        f"SELECT {', '.join(Sold._fields)} FROM {reader.name(FCT_PRODUCT_SOLD)} WHERE product = ?"
    )
    return next((Sold(*row) for row in reader.rows(query, (product,))), None)


SOLD = Projection(
    "sold", 1, (FCT_PRODUCT_SOLD,), {e.ReceiptScanned: _sold, e.ReceiptUnclaimed: _sold}
)
