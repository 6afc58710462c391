"""Deciding how the points of returned goods go back, and how a voided return undoes that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.merging import here
from ledger.aggregates.member.state import Lot, Member, carried
from ledger.errors import PointsSpent
from ledger.policies.burn import joined, less, restored, take_in_order
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
    origin: int = e.ORIGIN_SCAN,
) -> Reversal:
    """Take back points of an award: from its own lot, then from what else is there.

    Points that have expired are gone already, so nothing is taken for them.

    Raises:
        PointsSpent: they are spent, and the programme refuses such returns.
    """
    if points == 0:
        return Reversal((), 0, 0)
    expires_at = carried(member, awarded.expires_at)
    if expires_at <= max(now, member.lapsed_until, member.written_until):
        return Reversal((), 0, points)
    own = {(awarded.activates_at, end, origin) for end in (awarded.expires_at, expires_at)}
    return _take(_first(member.lots, own, now), points, rules, may_refuse=may_refuse)


def reverse_loose(
    member: Member, points: int, rules: Rules, now: Instant, *, may_refuse: bool = True
) -> Reversal:
    """Take points back that no award is known for: as a redemption would, soonest expiry first.

    Raises:
        PointsSpent: they are spent, and the programme refuses such returns.
    """
    return _take(_first(member.lots, set(), now), points, rules, may_refuse=may_refuse)


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
    member: Member,
    took: e.GoodsReturned,
    awarded: e.Award,
    points: int,
    origin: int = e.ORIGIN_SCAN,
) -> Reinstatement:
    """Give back `points` of what a return took: to the lots it took from, then off the arrears.

    Arrears that were repaid meanwhile come back as points of the award's lot. What the return
    let go, because it had expired or was spent, stays gone.
    """
    puts = moved(member, restored(tuple(reversed(took.takes)), points))
    rest = points - sum(put.points for put in puts)
    owed = min(rest, took.arrears)
    # Counting on the running sum can move one point between two returns of a line.
    surplus = max(0, rest - took.arrears - took.forgiven)
    off = min(owed, member.arrears)
    put = owed - off + surplus
    if put:
        expires_at = carried(member, awarded.expires_at)
        puts = joined((*puts, Take(awarded.activates_at, expires_at, origin, put)))
    return Reinstatement(puts, off, sum(take.points for take in puts) + off)


def moved(member: Member, takes: Sequence[Take]) -> tuple[Take, ...]:
    """Parts of lots where they lie now, if activity has made the lots last longer since."""
    return joined(t._replace(expires_at=carried(member, t.expires_at)) for t in takes)


class Payment(NamedTuple):
    """How a redemption was paid: from which lots, and how much of it is or was owed."""

    takes: tuple[Take, ...]
    owed: int = 0
    held: tuple[Take, ...] = ()
    """Where the owed points were to come from."""


def paid_here(member: Member, source: bytes, paid: Payment) -> Payment:
    """A payment that another member made, merged since, as its lots are known here."""
    return paid._replace(
        takes=here(member, source, paid.takes), held=here(member, source, paid.held)
    )


def give_back(
    member: Member, paid: Payment, before: int, after: int
) -> tuple[tuple[Take, ...], int]:
    """What goes back of a burn when so many of its points are restored in all, not so many.

    What is owed is cancelled first; where it was repaid meanwhile, points come back instead.
    """
    owed = paid.owed
    takes = less(
        restored(paid.takes, max(0, after - owed)), restored(paid.takes, max(0, before - owed))
    )
    debt = min(after, owed) - min(before, owed)
    off = min(debt, member.arrears)
    if debt > off:
        takes = joined((*takes, paid.held[-1]._replace(points=debt - off)))
    return moved(member, takes), off


class Retaking(NamedTuple):
    """How restored points are burned again."""

    takes: tuple[Take, ...]
    arrears: int
    gone: tuple[Take, ...]
    """What had expired in between: it counts as redeemed and not as expired, from no lot."""


def retake(member: Member, paid: Payment, before: int, after: int, now: Instant) -> Retaking:
    """Burn again what was restored: from the lots it went to, then from others; the rest is owed.

    Nothing is taken for what has expired, whether or not somebody recorded that it has.
    """
    back, _ = give_back(member, paid, after, before)
    gone = tuple(take for take in back if take.expires_at <= now)
    points = before - after - sum(take.points for take in gone)
    own = {take[:3] for take in back if take.expires_at > now}
    takes = take_in_order(_first(member.lots, own, now), points)
    return Retaking(takes, points - sum(take.points for take in takes), gone)
