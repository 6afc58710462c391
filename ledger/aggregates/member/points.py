"""Deciding what takes points or gives them outside a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.state import Lot, Member
from ledger.errors import (
    AmountInvalid,
    CompensationTooLarge,
    ComplaintUnknown,
    InputInvalid,
    PointsSpent,
)
from ledger.policies.burn import burn, cash_value, gift_of, take_in_order
from ledger.policies.expiry import lot_dates
from ledger.types import MOST_POINTS, Day, Instant, Take


class Act(NamedTuple):
    """Who did something when, under which command id."""

    at: Instant
    day: Day
    command: str
    author: str = ""
    store: str = ""


def redeem_cash(member: Member, points: int, rules: Rules, act: Act) -> e.PointsRedeemed:
    """Points as money off.

    Raises:
        AmountInvalid: nothing or less is asked.
        RedeemNotOffered: the programme gives no cash.
        RedeemStep: below the minimum or between steps.
        PointsShort: not enough available.
    """
    _above_zero(points)
    value = cash_value(rules.programme.redeem, points)
    takes = burn(member.lots, points, act.at)
    return e.PointsRedeemed(act.at, points, takes, value, "", act.store, rules.number, act.command)


def redeem_gift(member: Member, code: str, rules: Rules, act: Act) -> e.PointsRedeemed:
    """Points for a gift.

    Raises:
        RedeemNotOffered: there is no such gift.
        PointsShort: not enough available.
    """
    points = gift_of(rules.programme.redeem, code).points
    takes = burn(member.lots, points, act.at)
    return e.PointsRedeemed(act.at, points, takes, 0, code, act.store, rules.number, act.command)


def adjust(member: Member, points: int, reason: str, rules: Rules, act: Act) -> e.PointsAdjusted:
    """Points given or taken by staff.

    Raises:
        AmountInvalid: zero, or beyond `MOST_POINTS`.
        InputInvalid: no reason or author is given.
        PointsShort: more is taken than is available.
    """
    if not points:
        raise AmountInvalid(field="points")
    if abs(points) > MOST_POINTS:
        msg = f"{points} asked, {MOST_POINTS} at most."
        raise AmountInvalid(msg, field="points")
    if not reason or not act.author:
        msg = "An adjustment needs a reason and an author."
        raise InputInvalid(msg, field="author" if reason else "reason")
    if points < 0:
        takes = burn(member.lots, -points, act.at)
        return e.PointsAdjusted(
            act.at, points, takes, 0, 0, reason, act.author, rules.number, act.command
        )
    activates_at, expires_at = _dates(rules, act.day)
    repaid = min(member.arrears, points)
    return e.PointsAdjusted(
        act.at, points, (), activates_at, expires_at, reason, act.author, rules.number,
        act.command, repaid,
    )  # fmt: skip


def resolve(
    member: Member, complaint: bytes, resolution: str, points: int, rules: Rules, act: Act
) -> e.ComplaintResolved:
    """Close a complaint, with compensation in points or none.

    Raises:
        ComplaintUnknown: it is not open.
        AmountInvalid: less than nothing is given.
        CompensationTooLarge: above the programme's limit; says the limit.
    """
    open_complaint(member, complaint)
    if points < 0:
        raise AmountInvalid(field="points")
    limit = rules.programme.complaints.max_points
    if points > limit:
        msg = f"{points} asked, {limit} allowed."
        raise CompensationTooLarge(msg, field="points")
    activates_at, expires_at = _dates(rules, act.day)
    return e.ComplaintResolved(
        act.at, complaint, resolution, act.author, points, activates_at, expires_at,
        rules.number, min(member.arrears, points),
    )  # fmt: skip


def open_complaint(member: Member, complaint: bytes) -> None:
    """Make sure that a complaint is open.

    Raises:
        ComplaintUnknown: it is not.
    """
    if all(known.id != complaint for known in member.complaints):
        raise ComplaintUnknown(field="complaint")


class Reversal(NamedTuple):
    """How the points of returned goods are taken back."""

    takes: tuple[Take, ...]
    arrears: int
    forgiven: int


def reverse(
    member: Member, awarded: e.Award, points: int, rules: Rules, now: Instant,
    origin: int = e.ORIGIN_SCAN,
) -> Reversal:  # fmt: skip
    """Take back points of an award: from its own lot, then from what else is there.

    Points that have expired are gone already, so nothing is taken for them.

    Raises:
        PointsSpent: they are spent, and the programme refuses such returns.
    """
    if points == 0:
        return Reversal((), 0, 0)
    if awarded.expires_at <= max(now, member.lapsed_until):
        return Reversal((), 0, points)
    takes = take_in_order(_own_lot_first(member.lots, awarded, now, origin), points)
    short = points - sum(take.points for take in takes)
    when_spent = rules.programme.returns.when_spent
    if short and when_spent == "refuse":
        msg = f"{points} to take back, {points - short} there."
        raise PointsSpent(msg)
    return Reversal(
        takes, short if when_spent == "arrears" else 0, short if when_spent == "take" else 0
    )


def _own_lot_first(lots: Sequence[Lot], awarded: e.Award, now: Instant, origin: int) -> list[Lot]:
    own = (awarded.activates_at, awarded.expires_at, origin)
    first = [lot for lot in lots if (lot.activates_at, lot.expires_at, lot.origin) == own]
    rest = [
        lot for lot in lots
        if (lot.activates_at, lot.expires_at, lot.origin) != own
        and lot.activates_at <= now < lot.expires_at
    ]  # fmt: skip
    return first + rest


def _dates(rules: Rules, day: Day) -> tuple[Instant, Instant]:
    """Points given by hand can be used at once and last as long as earned ones."""
    _, expires_at = lot_dates(rules.programme.lots, day, rules.programme.time_zone)
    return 0, expires_at


def _above_zero(points: int) -> None:
    if points <= 0:
        raise AmountInvalid(field="points")
