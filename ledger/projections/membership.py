"""What became of members: what they are, merged into whom, closed, erased; and the merges."""

from __future__ import annotations

from ledger import events as e
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table

DIM_STANDING = Table(
    "dim_standing",
    "One row a member: the kind, and whether the account is open, merged, closed or erased",
    1,
    (
        Column("member_id", "id", "the member's stream"),
        Column("kind", "text", "person, household, organisation"),
        Column("standing", "text", "open, merged, closed, erased"),
        Column("since", "instant", "since when"),
        Column("merged_into", "id", "of a merged one: the member it is part of (or was, once)"),
        Column("completed_at", "instant", "when personal data came after the card, if they did"),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
)
FCT_MERGE = Table(
    "fct_merge",
    "One row a merge of two members, undone or not",
    1,
    (
        Column("merge_id", "id", "the stream of its command id"),
        Column("member_id", "id", "who was merged"),
        Column("into_id", "id", "into whom"),
        Column("points", "int", "points that moved"),
        Column("arrears", "int", "debts that moved"),
        Column("reason", "text", "why"),
        Column("author", "text", "who did it"),
        Column("merged_at", "instant", "when"),
        Column("undone_at", "instant", "when it was undone, if it was"),
        Column("undone_by", "text", "who undid it"),
        Column("points_back", "int", "points that were left and went back"),
        Column("receipts_between", "int", "receipts with the cards that moved; they stay"),
        Column("points_between", "int", "what those receipts earned"),
        RECORDED,
        POSITION,
    ),
)


def _standing(
    out: Out, at: At, standing: str, since: int, kind: str | None = None,
    merged_into: bytes | None = None,
) -> None:  # fmt: skip
    row = (kind, standing, since, merged_into, None, at.position)
    out.merge(DIM_STANDING, (at.stream,), *row)


def _enrolled(at: At, event: e.MemberEnrolled, out: Out) -> None:
    _standing(out, at, "open", event.captured_at, event.kind)


def _completed(at: At, event: e.MemberCompleted, out: Out) -> None:
    row = (None, None, None, None, event.captured_at, at.position)
    out.merge(DIM_STANDING, (at.stream,), *row)


def _merged(at: At, event: e.MergedAway, out: Out) -> None:
    _standing(out, at, "merged", event.captured_at, merged_into=event.into)


def _parted(at: At, event: e.PartedAgain, out: Out) -> None:
    _standing(out, at, "open", event.captured_at)


def _closed(at: At, event: e.MemberClosed, out: Out) -> None:
    _standing(out, at, "closed", event.captured_at)


def _erased(at: At, event: e.MemberErased, out: Out) -> None:
    _standing(out, at, "erased", event.captured_at)


def _merged_in(at: At, event: e.MergedIn, out: Out) -> None:
    out.rows["fct_merge"].append(
        (
            event.merge, event.member, at.stream, sum(take.points for take in event.takes),
            event.arrears, event.reason, event.author, event.captured_at, None, None, None, None,
            None, at.recorded_at, at.position,
        )
    )  # fmt: skip


def _undone(_: At, event: e.MergeUndone, out: Out) -> None:
    out.patch(
        FCT_MERGE,
        (event.merge,),
        undone_at=event.captured_at,
        undone_by=event.author,
        points_back=sum(take.points for take in event.takes),
        receipts_between=event.receipts,
        points_between=event.points,
    )


MEMBERSHIP = Projection(
    "membership",
    1,
    (DIM_STANDING, FCT_MERGE),
    {
        e.MemberEnrolled: _enrolled,
        e.MemberCompleted: _completed,
        e.MergedAway: _merged,
        e.PartedAgain: _parted,
        e.MemberClosed: _closed,
        e.MemberErased: _erased,
        e.MergedIn: _merged_in,
        e.MergeUndone: _undone,
    },
)
