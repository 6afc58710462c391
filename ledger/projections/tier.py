"""Tiers as they changed, and the qualifying points by day that decide them."""

from __future__ import annotations

from ledger import events as e
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.store import keys

FCT_TIER = Table(
    "fct_tier",
    "One row a change of tier, or a review that confirmed it; none: the first tier",
    2,
    (
        Column("member_id", "id", "the member's stream"),
        Column("version", "int", "version of the event in the member's stream"),
        Column("tier", "text", "the tier from then on"),
        Column("kept_until", "instant", "up to its next review; epoch 0 = not held"),
        Column("qualifying", "int", "what counted in the window at that moment"),
        Column("programme", "int", "number of the programme it was decided under"),
        Column("captured_at", "instant", "when it happened"),
        RECORDED,
        POSITION,
    ),
)
FCT_TIER_GRANT = Table(
    "fct_tier_grant",
    "One row a tier granted by hand; the last one holds",
    2,
    (
        Column("member_id", "id", "the member's stream"),
        Column("version", "int", "version of the event in the member's stream"),
        Column("tier", "text", "the tier granted"),
        Column("granted_until", "instant", "up to when; not after `captured_at` = ended"),
        Column("reason", "text", "why"),
        Column("author", "text", "who granted it"),
        Column("programme", "int", "number of the programme in force"),
        Column("captured_at", "instant", "when it was granted"),
        RECORDED,
        POSITION,
    ),
)
FCT_QUALIFYING = Table(
    "fct_qualifying",
    "One row a member and day: what counts towards a tier",
    2,
    (
        Column("member_id", "id", "the member's stream"),
        Column("day", "day", "the day it was captured, at the store"),
        Column(
            "points",
            "int",
            "qualifying points, or minor units where spend counts; returns taken off",
            "add",
        ),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
)


def _changed(at: At, event: e.TierChanged, out: Out) -> None:
    out.rows["fct_tier"].append(
        (
            at.stream, at.version, event.tier, event.until, event.qualifying, event.programme,
            event.captured_at, at.recorded_at, at.position,
        )
    )  # fmt: skip


def _granted(at: At, event: e.TierGranted, out: Out) -> None:
    out.rows["fct_tier_grant"].append(
        (
            at.stream, at.version, event.tier, event.until, event.reason, event.author,
            event.programme, event.captured_at, at.recorded_at, at.position,
        )
    )  # fmt: skip


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    _qualify(out, at, event.scan.day, event.award.qualifying)


def _attributed(at: At, event: e.ReceiptAttributed, out: Out) -> None:
    _qualify(out, at, event.day, event.award.qualifying)


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    _qualify(out, at, event.qualifying_day, -event.uncounted)


def _voided(at: At, event: e.ReturnVoided, out: Out) -> None:
    _qualify(out, at, event.qualifying_day, event.counted)


def _loose(at: At, event: e.GoodsReturnedLoose, out: Out) -> None:
    _qualify(out, at, event.day, -event.uncounted)


def _approved(at: At, event: e.ReviewApproved, out: Out) -> None:
    _qualify(out, at, event.qualifying_day, event.qualifying)


def _qualify(out: Out, at: At, day: int, points: int) -> None:
    if points:
        out.merge(FCT_QUALIFYING, (at.stream, day), points, at.position)


def _gave(at: At, event: e.MergedAway | e.MergeUndone, out: Out) -> None:
    for day, points in zip(event.days, event.qualifying, strict=False):
        _qualify(out, at, day, -points)


def _got(at: At, event: e.MergedIn | e.PartedAgain, out: Out) -> None:
    for day, points in zip(event.days, event.qualifying, strict=False):
        _qualify(out, at, day, points)


def _undone(at: At, event: e.MergeUndone, out: Out) -> None:
    """Where the merge had brought a tier, the one before it is told again."""
    _gave(at, event, out)
    if not event.tier_restored:
        return
    out.rows["fct_tier"].append(
        (
            at.stream, at.version, event.tier, event.tier_until, 0, event.programme,
            event.captured_at, at.recorded_at, at.position,
        )
    )  # fmt: skip


TIER = Projection(
    "tier",
    2,
    (FCT_TIER, FCT_QUALIFYING, FCT_TIER_GRANT),
    {
        e.TierChanged: _changed,
        e.TierGranted: _granted,
        e.ReceiptScanned: _scanned,
        e.ReceiptAttributed: _attributed,
        e.GoodsReturned: _returned,
        e.ReturnVoided: _voided,
        e.GoodsReturnedLoose: _loose,
        e.ReviewApproved: _approved,
        e.MergedAway: _gave,
        e.MergedIn: _got,
        e.MergeUndone: _undone,
        e.PartedAgain: _got,
    },
    keys.MEMBER,
)
