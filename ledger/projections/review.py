"""Receipts that wait for a person, or are flagged; and what was decided."""

from __future__ import annotations

from typing import NamedTuple

from ledger import events as e
from ledger.projections.queries import Reader
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.types import Instant

FCT_REVIEW = Table(
    "fct_review",
    "One row a receipt that waits or waited for a person, or is flagged",
    1,
    (
        Column("review_id", "id", "the receipt's stream"),
        Column("kind", "text", "flag, points, blocked_card, late"),
        Column("member_id", "id", "the member it belongs to, if any"),
        Column("store", "text", "store"),
        Column("points", "int", "points that wait"),
        Column("breaches", "text", "the limits it passed, each with the value"),
        Column("opened_at", "instant", "the ledger's time when it was flagged or kept back"),
        Column("decision", "text", "open, approved, denied; empty for a flag"),
        Column("decided_at", "instant", "when"),
        Column("reason", "text", "why it was decided so"),
        Column("author", "text", "by whom"),
        Column("captured_at", "instant", "the till's time"),
        RECORDED,
        POSITION,
    ),
)
OPEN = e.DECISIONS[e.DECISION_NONE]
KINDS = {e.UNATTRIBUTED_BLOCKED: "blocked_card", e.UNATTRIBUTED_LATE: "late"}


class ReviewRow(NamedTuple):
    """One receipt of the queue."""

    review_id: bytes
    kind: str
    member_id: bytes | None
    store: str
    points: int
    breaches: str
    opened_at: Instant
    decision: str
    decided_at: Instant | None
    reason: str | None
    author: str | None


def reviews(reader: Reader, *, flagged: bool = False, decided: bool = False) -> list[ReviewRow]:
    """What waits, oldest first; or what is flagged only, or decided."""
    where = "kind = 'flag'" if flagged else f"decision {'<>' if decided else '='} '{OPEN}'"
    if decided and not flagged:
        where += " AND kind <> 'flag'"
    columns = ", ".join(ReviewRow._fields)
    query = f"SELECT {columns} FROM {{t}} WHERE {where} ORDER BY opened_at, review_id"
    return [ReviewRow(*row) for row in reader.rows(query.format(t=reader.name(FCT_REVIEW)), ())]


def _open(
    out: Out, at: At, receipt: bytes, kind: str, member: bytes | None, store: str, points: int,
    breaches: str, captured_at: Instant,
) -> None:  # fmt: skip
    out.rows["fct_review"].append(
        (
            receipt, kind, member, store, points, breaches, at.recorded_at,
            "" if kind == "flag" else OPEN, None, None, None, captured_at, at.recorded_at,
            at.position,
        )
    )  # fmt: skip


def _unclaimed(at: At, event: e.ReceiptUnclaimed, out: Out) -> None:
    if kind := KINDS.get(event.why):
        scan = event.scan
        _open(out, at, at.stream, kind, None, scan.store, 0, "", scan.captured_at)


def _flagged(at: At, event: e.ReceiptFlagged, out: Out) -> None:
    kind = "points" if event.review else "flag"
    told = ", ".join(f"{limit} {value}" for limit, value in event.breaches)
    _open(out, at, event.receipt, kind, at.stream, event.store, event.review, told,
          event.captured_at)  # fmt: skip


def _reviewed(at: At, event: e.ReceiptReviewed, out: Out) -> None:
    out.patch(
        FCT_REVIEW, (at.stream,), decision=e.DECISIONS[event.decision],
        decided_at=event.captured_at, reason=event.reason, author=event.author,
    )  # fmt: skip


def _reduced(at: At, event: e.ReviewReduced, out: Out) -> None:
    out.patch(FCT_REVIEW, (at.stream,), {"points": -event.points})


def _given(at: At, event: e.ReceiptGiven, out: Out) -> None:
    out.patch(FCT_REVIEW, (at.stream,), member_id=event.member)


REVIEW = Projection(
    "review",
    1,
    (FCT_REVIEW,),
    {
        e.ReceiptUnclaimed: _unclaimed,
        e.ReceiptFlagged: _flagged,
        e.ReceiptReviewed: _reviewed,
        e.ReviewReduced: _reduced,
        e.ReceiptGiven: _given,
    },
)
