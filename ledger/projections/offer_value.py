"""What issued offers came to in a period: who got them, who used them, what they took off."""

from __future__ import annotations

from typing import NamedTuple

from ledger.projections.offer import FCT_LIST_ACCEPTED, FCT_OFFER_ISSUE, FCT_OFFER_USE
from ledger.projections.queries import Reader
from ledger.projections.receipt import FCT_RECEIPT_LINE
from ledger.types import Day


class OfferValue(NamedTuple):
    """What the offers of one campaign, or of all, came to in a period."""

    campaign: str
    """Empty: of all."""
    lists: int
    """Issued with an offer of it that begin in the period."""
    accepted_lists: int
    """Of these, shown at a till on one of their days."""
    members: int
    used_members: int
    """Who used one in the period and did not give all of it back."""
    pieces: int
    off_minor: int
    """Taken off, less what came back in the period."""
    spent_minor: int
    """Paid for the goods of receipts of the period that used one, without what came back."""
    lift_minor: int | None = None
    """Spent on its goods by a member who was issued it more than by one held out, over the whole
    campaign; None where that was not asked, or there is nobody to compare."""
    lift_low_minor: int | None = None
    lift_high_minor: int | None = None


def offer_values(reader: Reader, first: Day, last: Day) -> list[OfferValue]:
    """Of all campaigns together, then of each that was issued or used in the period, by code."""
    period = (first, last)
    codes = sorted(
        {code for name, day in ((FCT_OFFER_ISSUE, "from_day"), (FCT_OFFER_USE, "day"))
         for (code,) in reader.rows(
             f"SELECT DISTINCT campaign FROM {reader.name(name)} WHERE {day} BETWEEN ? AND ?",
             period)}
    )  # fmt: skip
    return [_sums(reader, code, period) for code in ("", *codes)]


def _sums(reader: Reader, code: str, period: tuple[Day, Day]) -> OfferValue:
    asked = (*period, code, code)
    of = "BETWEEN ? AND ? AND (campaign = ? OR ? = '')"
    issue, use = reader.name(FCT_OFFER_ISSUE), reader.name(FCT_OFFER_USE)
    lists = reader.rows(
        "SELECT count(*), coalesce(sum(CASE WHEN EXISTS (SELECT 1 FROM"
        f" {reader.name(FCT_LIST_ACCEPTED)} a WHERE a.member_id = i.member_id"
        " AND a.barcode = i.barcode) THEN 1 ELSE 0 END), 0), count(DISTINCT member_id)"
        f" FROM (SELECT DISTINCT member_id, barcode FROM {issue}"
        f" WHERE held_out = 0 AND from_day {of}) i",
        asked,
    )[0]
    used = reader.rows(
        "SELECT coalesce(sum(CASE WHEN pieces > 0 THEN 1 ELSE 0 END), 0),"
        " coalesce(sum(pieces), 0), coalesce(sum(off_minor), 0) FROM (SELECT member_id,"
        f" sum(pieces) AS pieces, sum(off_minor) AS off_minor FROM {use} WHERE day {of}"
        " GROUP BY member_id) m",
        asked,
    )[0]
    spent = reader.rows(
        "SELECT coalesce(sum(l.amount_minor * (l.quantity - l.returned_quantity) / l.quantity), 0)"
        f" FROM (SELECT DISTINCT receipt_id, line FROM {use} WHERE by_id = receipt_id AND day {of})"
        f" u JOIN {reader.name(FCT_RECEIPT_LINE)} l ON l.receipt_id = u.receipt_id"
        " AND l.line = u.line",
        asked,
    )[0]
    return OfferValue(code, *map(int, (*lists, *used, *spent)))
