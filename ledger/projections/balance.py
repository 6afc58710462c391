"""Balances, kept by lot so that they can be told for any instant from now on."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw, Struct

from ledger import events as e
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.store.keys import MEMBER
from ledger.types import Instant, Take

FCT_LOT = Table(
    "fct_lot",
    "One row a lot of a member: what is left of points with one activation and one expiry",
    4,
    (
        Column("member_id", "id", "the member's stream"),
        Column("expires_at", "instant", "when the points are gone"),
        Column("activates_at", "instant", "when they can be used; epoch 0 = at once"),
        Column(
            "origin",
            "int",
            "0 scan, 1 adjustment, 2 compensation, 3 bonus, 900 transfer, from 1000 merge",
        ),
        Column("points", "int", "points left", "add"),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
    also_by=("expires_at", "member_id"),
)
FCT_MEMBER_POINTS = Table(
    "fct_member_points",
    "One row a member: points since enrolment, by what they were",
    1,
    (
        Column("member_id", "id", "the member's stream"),
        Column("earned", "int", "earned on receipts, and as bonuses without one", "add"),
        Column("adjusted_in", "int", "given by staff, compensation included", "add"),
        Column("transferred_in", "int", "come from other members, merged ones included", "add"),
        Column("restored", "int", "redeemed points given back", "add"),
        Column("reinstated", "int", "reversals and expiries undone", "add"),
        Column("adjusted_out", "int", "taken by staff, closing and erasing included", "add"),
        Column("transferred_out", "int", "gone to other members, merged ones included", "add"),
        Column("redeemed", "int", "redeemed", "add"),
        Column("reversed", "int", "taken back by returns, arrears included", "add"),
        Column("expired", "int", "whose expiry was recorded", "add"),
        Column("arrears", "int", "owed, to be repaid by what is earned next", "add"),
        Column("held", "int", "reserved by holds whose end is not recorded", "add"),
        Column("in_review", "int", "earned, and waiting for a person", "add"),
        Column("activated_until", "instant", "activations up to then are recorded", "max"),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
)


class _Award(Struct, array_like=True, frozen=True, gc=False):
    """Of an award, what a balance asks for; see `Award`."""

    card: int  # a number is read as fast as it is passed over
    programme: int
    points: tuple[int, ...]
    activates_at: Instant
    expires_at: Instant
    qualifying: int
    repaid: int = 0
    rules: Raw = Raw()
    birthday_year: int = 0
    watched: bool = False
    review: int = 0


class _Scanned(Struct, array_like=True, frozen=True, gc=False):
    """Of a scan, the award; its lines are passed over."""

    scan: Raw
    award: _Award


_LOTS, _MEMBERS = FCT_LOT.name, FCT_MEMBER_POINTS.name
_INDEX = {c.name: index for index, c in enumerate(FCT_MEMBER_POINTS.columns[1:])}
_ACTIVATED = _INDEX["activated_until"]
_EARNED, _ARREARS, _IN_REVIEW = _INDEX["earned"], _INDEX["arrears"], _INDEX["in_review"]


def _lot(out: Out, at: At, activates_at: int, expires_at: int, origin: int, points: int) -> None:
    if points:
        row = out.merged[_LOTS][at.stream, expires_at, activates_at, origin]
        row[0] += points
        row[1] = at.position


def _takes(out: Out, at: At, takes: Sequence[Take]) -> None:
    for take in takes:
        _lot(out, at, take.activates_at, take.expires_at, take.origin, -take.points)


def _totals(out: Out, at: At, **sums: int) -> None:
    """Add to some of a member's sums."""
    row = out.merged[_MEMBERS][at.stream,]
    for name, points in sums.items():
        row[_INDEX[name]] += points
    row[-1] = at.position


