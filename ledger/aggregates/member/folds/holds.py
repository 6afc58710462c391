"""What holds do to a member's points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.holders import spent_by
from ledger.aggregates.member.state import Hold, Member, put_all, taken, unexpired
from ledger.types import Take


def _held(m: Member, event: e.PointsHeld) -> Member:
    hold = Hold(event.hold, event.takes, event.ends_at, event.card, event.day)
    m = spent_by(m, event.card, event.day, event.points)
    return replace(m, lots=taken(m.lots, event.takes), holds=(*m.holds, hold))


def _settled(m: Member, event: e.HoldSettled) -> Member:
    paid = sum(take.points for take in event.takes + event.unexpired)
    if event.late:  # it was recorded as expired: what pays is taken from the lots again
        m = unexpired(replace(m, lots=taken(m.lots, event.takes)), event.unexpired)
    else:
        m = put_all(_without(m, event.hold, event.back), event.back)
    return replace(m, redeemed=m.redeemed + paid + event.arrears, arrears=m.arrears + event.arrears)


def _released(m: Member, event: e.HoldReleased) -> Member:
    return put_all(_without(m, event.hold, event.takes), event.takes)


def _without(m: Member, hold: bytes, back: Iterable[Take]) -> Member:
    """The member without a hold; what goes back does not count to the card's limit."""
    held = next((known for known in m.holds if known.id == hold), None)
    if held and held.card >= 0 and m.cards[held.card].day == held.day:
        m = spent_by(m, held.card, held.day, -sum(take.points for take in back))
    return replace(m, holds=tuple(known for known in m.holds if known.id != hold))


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.PointsHeld: _held,
    e.HoldSettled: _settled,
    e.HoldReleased: _released,
}
