"""Deciding what a receipt earns a member, and whether it changes the member's tier."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.state import Counter, Member
from ledger.errors import AmountInvalid
from ledger.policies import tier
from ledger.policies.basket import ALL, Basket, Given, Shopper, eligible
from ledger.policies.earn import Earned, earn
from ledger.policies.earn.birthday import birthday_year
from ledger.policies.expiry import lot_dates
from ledger.programme import ONE_BP, Earn, Programme
from ledger.types import MOST_POINTS, Day, Instant, Line, Tender, day_of

NO_BUDGETS: Mapping[str, int] = MappingProxyType({})


class Shopping(NamedTuple):
    """A receipt as the decision needs it."""

    lines: Sequence[Line]
    tenders: Sequence[Tender]
    day: Day
    captured_at: Instant
    hour: int = 0
    """Of the store's clock."""
    store: str = ""


class Rules(NamedTuple):
    """A programme and its number, which the award cites."""

    programme: Programme
    number: int


def award(
    member: Member, card: int, shopping: Shopping, rules: Rules, born: dt.date | None,
    budgets: Mapping[str, int] = NO_BUDGETS,
) -> tuple[e.Award, e.TierChanged | None]:  # fmt: skip
    """The award for a receipt, and the tier change it brings, if it does.

    The tier and the birthday are judged on the day it was captured; `budgets` is what
    campaigns have left, by name.

    Raises:
        AmountInvalid: it would earn more than `MOST_POINTS`.
    """
    programme = rules.programme
    year = _birthday_year(member, programme, shopping.day, born)
    earned = _earned(member, shopping, programme, budgets, birthday=bool(year))
    total = sum(earned.points)
    if total > MOST_POINTS:
        msg = f"It would earn {total} points, {MOST_POINTS} at most."
        raise AmountInvalid(msg, field="lines")
    activates_at, expires_at = lot_dates(programme.lots, shopping.day, programme.time_zone)
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
        counted=_counted(programme.earn, earned.rules, total),
    )
    return got, tier_change(member, rules, shopping.day, shopping.captured_at, total)


def _earned(
    member: Member, shopping: Shopping, programme: Programme, budgets: Mapping[str, int], *,
    birthday: bool,
) -> Earned:  # fmt: skip
    """Before the receipt's tier or after it, as the programme says."""
    amounts = eligible(programme.earn, shopping.lines, shopping.tenders)

    def at_tier(plus: int) -> Earned:
        shopper = _shopper(member, programme, shopping, plus, budgets, birthday=birthday)
        return earn(
            Basket(
                programme.earn, shopping.lines, amounts, shopping.day, shopper, shopping.hour,
                shopping.store,
            )
        )  # fmt: skip

    earned = at_tier(0)
    if programme.tiers and programme.tiers.taken == "after":
        earned = at_tier(sum(earned.points))
    return earned


def _shopper(
    member: Member, programme: Programme, shopping: Shopping, plus: int,
    budgets: Mapping[str, int], *, birthday: bool,
) -> Shopper:  # fmt: skip
    name = tier_at(member, programme, shopping.day, shopping.captured_at, plus)
    levels = programme.tiers.level if programme.tiers else ()
    index = next((i for i, level in enumerate(levels) if level.name == name), 0)
    return Shopper(
        tier=name,
        tier_index=index,
        tier_multiplier_bp=levels[index].multiplier_bp if levels else ONE_BP,
        birthday=birthday,
        receipts=member.receipts,
        earned=member.earned,
        given={c.rule: Given(_on(c, shopping.day), c.points) for c in member.counters},
        budgets=budgets,
    )


def _on(counter: Counter, day: Day) -> int:
    index = bisect_left(counter.days, day)
    found = index < len(counter.days) and counter.days[index] == day
    return counter.by_day[index] if found else 0


def _counted(earn: Earn, rules: Sequence[tuple[str, int]], total: int) -> tuple[e.Counted, ...]:
    """What limits will have to know of later."""
    given = dict(rules)
    counts = [
        e.Counted(
            bonus.rule,
            given[bonus.rule],
            bonus.max_points_day is not None,
            day_of(bonus.until) if bonus.until else 0,
        )
        for bonus in earn.bonus
        if bonus.limited and given.get(bonus.rule)
    ]
    if earn.counts_days and total:
        counts.append(e.Counted(ALL, total, daily=True))
    return tuple(counts)


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


def _birthday_year(member: Member, programme: Programme, day: Day, born: dt.date | None) -> int:
    rule = programme.earn.birthday
    if rule is None or born is None:
        return 0
    year = birthday_year(rule, born, day)
    return year if year > member.birthday_year else 0
