"""What transfers do to a member's points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.holders import spent_by
from ledger.aggregates.member.state import Member, put, taken


def _sent(m: Member, event: e.PointsSent) -> Member:
    m = spent_by(m, event.card, event.day, event.points)
    return replace(
        m,
        lots=taken(m.lots, event.takes),
        transferred_out=m.transferred_out + event.points,
        sent_day=event.day,
        sent=event.points + (m.sent if m.sent_day == event.day else 0),
    )


def _received(m: Member, event: e.PointsReceived) -> Member:
    for lot, repaid in zip(event.lots, event.repaid, strict=False):
        m = put(m, lot.activates_at, lot.expires_at, lot.origin, lot.points - repaid)
    return replace(
        m,
        transferred_in=m.transferred_in + event.points,
        arrears=m.arrears - sum(event.repaid),
    )


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.PointsSent: _sent,
    e.PointsReceived: _received,
}