def _earned(at: At, event: e.ReceiptScanned | e.ReceiptAttributed, out: Out) -> None:
    award = event.award  # nearly every event comes here, so it is written out
    points, repaid, review = sum(award.points), award.repaid, award.review
    stream, position = at.stream, at.position
    if kept := points - repaid - review:
        row = out.merged[_LOTS][stream, award.expires_at, award.activates_at, e.ORIGIN_SCAN]
        row[0] += kept
        row[1] = position
    row = out.merged[_MEMBERS][stream,]
    row[_EARNED] += points
    if repaid or review:
        row[_ARREARS] -= repaid
        row[_IN_REVIEW] += review
    row[-1] = position


def _approved(at: At, event: e.ReviewApproved, out: Out) -> None:
    kept = event.points - event.repaid
    _lot(out, at, event.activates_at, event.expires_at, e.ORIGIN_SCAN, kept)
    _totals(out, at, arrears=-event.repaid, in_review=-event.points)


def _denied(at: At, event: e.ReviewDenied, out: Out) -> None:
    _totals(out, at, reversed=event.points, in_review=-event.points)


def _granted(at: At, event: e.BonusGranted, out: Out) -> None:
    kept = event.points - event.repaid
    _lot(out, at, event.activates_at, event.expires_at, e.ORIGIN_BONUS, kept)
    _totals(out, at, earned=event.points, arrears=-event.repaid)


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    _takes(out, at, event.takes)
    taken = sum(take.points for take in event.takes)
    waited = event.from_review
    _totals(out, at, reversed=taken + event.arrears + waited, arrears=event.arrears,
            in_review=-waited)  # fmt: skip


def _redeemed(at: At, event: e.PointsRedeemed, out: Out) -> None:
    _takes(out, at, event.takes)
    again = _sum(event.unexpired)
    _totals(out, at, redeemed=event.points, arrears=event.arrears, expired=-again)


def _adjusted(at: At, event: e.PointsAdjusted, out: Out) -> None:
    if event.points < 0:
        _takes(out, at, event.takes)
        _totals(out, at, adjusted_out=-event.points)
    else:
        _given(out, at, event, e.ORIGIN_ADJUSTMENT)


def _resolved(at: At, event: e.ComplaintResolved, out: Out) -> None:
    _given(out, at, event, e.ORIGIN_COMPENSATION)


def _given(out: Out, at: At, event: e.PointsAdjusted | e.ComplaintResolved, origin: int) -> None:
    _lot(out, at, event.activates_at, event.expires_at, origin, event.points - event.repaid)
    _totals(out, at, adjusted_in=event.points, arrears=-event.repaid)


def _put(out: Out, at: At, takes: Sequence[Take]) -> None:
    for take in takes:
        _lot(out, at, take.activates_at, take.expires_at, take.origin, take.points)


def _sum(takes: Sequence[Take]) -> int:
    return sum(take.points for take in takes)


def _voided(at: At, event: e.ReturnVoided, out: Out) -> None:
    _put(out, at, event.puts)
    _totals(out, at, reinstated=event.reinstated, arrears=-event.arrears, in_review=event.to_review)


def _loose(at: At, event: e.GoodsReturnedLoose, out: Out) -> None:
    _takes(out, at, event.takes)
    back = _sum(event.takes) + event.arrears
    _totals(out, at, reversed=back, arrears=event.arrears)


def _restored(at: At, event: e.PointsRestored, out: Out) -> None:
    _put(out, at, event.takes)
    restored = _sum(event.takes) + event.arrears
    _totals(out, at, restored=restored, arrears=-event.arrears)


def _retaken(at: At, event: e.PointsRetaken, out: Out) -> None:
    _takes(out, at, event.takes)
    gone = _sum(event.gone)
    _totals(out, at, redeemed=event.points, arrears=event.arrears, reinstated=gone)


def _held(at: At, event: e.PointsHeld, out: Out) -> None:
    _takes(out, at, event.takes)
    _totals(out, at, held=event.points)


def _settled(at: At, event: e.HoldSettled, out: Out) -> None:
    paid, again = _sum(event.takes), _sum(event.unexpired)
    if event.late:
        _takes(out, at, event.takes)
    else:
        _put(out, at, event.back)
    held = 0 if event.late else -paid - _sum(event.back)
    redeemed = paid + again + event.arrears
    _totals(out, at, redeemed=redeemed, arrears=event.arrears, held=held, expired=-again)


