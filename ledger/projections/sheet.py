"""The sheet to call a member with: purchases, habits, complaints, points about to expire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ledger.projections.asking import Span
from ledger.projections.buying import Who, Window
from ledger.projections.catalogue import DIM_PRODUCT
from ledger.projections.complaint import FCT_COMPLAINT
from ledger.projections.points import FCT_POINTS_MOVEMENT
from ledger.projections.purchase import FCT_PURCHASE
from ledger.projections.queries import Reader
from ledger.projections.receipt import FCT_RECEIPT, FCT_RECEIPT_LINE
from ledger.types import Day, Instant

MOST = 5
"""Purchases and products on a sheet."""


class LastPurchase(NamedTuple):
    """A receipt with what of it is still sold."""

    day: Day
    store: str
    spend_minor: int


class Usually(NamedTuple):
    """A product, on how many receipts of the window; the name is the catalogue's, if it has one."""

    product: str
    name: str
    receipts: int


class OpenComplaint(NamedTuple):
    """What is not resolved, or was not at the instant."""

    opened_at: Instant
    reason: str
    line: int
    product: str


class Soon(NamedTuple):
    """Available points that are gone at an instant."""

    expires_at: Instant
    points: int


class Sheet(NamedTuple):
    """All of it; the latest purchase, the commonest product, the oldest complaint first."""

    purchases: tuple[LastPurchase, ...]
    usually: tuple[Usually, ...]
    complaints: tuple[OpenComplaint, ...]
    expiring: tuple[Soon, ...]


def sheet(reader: Reader, whose: Who, member: bytes, window: Window, span: Span) -> Sheet:
    """A member's sheet at the end of a window; `span` says which points are about to expire."""
    merged = sorted(one for one, root in whose.root_of.items() if root == member)
    members = (member, *merged)
    return Sheet(
        tuple(LastPurchase(*map(_plain, row)) for row in _purchases(reader, members, window)),
        tuple(Usually(*row) for row in _usually(reader, members, window)),
        tuple(OpenComplaint(*row) for row in _complaints(reader, members, span.since)),
        tuple(Soon(at, int(points)) for at, points in _expiring(reader, member, span)),
    )


def _plain(value: Any) -> Any:
    """Sums come as decimals from PostgreSQL."""
    return value if isinstance(value, str) else int(value)


def _marks(members: Sequence[bytes]) -> str:
    return ", ".join("?" * len(members))


def _purchases(reader: Reader, members: Sequence[bytes], window: Window) -> list[Any]:
    """A return after a merge lies in the other's stream, so receipts are summed over both."""
    return reader.rows(
        "SELECT p.day, r.store, p.spend_minor FROM (SELECT max(day) AS day, receipt_id,"
        f" sum(bought_minor - returned_minor) AS spend_minor FROM {reader.name(FCT_PURCHASE)}"
        f" WHERE member_id IN ({_marks(members)}) AND day <= ? GROUP BY receipt_id) p"
        f" JOIN {reader.name(FCT_RECEIPT)} r ON r.receipt_id = p.receipt_id"
        " WHERE p.spend_minor > 0 ORDER BY p.day DESC, r.captured_at DESC, p.receipt_id LIMIT ?",
        (*members, window.last, MOST),
    )


def _usually(reader: Reader, members: Sequence[bytes], window: Window) -> list[Any]:
    return reader.rows(
        "SELECT l.product, coalesce(max(d.name), ''), count(DISTINCT l.receipt_id)"
        f" FROM {reader.name(FCT_PURCHASE)} p JOIN {reader.name(FCT_RECEIPT_LINE)} l"
        f" ON l.receipt_id = p.receipt_id LEFT JOIN {reader.name(DIM_PRODUCT)} d"
        f" ON d.code = l.product WHERE p.member_id IN ({_marks(members)}) AND p.day >= ?"
        " AND p.day <= ? AND p.bought_minor > 0 AND l.kind = 'sale' AND l.voided = 0"
        " AND l.quantity > l.returned_quantity GROUP BY l.product ORDER BY 3 DESC, 1 LIMIT ?",
        (*members, *window, MOST),
    )


def _complaints(reader: Reader, members: Sequence[bytes], at: Instant) -> list[Any]:
    return reader.rows(
        "SELECT c.opened_at, c.reason, c.line, coalesce(l.product, '')"
        f" FROM {reader.name(FCT_COMPLAINT)} c LEFT JOIN {reader.name(FCT_RECEIPT_LINE)} l"
        " ON l.receipt_id = c.receipt_id AND l.line = c.line"
        f" WHERE c.member_id IN ({_marks(members)}) AND c.opened_at < ?"
        " AND (c.resolved_at IS NULL OR c.resolved_at >= ?)"
        " ORDER BY c.opened_at, c.complaint_id",
        (*members, at, at),
    )


def _expiring(reader: Reader, member: bytes, span: Span) -> list[Any]:
    return reader.rows(
        f"SELECT expires_at, sum(points) FROM {reader.name(FCT_POINTS_MOVEMENT)}"
        " WHERE member_id = ? AND kind <> 'arrears' AND captured_at < ? AND activates_at < ?"
        " AND expires_at > ? AND expires_at <= ? GROUP BY expires_at HAVING sum(points) > 0"
        " ORDER BY expires_at",
        (member, span.since, span.since, *span),
    )
