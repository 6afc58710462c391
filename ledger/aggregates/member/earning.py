"""Deciding what a receipt earns a member, and whether it changes the member's tier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.rules import Rules
from ledger.aggregates.member.standing import counts, multiplier_at, tier_change
from ledger.aggregates.member.state import Member
from ledger.errors import AmountInvalid
from ledger.policies.basket import Basket, eligible
from ledger.policies.earn import Earned, earn
from ledger.policies.earn.birthday import birthday_year
from ledger.policies.expiry import lot_dates
from ledger.programme import Programme
from ledger.types import MOST_POINTS, Day, Instant, Line, Tender

__all__ = ["Rules", "Shopping", "award"]


class Shopping(NamedTuple):
    """A receipt as the decision needs it."""

    lines: Sequence[Line]
    tenders: Sequence[Tender]
    day: Day
    captured_at: Instant


def award(
    member: Member, card: int, shopping: Shopping, rules: Rules, born: dt.date | None
) -> tuple[e.Award, e.TierChanged | None]:
    """The award for a receipt, and the tier change it brings, if it does.

    The tier and the birthday are judged on the day it was captured.

    Raises:
        AmountInvalid: it would earn more than `MOST_POINTS`.
    """
    programme = rules.programme
    year = _birthday_year(member, programme, shopping.day, born)
    amounts = eligible(programme.earn, shopping.lines, shopping.tenders)

    def earned_at(multiplier_bp: int) -> Earned:
        return earn(
            Basket(programme.earn, shopping.lines, amounts, shopping.day, multiplier_bp, bool(year))
        )

    def counted(earned: Earned) -> int:
        return counts(programme, sum(earned.points), amounts)

    earned = earned_at(_multiplier(member, programme, shopping))
    if programme.tiers and programme.tiers.taken == "after":
        earned = earned_at(_multiplier(member, programme, shopping, counted(earned)))
    total = sum(earned.points)
    qualifying = counted(earned)
    if total > MOST_POINTS:
        msg = f"It would earn {total} points, {MOST_POINTS} at most."
        raise AmountInvalid(msg, field="lines")
    activates_at, expires_at = lot_dates(
        programme.lots, shopping.day, programme.time_zone, programme.returns.window_days
    )
    got = e.Award(
        card=card,
        programme=rules.number,
        points=tuple(earned.points) if total else (),
        activates_at=activates_at,
        expires_at=expires_at,
        qualifying=qualifying,
        repaid=min(member.arrears, total),
        rules=earned.rules,
        birthday_year=year if total else 0,
    )
    return got, tier_change(member, rules, shopping.day, shopping.captured_at, qualifying)


def _multiplier(member: Member, programme: Programme, shopping: Shopping, plus: int = 0) -> int:
    return multiplier_at(member, programme, shopping.day, shopping.captured_at, plus)


def _birthday_year(member: Member, programme: Programme, day: Day, born: dt.date | None) -> int:
    rule = programme.earn.birthday
    if rule is None or born is None:
        return 0
    year = birthday_year(rule, born, day)
    return year if year > member.birthday_year else 0
