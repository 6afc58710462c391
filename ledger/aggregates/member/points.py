"""Deciding what takes points or gives them outside a receipt."""

from __future__ import annotations

from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.state import Member
from ledger.errors import (
    AmountInvalid,
    CompensationTooLarge,
    ComplaintUnknown,
    InputInvalid,
    PointsShort,
)
from ledger.policies.burn import available, burn
from ledger.policies.expiry import lot_dates
from ledger.policies.redeem import cash_value, gift_of, most_below, voucher_of, would_do
from ledger.types import MOST_POINTS, Day, Instant, Take


class Act(NamedTuple):
    """Who did something when, under which command id."""

    at: Instant
    day: Day
    command: str
    author: str = ""


class Payment(NamedTuple):
    """What a till or a desk asks to be paid with points."""

    store: str = ""
    card: int = -1
    basket_minor: int = 0


def redeem_cash(
    member: Member, points: int, rules: Rules, act: Act, payment: Payment
) -> e.PointsRedeemed:
    """Points as money off.

    Raises:
        AmountInvalid: nothing or less is asked.
        RedeemNotOffered: the programme gives no cash.
        RedeemStep: below the minimum or between steps.
        RedeemShare: more of the basket than may be paid.
        PointsShort: not enough available; says the most that would do.
    """
    value, takes = cash_paid(member, points, rules, act.at, payment.basket_minor)
    return e.PointsRedeemed(
        act.at, points, takes, value, "", payment.store, rules.number, act.command, payment.card
    )


def cash_paid(
    member: Member, points: int, rules: Rules, at: Instant, basket_minor: int = 0
) -> tuple[int, tuple[Take, ...]]:
    """What points are worth, and the lots that pay; refuses as `redeem_cash` does."""
    _above_zero(points)
    there = available(member.lots, at)
    value = cash_value(rules.programme.redeem, points, basket_minor, there)
    cash = rules.programme.redeem.cash
    if cash and there < points:
        msg = f"{points} asked, {there} available; {would_do(most_below(cash, there))}."
        raise PointsShort(msg, field="points")
    return value, burn(member.lots, points, at)


def redeem_gift(
    member: Member, gift: tuple[str, str], rules: Rules, act: Act, payment: Payment
) -> e.PointsRedeemed:
    """Points for a gift, by code and variant.

    Raises:
        RedeemNotOffered: there is no such gift.
        PointsShort: not enough available.
    """
    code, variant = gift
    points = gift_of(rules.programme.redeem, code, variant).points
    takes = burn(member.lots, points, act.at)
    return e.PointsRedeemed(
        act.at, points, takes, 0, code, payment.store, rules.number, act.command, payment.card,
        variant,
    )  # fmt: skip


def redeem_voucher(
    member: Member, voucher: tuple[str, bytes], rules: Rules, act: Act, payment: Payment
) -> e.PointsRedeemed:
    """Points for a voucher, by its kind and its stream; it is money off only once it is used.

    Raises:
        RedeemNotOffered: there is no such voucher.
        PointsShort: not enough available.
    """
    code, stream = voucher
    points = voucher_of(rules.programme.redeem, code).points
    takes = burn(member.lots, points, act.at)
    return e.PointsRedeemed(
        act.at, points, takes, 0, code, payment.store, rules.number, act.command, payment.card,
        "", stream,
    )  # fmt: skip


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


def _dates(rules: Rules, day: Day) -> tuple[Instant, Instant]:
    """Points given by hand can be used at once and last as long as earned ones."""
    _, expires_at = lot_dates(rules.programme.lots, day, rules.programme.time_zone)
    return 0, expires_at


def _above_zero(points: int) -> None:
    if points <= 0:
        raise AmountInvalid(field="points")
