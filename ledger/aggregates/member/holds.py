"""Deciding about points that are reserved."""

from __future__ import annotations

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.points import Payment, cash_paid
from ledger.aggregates.member.state import Hold, Member, taken
from ledger.errors import AmountInvalid, HoldUnknown
from ledger.policies.burn import available, joined, less, restored, take_in_order, within
from ledger.policies.redeem import cash_value
from ledger.types import Instant

MINUTE_SECONDS = 60


def hold(
    member: Member, points: int, minutes: int, rules: Rules, at: Instant,
    ids: tuple[bytes, str], payment: Payment,
) -> e.PointsHeld:  # fmt: skip
    """Reserve points for so many minutes (0: as long as the programme lets).

    Raises:
        AmountInvalid: nothing is asked, or for longer than the programme lets.
        RedeemNotOffered, RedeemStep, RedeemShare, PointsShort: as for a redemption.
    """
    most = rules.programme.redeem.hold_minutes
    if not 0 <= minutes <= most:
        msg = f"{minutes} minutes asked, {most} at most."
        raise AmountInvalid(msg, field="minutes")
    _, takes = cash_paid(member, points, rules, at, payment.basket_minor)
    ends_at = at + (minutes or most) * MINUTE_SECONDS
    stream, command = ids
    return e.PointsHeld(
        at, stream, points, takes, ends_at, payment.store, rules.number, command, payment.card
    )


def settle(held: Hold, points: int, rules: Rules, at: Instant, payment: Payment) -> e.HoldSettled:
    """Pay out a hold, in part or whole: soonest expiry first, whatever expired meanwhile.

    Raises:
        AmountInvalid: more than is held, or nothing.
        RedeemStep, RedeemShare: as for a redemption.
    """
    whole = sum(take.points for take in held.takes)
    _within(points, whole)
    value = cash_value(rules.programme.redeem, points, payment.basket_minor, whole)
    back = restored(held.takes, whole - points)
    paid = restored(tuple(reversed(held.takes)), points)
    return e.HoldSettled(at, held.id, paid, back, value, held.ends_at, payment.store, rules.number)


def settle_late(
    member: Member, held: e.PointsHeld, points: int, rules: Rules, at: tuple[Instant, Instant],
    payment: Payment,
) -> e.HoldSettled:  # fmt: skip
    """Pay out a hold whose expiry is recorded though the till settled in time.

    Its own lots pay, as they would have in time, expired or not; then what else is there; the
    rest is owed. `at` is when the till settled, and the ledger's present.
    """
    captured_at, now = at
    _within(points, held.points)
    value = cash_value(rules.programme.redeem, points, payment.basket_minor, held.points)
    pinned = restored(tuple(reversed(held.takes)), points)
    own = within(pinned, member.lots)
    unexpired = within(less(pinned, own), member.written)
    lots = taken(member.lots, own)
    usable = [lot for lot in lots if lot.activates_at <= now < lot.expires_at]
    short = points - sum(take.points for take in own + unexpired)
    others = take_in_order(usable, short)
    short -= sum(take.points for take in others)
    return e.HoldSettled(
        captured_at, held.hold, joined(own + others), (), value, held.ends_at, payment.store,
        rules.number, short, late=True, unexpired=unexpired, held=held.takes,
    )  # fmt: skip


def released(held: Hold, at: Instant, how: int) -> e.HoldReleased:
    """Give a hold up."""
    return e.HoldReleased(at, held.id, held.takes, held.ends_at, how)


def hold_of(member: Member, stream: bytes) -> Hold:
    """The open hold of a member.

    Raises:
        HoldUnknown: there is none.
    """
    for known in member.holds:
        if known.id == stream:
            return known
    raise HoldUnknown(field="hold")


def over(member: Member, now: Instant) -> tuple[Hold, ...]:
    """The holds whose time is over, though nobody recorded it."""
    return tuple(held for held in member.holds if held.ends_at <= now)


def usable(member: Member, now: Instant) -> int:
    """Points that can be used now: of the lots, and of holds whose time is over."""
    back = [take for held in over(member, now) for take in held.takes]
    return available(member.lots, now) + sum(
        take.points for take in back if take.activates_at <= now < take.expires_at
    )


def _within(points: int, whole: int) -> None:
    if not 0 < points <= whole:
        msg = f"{points} asked, {whole} held."
        raise AmountInvalid(msg, field="points")
