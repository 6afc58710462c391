"""Deciding how the points of returned goods go back, and how a voided return undoes that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.state import Lot, Member
from ledger.errors import PointsSpent
from ledger.policies.burn import less, restored, take_in_order
from ledger.types import Instant, Take


class Reversal(NamedTuple):
    """How points are taken back."""

    takes: tuple[Take, ...]
    arrears: int
    forgiven: int


def reverse(
    member: Member,
    awarded: e.Award,
    points: int,
    rules: Rules,
    now: Instant,
    *,
    may_refuse: bool = True,
) -> Reversal:
    """Take back points of an award: from its own lot, then from what else is there.

    Points that have expired are gone already, so nothing is taken for them.

    Raises:
        PointsSpent: they are spent, and the programme refuses such returns.
    """
    if points == 0:
        return Reversal((), 0, 0)
    expires_at = lasts_until(member, awarded)
    if expires_at <= max(now, member.lapsed_until):
        return Reversal((), 0, points)
    own = (awarded.activates_at, expires_at, e.ORIGIN_SCAN)
    return _take(_first(member.lots, {own}, now), points, rules, may_refuse=may_refuse)


def lasts_until(member: Member, awarded: e.Award) -> Instant:
    """When the points of an award expire, as activity has moved it since."""
    if member.slid_since and awarded.expires_at > member.slid_since:
        return max(awarded.expires_at, member.slid_until)
    return awarded.expires_at


def reverse_loose(member: Member, points: int, rules: Rules, now: Instant) -> Reversal:
    """Take points back that no award is known for: as a redemption would, soonest expiry first.

    Raises:
        PointsSpent: they are spent, and the programme refuses such returns.
    """
    return _take(_first(member.lots, set(), now), points, rules)


def _take(lots: Sequence[Lot], points: int, rules: Rules, *, may_refuse: bool = True) -> Reversal:
    takes = take_in_order(lots, points)
    short = points - sum(take.points for take in takes)
    when_spent = rules.programme.returns.when_spent
    if short and when_spent == "refuse" and may_refuse:
        msg = f"{points} to take back, {points - short} there."
        raise PointsSpent(msg)
    forgiven = short if when_spent == "take" else 0
    return Reversal(takes, short - forgiven, forgiven)


def _first(lots: Sequence[Lot], own: set[tuple[int, int, int]], now: Instant) -> list[Lot]:
    """The lots of these keys, whatever their dates, and then those that can be used now."""
    first, rest = [], []
    for lot in lots:
        if (lot.activates_at, lot.expires_at, lot.origin) in own:
            first.append(lot)
        elif lot.activates_at <= now < lot.expires_at:
            rest.append(lot)
    return first + rest


class Reinstatement(NamedTuple):
    """How points that a return took come back."""

    puts: tuple[Take, ...]
    arrears: int
    reinstated: int


def reinstate(
    member: Member, took: e.GoodsReturned, awarded: e.Award, points: int
) -> Reinstatement:
    """Give back `points` of what a return took: to the lots it took from, then off the arrears.

    Arrears that were repaid meanwhile come back as points of the award's lot. What the return
    let go, because it had expired or was spent, stays gone.
    """
    puts = restored(tuple(reversed(took.takes)), points)
    rest = points - sum(put.points for put in puts)
    owed = min(rest, took.arrears)
    # Counting on the running sum can move one point between two returns of a line.
    surplus = max(0, rest - took.arrears - took.forgiven)
    off = min(owed, member.arrears)
    put = owed - off + surplus
    if put:
        puts = _joined(
            (*puts, Take(awarded.activates_at, lasts_until(member, awarded), e.ORIGIN_SCAN, put))
        )
    return Reinstatement(puts, off, sum(take.points for take in puts) + off)


def _joined(takes: tuple[Take, ...]) -> tuple[Take, ...]:
    sums: dict[tuple[int, int, int], int] = {}
    for take in takes:
        key = (take.activates_at, take.expires_at, take.origin)
        sums[key] = sums.get(key, 0) + take.points
    return tuple(Take(*key, points) for key, points in sums.items())


def give_back(paid: Sequence[Take], before: int, after: int) -> tuple[Take, ...]:
    """What goes back of a burn when so many of its points are restored in all, not so many."""
    return less(restored(paid, after), restored(paid, before))


class Retaking(NamedTuple):
    """How restored points are burned again."""

    takes: tuple[Take, ...]
    arrears: int
    gone: tuple[Take, ...]
    """What had expired in between: it counts as redeemed and not as expired, from no lot."""


def retake(member: Member, paid: Sequence[Take], before: int, after: int, now: Instant) -> Retaking:
    """Burn again what was restored: from the lots it went to, then from others; the rest is owed.

    Nothing is taken for what has expired, whether or not somebody recorded that it has.
    """
    back = give_back(paid, after, before)
    gone = tuple(take for take in back if take.expires_at <= now)
    points = before - after - sum(take.points for take in gone)
    own = {take[:3] for take in back if take.expires_at > now}
    takes = take_in_order(_first(member.lots, own, now), points)
    return Retaking(takes, points - sum(take.points for take in takes), gone)
