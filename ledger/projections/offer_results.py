"""What is asked of offers: a funder's invoice, and what became of a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.projections.campaign import DIM_CAMPAIGN
from ledger.projections.catalogue import DIM_PRODUCT
from ledger.projections.offer import FCT_LIST_ACCEPTED, FCT_OFFER_ISSUE, FCT_OFFER_USE
from ledger.projections.purchase import FCT_PURCHASE
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


class Issued(NamedTuple):
    """Of a member: whether it is held out, and its cell on the first list."""

    held_out: bool
    cell: str


def issued(reader: Reader, campaign: str) -> dict[bytes, Issued]:
    """Who was issued the campaign or held out of it."""
    query = (
        f"SELECT member_id, held_out, cell FROM {reader.name(FCT_OFFER_ISSUE)}"
        " WHERE campaign = ? ORDER BY captured_at, from_day, barcode"
    )
    found: dict[bytes, Issued] = {}
    for member, out, cell in reader.rows(query, (campaign,)):
        found.setdefault(bytes(member), Issued(bool(out), cell))
    return found


def accepted(reader: Reader, campaign: str) -> int:
    """How many members showed a list that has offers of the campaign, whether they used them."""
    query = (
        f"SELECT COUNT(DISTINCT a.member_id) FROM {reader.name(FCT_LIST_ACCEPTED)} a"
        f" JOIN {reader.name(FCT_OFFER_ISSUE)} i"
        " ON i.member_id = a.member_id AND i.barcode = a.barcode"
        " WHERE i.campaign = ? AND i.held_out = 0"
    )
    return int(reader.rows(query, (campaign,))[0][0])


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
    among, named = _among(reader, goods)
    query = (
        "SELECT r.member_id,"
        " SUM(l.amount_minor * (l.quantity - l.returned_quantity) / l.quantity)"
        f" FROM {reader.name(FCT_RECEIPT)} r"
        f" JOIN {reader.name(FCT_RECEIPT_LINE)} l ON l.receipt_id = r.receipt_id"
        f" WHERE r.member_id IN (SELECT member_id FROM {reader.name(FCT_OFFER_ISSUE)}"
        " WHERE campaign = ?)"
        " AND (r.captured_at + r.offset_minutes * 60) / 86400 BETWEEN ? AND ?"
        f" AND l.quantity > 0 AND l.voided = 0 AND l.kind = 'sale' AND {among}"
        " GROUP BY r.member_id"
    )
    asked = (campaign, goods.from_day, goods.until_day, *named)
    return {bytes(member): int(paid) for member, paid in reader.rows(query, asked)}


def receipts_with(reader: Reader, goods: Goods) -> Iterator[tuple[bytes, bytes]]:
    """Members and receipts on which some of the goods were bought, each once, by member."""
    among, named = _among(reader, goods)
    return reader.stream(
        f"SELECT DISTINCT p.member_id, p.receipt_id FROM {reader.name(FCT_PURCHASE)} p"
        f" JOIN {reader.name(FCT_RECEIPT_LINE)} l ON l.receipt_id = p.receipt_id"
        " WHERE p.day BETWEEN ? AND ? AND p.bought_minor > 0 AND l.kind = 'sale'"
        f" AND l.voided = 0 AND l.quantity > l.returned_quantity AND {among}"
        " ORDER BY p.member_id, p.receipt_id",
        (goods.from_day, goods.until_day, *named),
    )


def _among(reader: Reader, goods: Goods) -> tuple[str, tuple[str, ...]]:
    """The condition that a line is of some goods, and what it asks."""
    groups = _marks(goods.categories)
    within = " OR ".join(f"level{number} IN ({groups})" for number in range(1, LEVELS + 1))
    return (
        f"(l.product IN ({_marks(goods.products)}) OR l.category IN ({groups})"
        f" OR l.product IN (SELECT code FROM {reader.name(DIM_PRODUCT)} WHERE {within}))",
        (*goods.products, *goods.categories, *goods.categories * LEVELS),
    )


def _marks(values: tuple[str, ...]) -> str:
    """Places for so many values; for none, what no code is equal to."""
    return ", ".join("?" * len(values)) or "NULL"
