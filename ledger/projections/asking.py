"""What questions about single members look at beside their purchases, by the member it counts for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ledger.policies.asking import Cost, Habits, habits_of
from ledger.policies.profile import Profile
from ledger.projections.buying import Wanted, Who, Window, lines, regular
from ledger.projections.complaint import FCT_COMPLAINT
from ledger.projections.points import FCT_POINTS_MOVEMENT
from ledger.projections.purchase import FCT_PURCHASE
from ledger.projections.queries import Reader
from ledger.projections.receipt import FCT_RECEIPT_LINE
from ledger.types import Instant

GIVEN = (
    "earn", "review", "approve", "repay", "adjust_in", "adjust_out", "reverse", "reinstate",
)  # fmt: skip
"""Movements by which a member has more points or fewer, spending and expiry left out."""
COMPENSATION = "origin = 'compensation' AND kind IN ('adjust_in', 'repay')"
NOTHING = Cost()


class Span(NamedTuple):
    """A window by instants, the last one excluded."""

    since: Instant
    until: Instant


class Complaints(NamedTuple):
    """Opened in a span, and open at its end."""

    opened: int
    open: int


def costs(reader: Reader, whose: Who, window: Window, span: Span) -> dict[bytes, Cost]:
    """What members got: points by when they came, discounts by the day of the purchase."""
    found = _points(reader, whose, span)
    for member, discount_minor in _discounts(reader, whose, window).items():
        found[member] = found.get(member, NOTHING)._replace(discount_minor=discount_minor)
    return found


def _points(reader: Reader, whose: Who, span: Span) -> dict[bytes, Cost]:
    marks = ", ".join("?" * len(GIVEN))
    rows = reader.stream(
        f"SELECT member_id, member_id, sum(CASE WHEN {COMPENSATION} THEN 0 ELSE points END),"
        f" sum(CASE WHEN {COMPENSATION} THEN points ELSE 0 END)"
        f" FROM {reader.name(FCT_POINTS_MOVEMENT)} WHERE captured_at >= ? AND captured_at < ?"
        f" AND kind IN ({marks}) GROUP BY member_id ORDER BY member_id",
        (*span, *GIVEN),
    )
    return {
        member: Cost(sum(int(row[2]) for row in group), sum(int(row[3]) for row in group))
        for member, group in whose.grouped(rows)
    }


def _discounts(reader: Reader, whose: Who, window: Window) -> dict[bytes, int]:
    """Discounts of what is still sold; the rest of a line that came back in part is rounded down."""
    rows = reader.stream(
        "SELECT p.member_id, p.member_id,"
        " sum(l.discount_minor * (l.quantity - l.returned_quantity) / l.quantity)"
        f" FROM {reader.name(FCT_PURCHASE)} p JOIN {reader.name(FCT_RECEIPT_LINE)} l"
        " ON l.receipt_id = p.receipt_id WHERE p.day >= ? AND p.day <= ? AND p.bought_minor > 0"
        " AND l.kind = 'sale' AND l.voided = 0 AND l.quantity > l.returned_quantity"
        " AND l.discount_minor > 0 GROUP BY p.member_id ORDER BY p.member_id",
        window,
    )
    return {member: sum(int(row[2]) for row in group) for member, group in whose.grouped(rows)}


def complaints(reader: Reader, whose: Who, span: Span) -> dict[bytes, Complaints]:
    """How many complaints members opened, and have open."""
    rows = reader.stream(
        "SELECT member_id, member_id, opened_at, resolved_at"
        f" FROM {reader.name(FCT_COMPLAINT)} WHERE opened_at < ? ORDER BY member_id, complaint_id",
        (span.until,),
    )
    return {
        member: Complaints(
            sum(opened_at >= span.since for _, _, opened_at, _ in group),
            sum(done is None or done >= span.until for _, _, _, done in group),
        )
        for member, group in whose.grouped(rows)
    }


def habits(
    reader: Reader, whose: Who, window: Window, found: Mapping[bytes, Profile]
) -> dict[bytes, Habits]:
    """Members' visits by the categories of what is still sold, one-off days left out."""
    rows = lines(reader, window, Wanted(goods=True))
    told = {}
    for member, group in regular(whose, rows, found):
        visits: dict[bytes, set[str]] = {}
        for _, _, _, receipt, _, category, *_ in group:
            visits.setdefault(receipt, set()).update([category] if category else [])
        told[member] = habits_of(frozenset(visit) for visit in visits.values())
    return told
