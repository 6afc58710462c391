"""Deciding what may be spent without asking, and what pays for it once it is told."""

from __future__ import annotations

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.points import Act, Payment
from ledger.aggregates.member.state import Member
from ledger.errors import AllowanceSpent, AmountInvalid
from ledger.policies.burn import available
from ledger.policies.expiry import lot_dates
from ledger.policies.offline import check_allowance, pay_late
from ledger.policies.redeem import cash_value
from ledger.types import Instant, Take


def open_points(member: Member, now: Instant, card: bytes = b"") -> int:
    """Points that may be spent offline now, as far as it is known; with one card, or with all."""
    holding = (one for one in member.allowances if one.until > now)
    return sum(one.points for one in holding if card in (b"", one.card))


def check_may_allow(member: Member, points: int, beside: int, rules: Rules, now: Instant) -> None:
    """Make sure that so many more points may be spent offline, `beside` others that may be.

    Raises:
        AllowanceNotOffered, AmountInvalid, AllowanceLimit: see the policy.
    """
    there = available(member.lots, now)
    check_allowance(rules.programme.redeem, points, there, beside)


def redeem_late(
    member: Member, issued: e.AllowanceIssued, asked: tuple[int, int], rules: Rules, act: Act,
    now: Instant, payment: Payment,
) -> e.PointsRedeemed:  # fmt: skip
    """Points as money off that a till gave at `act.at`; what is not there any more is owed.

    `asked` is how many points, and how many were left of the allowance; `rules` are those of its
    issue.

    Raises:
        AmountInvalid: nothing or less was spent.
        AllowanceSpent: more than was left.
        RedeemStep, RedeemShare: as for a redemption.
    """
    points, left = asked
    if points <= 0:
        raise AmountInvalid(field="points")
    if points > left:
        raise AllowanceSpent(f"{points} asked, {left} left.", field="points")
    redeem = rules.programme.redeem
    value = cash_value(redeem, points, payment.basket_minor, left)
    paid = pay_late(member.lots, member.written, points, act.at, now)
    redeemed = e.PointsRedeemed(
        act.at, points, paid.takes, value, "", payment.store, rules.number, act.command,
        payment.card, day=act.day, allowance=issued.allowance, unexpired=paid.unexpired,
    )  # fmt: skip
    if not paid.short:
        return redeemed
    _, expires_at = lot_dates(rules.programme.lots, act.day, rules.programme.time_zone)
    owed_as = (Take(0, expires_at, e.ORIGIN_ADJUSTMENT, paid.short),)
    return replace(redeemed, arrears=paid.short, owed_as=owed_as)