def _released(at: At, event: e.HoldReleased, out: Out) -> None:
    _put(out, at, event.takes)
    _totals(out, at, held=-_sum(event.takes))


def _expired(at: At, event: e.PointsExpired, out: Out) -> None:
    _takes(out, at, event.takes)
    _totals(out, at, expired=_sum(event.takes))


def _activated(at: At, event: e.PointsActivated, out: Out) -> None:
    _totals(out, at)
    row = out.merged[_MEMBERS][at.stream,]
    row[_ACTIVATED] = max(row[_ACTIVATED], event.until)


def _slid(at: At, event: e.LotsSlid, out: Out) -> None:
    _takes(out, at, event.takes)
    for take in event.takes:
        _lot(out, at, take.activates_at, event.expires_at, take.origin, take.points)


def _rebated(at: At, event: e.RebateGranted, out: Out) -> None:
    points = event.points - event.repaid
    _lot(out, at, event.activates_at, event.expires_at, e.ORIGIN_BONUS, points)
    _totals(out, at, earned=event.points, arrears=-event.repaid)


def _gave(at: At, event: e.MergedAway | e.MergeUndone, out: Out) -> None:
    _takes(out, at, event.takes)
    points, arrears = sum(take.points for take in event.takes), event.arrears
    _totals(out, at, transferred_out=points, transferred_in=arrears, arrears=-arrears)


def _got(at: At, event: e.MergedIn | e.PartedAgain, out: Out) -> None:
    for take in event.takes:
        _lot(out, at, take.activates_at, take.expires_at, take.origin, take.points)
    points, arrears = sum(take.points for take in event.takes), event.arrears
    _totals(out, at, transferred_in=points, transferred_out=arrears, arrears=arrears)


def _sent(at: At, event: e.PointsSent, out: Out) -> None:
    _takes(out, at, event.takes)
    _totals(out, at, transferred_out=event.points)


def _received(at: At, event: e.PointsReceived, out: Out) -> None:
    for lot, repaid in zip(event.lots, event.repaid, strict=False):
        _lot(out, at, lot.activates_at, lot.expires_at, lot.origin, lot.points - repaid)
    _totals(out, at, transferred_in=event.points, arrears=-sum(event.repaid))


def _closed(at: At, event: e.MemberClosed, out: Out) -> None:
    _takes(out, at, event.takes)
    points, arrears = sum(take.points for take in event.takes), event.arrears
    _totals(out, at, adjusted_out=points, adjusted_in=arrears, arrears=-arrears)


BALANCE = Projection(
    "balance",
    4,
    (FCT_LOT, FCT_MEMBER_POINTS),
    {
        e.ReceiptScanned: _earned,
        e.ReceiptAttributed: _earned,
        e.BonusGranted: _granted,
        e.GoodsReturned: _returned,
        e.ReturnVoided: _voided,
        e.GoodsReturnedLoose: _loose,
        e.PointsRedeemed: _redeemed,
        e.PointsRestored: _restored,
        e.PointsRetaken: _retaken,
        e.PointsHeld: _held,
        e.HoldSettled: _settled,
        e.HoldReleased: _released,
        e.PointsExpired: _expired,
        e.PointsActivated: _activated,
        e.LotsSlid: _slid,
        e.RebateGranted: _rebated,
        e.PointsAdjusted: _adjusted,
        e.ComplaintResolved: _resolved,
        e.ReviewApproved: _approved,
        e.ReviewDenied: _denied,
        e.MergedAway: _gave,
        e.MergeUndone: _gave,
        e.MergedIn: _got,
        e.PartedAgain: _got,
        e.PointsSent: _sent,
        e.PointsReceived: _received,
        e.MemberClosed: _closed,
    },
    MEMBER,
    {e.ReceiptScanned: _Scanned},
)
