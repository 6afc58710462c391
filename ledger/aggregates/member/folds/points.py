"""What redeeming, staff and compensation do to a member's points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.holders import spent_by
from ledger.aggregates.member.state import Member, put, put_all, taken, unexpired


def _redeemed(m: Member, event: e.PointsRedeemed) -> Member:
    m = spent_by(m, event.card, event.day, event.points)
    m = replace(m, lots=taken(m.lots, event.takes), redeemed=m.redeemed + event.points)
    return _offline(m, event) if event.allowance else m


def _offline(m: Member, event: e.PointsRedeemed) -> Member:
    m = unexpired(m, event.unexpired)
    known = (
        replace(one, points=one.points - event.points) if one.id == event.allowance else one
        for one in m.allowances
    )
    allowances = tuple(one for one in known if one.points)
    return replace(m, allowances=allowances, arrears=m.arrears + event.arrears)


def _restored(m: Member, event: e.PointsRestored) -> Member:
    points = sum(take.points for take in event.takes)
    return replace(
        put_all(m, event.takes),
        restored=m.restored + points + event.arrears,
        arrears=m.arrears - event.arrears,
    )


def _retaken(m: Member, event: e.PointsRetaken) -> Member:
    return replace(
        m,
        lots=taken(m.lots, event.takes),
        redeemed=m.redeemed + event.points,
        reinstated=m.reinstated + sum(take.points for take in event.gone),
        arrears=m.arrears + event.arrears,
    )


def _adjusted(m: Member, event: e.PointsAdjusted) -> Member:
    if event.points < 0:
        return replace(
            m, lots=taken(m.lots, event.takes), adjusted_out=m.adjusted_out - event.points
        )
    return given(m, event, e.ORIGIN_ADJUSTMENT)


def given(m: Member, event: e.PointsAdjusted | e.ComplaintResolved, origin: int) -> Member:
    """The member after points were given into a lot."""
    m = put(m, event.activates_at, event.expires_at, origin, event.points - event.repaid)
    return replace(
        m,
        adjusted_in=m.adjusted_in + event.points,
        arrears=m.arrears - event.repaid,
    )


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.PointsRedeemed: _redeemed,
    e.PointsRestored: _restored,
    e.PointsRetaken: _retaken,
    e.PointsAdjusted: _adjusted,
}
