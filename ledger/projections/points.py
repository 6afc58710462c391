"""Every movement of points: what moved, in which lot, why, under which programme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger import events as e
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.store import keys
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
            e.origin_name(origin) if origin >= 0 else None, receipt, reason, programme, captured_at,
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
    if award.review:
        _movement(out, at, 2, "review", -award.review, lot, receipt, "", award.programme,
                  captured_at)  # fmt: skip


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    _award(out, at, event.award, out.receipt_id(event.scan), event.scan.captured_at)


def _attributed(at: At, event: e.ReceiptAttributed, out: Out) -> None:
    _award(out, at, event.award, event.receipt, event.captured_at)


def _granted(at: At, event: e.BonusGranted, out: Out) -> None:
    lot = (event.activates_at, event.expires_at, e.ORIGIN_BONUS)
    rest = (None, event.rule, event.programme, event.captured_at)
    _gained(out, at, "earn", event.points, event.repaid, lot, *rest)


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    rest = (event.receipt, "return", event.programme, event.captured_at)
    _taken(out, at, "reverse", event.takes, *rest)
    if event.arrears:
        _movement(out, at, len(event.takes), "arrears", -event.arrears, NO_LOT, *rest)
    _review_ended(out, at, len(event.takes) + 1, event.from_review, *rest)


def _review_ended(out: Out, at: At, part: int, points: int, *rest: Any) -> None:
    """Points that waited are taken back: they wait no more, and are gone."""
    if points:
        _movement(out, at, part, "review", points, NO_LOT, *rest)
        _movement(out, at, part + 1, "reverse", -points, NO_LOT, *rest)


def _approved(at: At, event: e.ReviewApproved, out: Out) -> None:
    lot = (event.activates_at, event.expires_at, e.ORIGIN_SCAN)
    rest = (event.receipt, _why(event), event.programme, event.captured_at)
    _gained(out, at, "approve", event.points, event.repaid, lot, *rest)


def _denied(at: At, event: e.ReviewDenied, out: Out) -> None:
    rest = (event.receipt, _why(event), event.programme, event.captured_at)
    _review_ended(out, at, 0, event.points, *rest)


def _why(event: e.ReviewApproved | e.ReviewDenied | e.PointsAdjusted) -> str:
    return f"{event.reason} ({event.author})"


def _redeemed(at: At, event: e.PointsRedeemed, out: Out) -> None:
    reason = " ".join(filter(None, (event.gift, event.variant))) or "cash"
    rest = (reason, event.programme, event.captured_at)
    _paid(out, at, 0, (event.takes, event.unexpired, event.arrears), *rest)


def _paid(
    out: Out, at: At, part: int, paid: tuple[Sequence[Take], Sequence[Take], int], reason: str,
    programme: int, when: Instant,
) -> None:  # fmt: skip
    """Lots that paid, those among them whose recorded expiry is undone, and what is owed."""
    takes, unexpired, arrears = paid
    for take in unexpired:
        lot = (take.activates_at, take.expires_at, take.origin)
        at_end = (None, reason, programme, take.expires_at)
        _movement(out, at, part, "expire", take.points, lot, *at_end)
        part += 1
    rest = (None, reason, programme, when)
    for take in _joined((*takes, *unexpired)):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, "redeem", -take.points, lot, *rest)
        part += 1
    if arrears:
        _movement(out, at, part, "arrears", -arrears, NO_LOT, *rest)


def _put(out: Out, at: At, kind: str, takes: Sequence[Take], *rest: Any, first: int = 0) -> None:
    for part, take in enumerate(takes, first):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, kind, take.points, lot, *rest)


def _voided(at: At, event: e.ReturnVoided, out: Out) -> None:
    rest = (event.receipt, "return voided", event.programme, event.captured_at)
    _put(out, at, "reinstate", event.puts, *rest)
    if event.arrears:
        _movement(out, at, len(event.puts), "arrears", event.arrears, NO_LOT, *rest)
    if event.to_review:
        part = len(event.puts) + 1
        _movement(out, at, part, "reinstate", event.to_review, NO_LOT, *rest)
        _movement(out, at, part + 1, "review", -event.to_review, NO_LOT, *rest)


def _loose(at: At, event: e.GoodsReturnedLoose, out: Out) -> None:
    rest = (None, "return without receipt", event.programme, event.captured_at)
    _taken(out, at, "reverse", event.takes, *rest)
    if event.arrears:
        _movement(out, at, len(event.takes), "arrears", -event.arrears, NO_LOT, *rest)


def _restored(at: At, event: e.PointsRestored, out: Out) -> None:
    who = f" ({event.author})" if event.author else ""
    rest = (event.receipt or None, f"{event.reason}{who}", event.programme, event.captured_at)
    _put(out, at, "restore", event.takes, *rest)
    if event.arrears:
        _movement(out, at, len(event.takes), "arrears", event.arrears, NO_LOT, *rest)


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
    held = event.held if event.late else _joined((*event.takes, *event.back))
    part = _unheld(out, at, held, event.ends_at, when, number)
    _paid(out, at, part, (event.takes, event.unexpired, event.arrears), "cash", number, when)


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
    rest = (None, _why(event), event.programme, event.captured_at)
    lot = (event.activates_at, event.expires_at, e.ORIGIN_ADJUSTMENT)
    _taken(out, at, "adjust_out", event.takes, *rest)
    if event.points > 0:
        _gained(out, at, "adjust_in", event.points, event.repaid, lot, *rest)


def _compensated(at: At, event: e.ComplaintResolved, out: Out) -> None:
    lot = (event.activates_at, event.expires_at, e.ORIGIN_COMPENSATION)
    rest = (None, f"complaint ({event.author})", event.programme, event.captured_at)
    _gained(out, at, "adjust_in", event.points, event.repaid, lot, *rest)


def _moved(out: Out, at: At, kind: str, takes: Sequence[Take], arrears: int, *rest: Any) -> None:
    """Lots that went (or came, `transfer_in`), and a debt that went (came: below zero)."""
    sign = 1 if kind == "transfer_in" else -1
    for part, take in enumerate(takes):
        lot = (take.activates_at, take.expires_at, take.origin)
        _movement(out, at, part, kind, sign * take.points, lot, *rest)
    if arrears:
        _movement(out, at, len(takes), "arrears", arrears, NO_LOT, *rest)


def _merged_away(at: At, event: e.MergedAway, out: Out) -> None:
    rest = (None, f"merge: {event.reason} ({event.author})", event.programme, event.captured_at)
    _moved(out, at, "transfer_out", event.takes, event.arrears, *rest)


def _merged_in(at: At, event: e.MergedIn, out: Out) -> None:
    rest = (None, f"merge: {event.reason} ({event.author})", event.programme, event.captured_at)
    _moved(out, at, "transfer_in", event.takes, -event.arrears, *rest)


def _merge_undone(at: At, event: e.MergeUndone, out: Out) -> None:
    rest = (None, f"merge undone ({event.author})", event.programme, event.captured_at)
    _moved(out, at, "transfer_out", event.takes, event.arrears, *rest)


def _parted(at: At, event: e.PartedAgain, out: Out) -> None:
    rest = (None, f"merge undone ({event.author})", event.programme, event.captured_at)
    _moved(out, at, "transfer_in", event.takes, -event.arrears, *rest)


def _sent(at: At, event: e.PointsSent, out: Out) -> None:
    _taken(
        out, at, "transfer_out", event.takes, None, "transfer", event.programme, event.captured_at
    )


def _received(at: At, event: e.PointsReceived, out: Out) -> None:
    rest = (None, "transfer", event.programme, event.captured_at)
    _moved(out, at, "transfer_in", event.lots, 0, *rest)
    for part, (lot, repaid) in enumerate(
        zip(event.lots, event.repaid, strict=False), len(event.lots)
    ):
        if repaid:
            key = (lot.activates_at, lot.expires_at, lot.origin)
            _movement(out, at, part, "repay", -repaid, key, *rest)


def _closed(at: At, event: e.MemberClosed, out: Out) -> None:
    rest = (None, f"closed: {event.reason} ({event.author})", event.programme, event.captured_at)
    _taken(out, at, "adjust_out", event.takes, *rest)
    if event.arrears:  # what is owed is given, and repays at once
        part = len(event.takes)
        _movement(out, at, part, "adjust_in", event.arrears, NO_LOT, *rest)
        _movement(out, at, part + 1, "repay", -event.arrears, NO_LOT, *rest)


POINTS = Projection(
    "points",
    4,
    (FCT_POINTS_MOVEMENT,),
    {
        e.ReceiptScanned: _scanned,
        e.ReceiptAttributed: _attributed,
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
        e.LotsSlid: _slid,
        e.RebateGranted: _rebated,
        e.PointsAdjusted: _adjusted,
        e.ComplaintResolved: _compensated,
        e.ReviewApproved: _approved,
        e.ReviewDenied: _denied,
        e.MergedAway: _merged_away,
        e.MergedIn: _merged_in,
        e.MergeUndone: _merge_undone,
        e.PartedAgain: _parted,
        e.PointsSent: _sent,
        e.PointsReceived: _received,
        e.MemberClosed: _closed,
    },
    keys.MEMBER,
)
