"""What is asked of offers: a funder's invoice, and what became of a campaign."""

from __future__ import annotations

from typing import NamedTuple

from ledger.projections.campaign import DIM_CAMPAIGN
from ledger.projections.catalogue import DIM_PRODUCT
from ledger.projections.offer import FCT_OFFER_ISSUE, FCT_OFFER_USE
from ledger.projections.queries import Reader
from ledger.projections.receipt import FCT_RECEIPT, FCT_RECEIPT_LINE
from ledger.types import LEVELS, Day


class InvoiceRow(NamedTuple):
    """What a funder owes for a product of a campaign in a period."""

    campaign: str
    product: str
    pieces: int
    off_minor: int
    receipts: int
    """On which an offer was used."""


class Goods(NamedTuple):
    """The goods and days of a campaign."""

    products: tuple[str, ...]
    categories: tuple[str, ...]
    from_day: Day
    until_day: Day


def invoice(reader: Reader, funder: str, first: Day, last: Day) -> list[InvoiceRow]:
    """By campaign and product: what was used in a period, less what came back in it."""
    query = (
        "SELECT u.campaign, u.product, SUM(u.pieces), SUM(u.off_minor),"
        " COUNT(DISTINCT CASE WHEN u.by_id = u.receipt_id THEN u.receipt_id END)"
        f" FROM {reader.name(FCT_OFFER_USE)} u"
        f" JOIN {reader.name(DIM_CAMPAIGN)} c ON c.code = u.campaign"
        " WHERE c.funder = ? AND u.day BETWEEN ? AND ?"
        " GROUP BY u.campaign, u.product"
    )
    rows = reader.rows(query, (funder, first, last))
    return sorted(InvoiceRow(row[0], row[1], *map(int, row[2:])) for row in rows)


def issued(reader: Reader, campaign: str) -> dict[bytes, bool]:
    """Who was issued the campaign, and whether that one is held out."""
    query = (
        f"SELECT member_id, MAX(held_out) FROM {reader.name(FCT_OFFER_ISSUE)}"
        " WHERE campaign = ? GROUP BY member_id"
    )
    return {bytes(member): bool(out) for member, out in reader.rows(query, (campaign,))}


def used(reader: Reader, campaign: str) -> dict[bytes, tuple[int, int]]:
    """The pieces and the money that members used of it, and did not give back."""
    query = (
        f"SELECT member_id, SUM(pieces), SUM(off_minor) FROM {reader.name(FCT_OFFER_USE)}"
        " WHERE campaign = ? GROUP BY member_id HAVING SUM(pieces) > 0"
    )
    rows = reader.rows(query, (campaign,))
    return {bytes(member): (int(pieces), int(off)) for member, pieces, off in rows}


def spent(reader: Reader, campaign: str, goods: Goods) -> dict[bytes, int]:
    """What members who were issued the campaign paid for its goods on its days, less returns."""
    levels = [f"level{number}" for number in range(1, LEVELS + 1)]
    groups = _marks(goods.categories)
    within = " OR ".join(f"{level} IN ({groups})" for level in levels)
    query = (
        "SELECT r.member_id,"
        " SUM(l.amount_minor * (l.quantity - l.returned_quantity) / l.quantity)"
        f" FROM {reader.name(FCT_RECEIPT)} r"
        f" JOIN {reader.name(FCT_RECEIPT_LINE)} l ON l.receipt_id = r.receipt_id"
        f" WHERE r.member_id IN (SELECT member_id FROM {reader.name(FCT_OFFER_ISSUE)}"
        " WHERE campaign = ?)"
        " AND (r.captured_at + r.offset_minutes * 60) / 86400 BETWEEN ? AND ?"
        " AND l.quantity > 0 AND l.voided = 0 AND l.kind = 'sale'"
        f" AND (l.product IN ({_marks(goods.products)}) OR l.category IN ({groups})"
        f" OR l.product IN (SELECT code FROM {reader.name(DIM_PRODUCT)} WHERE {within}))"
        " GROUP BY r.member_id"
    )
    asked = (
        campaign, goods.from_day, goods.until_day, *goods.products, *goods.categories,
        *goods.categories * LEVELS,
    )  # fmt: skip
    return {bytes(member): int(paid) for member, paid in reader.rows(query, asked)}


def _marks(values: tuple[str, ...]) -> str:
    """Places for so many values; for none, what no code is equal to."""
    return ", ".join("?" * len(values)) or "NULL"
