"""Deciding what a receipt earns a member, and whether it changes the member's tier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.state import Member, carried
from ledger.errors import AmountInvalid
from ledger.policies import tier
from ledger.policies.basket import Basket, eligible
from ledger.policies.earn import Earned, earn
from ledger.policies.earn.birthday import birthday_year
from ledger.policies.expiry import lot_dates
from ledger.programme import ONE_BP, Programme
from ledger.types import MOST_POINTS, Day, Instant, Line, Tender


class Shopping(NamedTuple):
    """A receipt as the decision needs it."""

    lines: Sequence[Line]
    tenders: Sequence[Tender]
    day: Day
    captured_at: Instant


class Rules(NamedTuple):
    """A programme and its number, which the award cites."""

    programme: Programme
    number: int


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

    earned = earned_at(_multiplier(member, programme, shopping))
    if programme.tiers and programme.tiers.taken == "after":
        earned = earned_at(_multiplier(member, programme, shopping, sum(earned.points)))
    total = sum(earned.points)
    if total > MOST_POINTS:
        msg = f"It would earn {total} points, {MOST_POINTS} at most."
        raise AmountInvalid(msg, field="lines")
    activates_at, expires_at = lot_dates(
        programme.lots, shopping.day, programme.time_zone, programme.returns.window_days
    )
    expiry = programme.lots.expiry
    if expiry and expiry.slides:  # a late receipt's points last as long as if it had been in time
        expires_at = carried(member, expires_at)
    got = e.Award(
        card=card,
        programme=rules.number,
        points=tuple(earned.points) if total else (),
        activates_at=activates_at,
        expires_at=expires_at,
        qualifying=total,
        repaid=min(member.arrears, total),
        rules=earned.rules,
        birthday_year=year if total else 0,
    )
    return got, tier_change(member, rules, shopping.day, shopping.captured_at, total)


def tier_at(member: Member, programme: Programme, day: Day, at: Instant, plus: int = 0) -> str:
    """The member's tier on a day, `plus` qualifying points included; empty without tiers."""
    if programme.tiers is None:
        return ""
    points = tier.qualifying(member.days, member.qualifying, programme.tiers, day) + plus
    held = _held(member)
    return tier.standing_level(programme.tiers, held, points, at).name


def tier_change(
    member: Member, rules: Rules, day: Day, at: Instant, plus: int
) -> e.TierChanged | None:
    """The event of a tier that differs from the recorded one after `plus` more points."""
    tiers = rules.programme.tiers
    if tiers is None or at < member.tier_since:
        return None  # a late receipt never takes back what was recorded since
    points = tier.qualifying(member.days, member.qualifying, tiers, day)
    before = tier.standing_level(tiers, _held(member), points, at)
    level = tier.standing_level(tiers, _held(member), points + plus, at)
    if level.name == member.tier == before.name:
        return None  # where it was lost by time and is reached again, it is kept again
    until = tier.kept_until(tiers, day, rules.programme.time_zone) if level.from_points else 0
    return e.TierChanged(at, level.name, until, points + plus, rules.number)


def _held(member: Member) -> tier.Standing:
    return tier.Standing(member.tier, member.tier_until, member.tier_since)


def _multiplier(member: Member, programme: Programme, shopping: Shopping, plus: int = 0) -> int:
    if programme.tiers is None:
        return ONE_BP
    name = tier_at(member, programme, shopping.day, shopping.captured_at, plus)
    return tier.level_named(programme.tiers, name).multiplier_bp


def _birthday_year(member: Member, programme: Programme, day: Day, born: dt.date | None) -> int:
    rule = programme.earn.birthday
    if rule is None or born is None:
        return 0
    year = birthday_year(rule, born, day)
    return year if year > member.birthday_year else 0
