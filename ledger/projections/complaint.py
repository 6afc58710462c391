"""Complaints, from opening to resolution."""

from __future__ import annotations

from ledger import events as e
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table

FCT_COMPLAINT = Table(
    "fct_complaint",
    "One row a complaint on a receipt line",
    1,
    (
        Column("complaint_id", "id", "the complaint"),
        Column("member_id", "id", "who complained"),
        Column("receipt_id", "id", "the receipt's stream"),
        Column("line", "int", "line of the receipt, counted from 1"),
        Column("reason", "text", "what was wrong"),
        Column("opened_by", "text", "who took it in"),
        Column("opened_at", "instant", "when"),
        Column("state", "text", "open, answered, resolved"),
        Column("answer", "text", "the latest answer"),
        Column("answered_at", "instant", "when the latest answer was given"),
        Column("resolution", "text", "how it ended"),
        Column("resolved_at", "instant", "when"),
        Column("compensation_points", "int", "points given"),
        RECORDED,
        POSITION,
    ),
)


def _opened(at: At, event: e.ComplaintOpened, out: Out) -> None:
    out.rows["fct_complaint"].append(
        (
            event.complaint, at.stream, event.receipt, event.line, event.reason, event.author,
            event.captured_at, "open", None, None, None, None, 0, at.recorded_at, at.position,
        )
    )  # fmt: skip


def _answered(_: At, event: e.ComplaintAnswered, out: Out) -> None:
    out.patch(
        FCT_COMPLAINT, (event.complaint,), state="answered", answer=event.answer,
        answered_at=event.captured_at,
    )  # fmt: skip


def _resolved(_: At, event: e.ComplaintResolved, out: Out) -> None:
    out.patch(
        FCT_COMPLAINT, (event.complaint,), state="resolved", resolution=event.resolution,
        resolved_at=event.captured_at, compensation_points=event.points,
    )  # fmt: skip


COMPLAINT = Projection(
    "complaint",
    1,
    (FCT_COMPLAINT,),
    {
        e.ComplaintOpened: _opened,
        e.ComplaintAnswered: _answered,
        e.ComplaintResolved: _resolved,
    },
)
