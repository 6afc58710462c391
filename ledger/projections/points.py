"""Every movement of points: what moved, in which lot, why, under which programme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger import events as e
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.types import Instant, Take

FCT_POINTS_MOVEMENT = Table(
    "fct_points_movement",
    "One row a movement of points: an event of a member and the lot it touched",
    3,
    (
        Column("member_id", "id", "the member's stream"),
        Column("version", "int", "version of the event in the member's stream"),
        Column("part", "int", "counts the movements of one event from 0"),
        Column("kind", "text", "earn, repay, redeem, restore, reverse, arrears, expire, ..."),
        Column("points", "int", "signed: above zero comes to the member"),
        Column("activates_at", "instant", "when the lot's points can be used; epoch 0 = at once"),
        Column("expires_at", "instant", "when the lot's points are gone"),
        Column("origin", "text", "where the lot's points come from"),
        Column("receipt_id", "id", "the receipt's stream, where a receipt is the reason"),
        Column("reason", "text", "rules beyond the base, the author's reason, the gift"),
        Column("programme", "int", "number of the programme it was decided under"),
        Column("captured_at", "instant", "when it happened"),
        RECORDED,
        POSITION,
    ),
)


def _movement(
    out: Out, at: At, part: int, kind: str, points: int, lot: tuple[Instant, Instant, int],
    receipt: bytes | None, reason: str, programme: int, captured_at: Instant,
) -> None:  # fmt: skip
    activates_at, expires_at, origin = lot
    out.rows["fct_points_movement"].append(
        (
            at.stream, at.version, part, kind, points, activates_at, expires_at,
            e.ORIGINS[origin] if origin >= 0 else None, receipt, reason, programme, captured_at,
            at.recorded_at, at.position,
        )
    )  # fmt: skip


NO_LOT = (0, 0, -1)


def _gained(
    out: Out, at: At, kind: str, points: int, repaid: int, lot: tuple[Instant, Instant, int],
    *rest: Any,
) -> None:  # fmt: skip
    if points:
        _movement(out, at, 0, kind, points, lot, *rest)
    if repaid:
        _movement(out, at, 1, "repay", -repaid, lot, *rest)


def _taken(out: Out, at: At, kind: str, takes: Sequence[Take], *rest: Any) -> None:
    for part, take in enumerate(takes):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, kind, -take.points, lot, *rest)


def _award(out: Out, at: At, award: e.Award, receipt: bytes | None, captured_at: Instant) -> None:
    lot = (award.activates_at, award.expires_at, e.ORIGIN_SCAN)
    reason = ", ".join(f"{rule} {points}" for rule, points in award.rules)
    _gained(
        out, at, "earn", sum(award.points), award.repaid, lot, receipt, reason, award.programme,
        captured_at,
    )  # fmt: skip


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    _award(out, at, event.award, out.receipt_id(event.scan), event.scan.captured_at)


def _attributed(at: At, event: e.ReceiptAttributed, out: Out) -> None:
    _award(out, at, event.award, event.receipt, event.captured_at)


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    rest = (event.receipt, "return", event.programme, event.captured_at)
    _taken(out, at, "reverse", event.takes, *rest)
    if event.arrears:
        _movement(out, at, len(event.takes), "arrears", -event.arrears, NO_LOT, *rest)


def _redeemed(at: At, event: e.PointsRedeemed, out: Out) -> None:
    reason = " ".join(filter(None, (event.gift, event.variant))) or "cash"
    _taken(out, at, "redeem", event.takes, None, reason, event.programme, event.captured_at)


def _put(out: Out, at: At, kind: str, takes: Sequence[Take], *rest: Any, first: int = 0) -> None:
    for part, take in enumerate(takes, first):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, kind, take.points, lot, *rest)


def _voided(at: At, event: e.ReturnVoided, out: Out) -> None:
    rest = (event.receipt, "return voided", event.programme, event.captured_at)
    _put(out, at, "reinstate", event.puts, *rest)
    if event.arrears:
        _movement(out, at, len(event.puts), "arrears", event.arrears, NO_LOT, *rest)


def _loose(at: At, event: e.GoodsReturnedLoose, out: Out) -> None:
    rest = (None, "return without receipt", event.programme, event.captured_at)
    _taken(out, at, "reverse", event.takes, *rest)
    if event.arrears:
        _movement(out, at, len(event.takes), "arrears", -event.arrears, NO_LOT, *rest)


def _restored(at: At, event: e.PointsRestored, out: Out) -> None:
    who = f" ({event.author})" if event.author else ""
    rest = (event.receipt or None, f"{event.reason}{who}", event.programme, event.captured_at)
    _put(out, at, "restore", event.takes, *rest)


def _retaken(at: At, event: e.PointsRetaken, out: Out) -> None:
    rest = (event.receipt, "return voided", event.programme, event.captured_at)
    redeemed = (*event.takes, *event.gone)
    _taken(out, at, "redeem", redeemed, *rest)
    _put(out, at, "reinstate", event.gone, *rest, first=len(redeemed))
    if event.arrears:
        part = len(redeemed) + len(event.gone)
        _movement(out, at, part, "arrears", -event.arrears, NO_LOT, *rest)


# A hold is written with its end: whether anybody records that end then makes no difference.
def _held(at: At, event: e.PointsHeld, out: Out) -> None:
    rest = (None, "hold", event.programme)
    _taken(out, at, "hold", event.takes, *rest, event.captured_at)
    _put(out, at, "release", event.takes, *rest, event.ends_at, first=len(event.takes))


def _unheld(
    out: Out, at: At, takes: Sequence[Take], ends_at: Instant, captured_at: Instant, programme: int
) -> int:
    """Move the end of a hold to now; how many movements that is."""
    count = len(takes)
    _put(out, at, "release", takes, None, "hold", programme, captured_at)
    for part, take in enumerate(takes, count):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, "hold", -take.points, lot, None, "hold", programme, ends_at)
    return 2 * count


def _settled(at: At, event: e.HoldSettled, out: Out) -> None:
    when, number = event.captured_at, event.programme
    part = 0
    if not event.late:
        held = _joined((*event.takes, *event.back))
        part = _unheld(out, at, held, event.ends_at, when, number)
    for take in event.takes:
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, "redeem", -take.points, lot, None, "cash", number, when)
        part += 1
    if event.arrears:
        _movement(out, at, part, "arrears", -event.arrears, NO_LOT, None, "cash", number, when)


def _joined(takes: Sequence[Take]) -> list[Take]:
    sums: dict[tuple[int, int, int], int] = {}
    for take in takes:
        key = (take.activates_at, take.expires_at, take.origin)
        sums[key] = sums.get(key, 0) + take.points
    return [Take(*key, points) for key, points in sums.items()]


def _released(at: At, event: e.HoldReleased, out: Out) -> None:
    if event.how == e.HOLD_RELEASED:
        _unheld(out, at, event.takes, event.ends_at, event.captured_at, 0)


def _expired(at: At, event: e.PointsExpired, out: Out) -> None:
    for part, take in enumerate(event.takes):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, "expire", -take.points, lot, None, "expired", 0, take.expires_at)


def _slid(at: At, event: e.LotsSlid, out: Out) -> None:
    rest = (None, "activity", event.programme, event.captured_at)
    _taken(out, at, "slide", event.takes, *rest)
    moved = [take._replace(expires_at=event.expires_at) for take in event.takes]
    _put(out, at, "slide", moved, *rest, first=len(moved))


def _rebated(at: At, event: e.RebateGranted, out: Out) -> None:
    lot = (event.activates_at, event.expires_at, e.ORIGIN_BONUS)
    rest = (None, f"rebate {event.year}", event.programme, event.captured_at)
    _gained(out, at, "earn", event.points, event.repaid, lot, *rest)


def _adjusted(at: At, event: e.PointsAdjusted, out: Out) -> None:
    rest = (None, f"{event.reason} ({event.author})", event.programme, event.captured_at)
    lot = (event.activates_at, event.expires_at, e.ORIGIN_ADJUSTMENT)
    _taken(out, at, "adjust_out", event.takes, *rest)
    if event.points > 0:
        _gained(out, at, "adjust_in", event.points, event.repaid, lot, *rest)


def _compensated(at: At, event: e.ComplaintResolved, out: Out) -> None:
    lot = (event.activates_at, event.expires_at, e.ORIGIN_COMPENSATION)
    rest = (None, f"complaint ({event.author})", event.programme, event.captured_at)
    _gained(out, at, "adjust_in", event.points, event.repaid, lot, *rest)


POINTS = Projection(
    "points",
    3,
    (FCT_POINTS_MOVEMENT,),
    {
        e.ReceiptScanned: _scanned,
        e.ReceiptAttributed: _attributed,
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
        e.LotsSlid: _slid,
        e.RebateGranted: _rebated,
        e.PointsAdjusted: _adjusted,
        e.ComplaintResolved: _compensated,
    },
)
