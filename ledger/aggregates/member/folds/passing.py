"""What recording the passing of time does to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import WRITTEN_KEPT, Lot, Member, put, taken
from ledger.policies.burn import joined
from ledger.types import Take


def _expired(m: Member, event: e.PointsExpired) -> Member:
    points = sum(take.points for take in event.takes)
    kept = [lot for lot in m.written if lot.expires_at > event.until - WRITTEN_KEPT]
    return replace(
        m,
        lots=taken(m.lots, event.takes),
        expired=m.expired + points,
        lapsed=m.lapsed + points,
        written=tuple(Lot(*take) for take in joined((*map(_take, kept), *event.takes))),
        written_until=max(m.written_until, event.until),
    )


def _take(lot: Lot) -> Take:
    return Take(lot.activates_at, lot.expires_at, lot.origin, lot.points)


def _activated(m: Member, event: e.PointsActivated) -> Member:
    return replace(m, activated_until=event.until)


def _slid(m: Member, event: e.LotsSlid) -> Member:
    m = replace(
        m,
        lots=taken(m.lots, event.takes),
        slid_since=event.since,
        slid_until=event.expires_at,
    )
    for take in event.takes:
        m = put(m, take.activates_at, event.expires_at, take.origin, take.points)
    return m


def _rebated(m: Member, event: e.RebateGranted) -> Member:
    points = event.points - event.repaid
    m = put(m, event.activates_at, event.expires_at, e.ORIGIN_BONUS, points)
    return replace(
        m,
        earned=m.earned + event.points,
        arrears=m.arrears - event.repaid,
        rebate_year=event.year,
    )


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.PointsExpired: _expired,
    e.PointsActivated: _activated,
    e.LotsSlid: _slid,
    e.RebateGranted: _rebated,
}
