"""Deciding what a receipt earns a member, and whether it changes the member's tier."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from ledger import events as e
from ledger.aggregates.member.rules import Rules
from ledger.aggregates.member.standing import counts, tier_at, tier_change
from ledger.aggregates.member.state import Counter, Member, carried
from ledger.errors import AmountInvalid
from ledger.policies.basket import ALL, Basket, Given, Shopper, eligible
from ledger.policies.basket import Award as OfferAward
from ledger.policies.earn import Earned, earn
from ledger.policies.earn.birthday import birthday_year
from ledger.policies.expiry import lot_dates
from ledger.programme import ONE_BP, Earn, Programme
from ledger.types import MOST_POINTS, Day, Instant, Line, Tender, day_of

NOTHING_GIVEN: Mapping[str, Given] = MappingProxyType({})
NO_BUDGETS: Mapping[str, int] = MappingProxyType({})

__all__ = ["Rules", "Shopping", "award"]


class Shopping(Struct, frozen=True, gc=False):
    """A receipt as the decision needs it."""

    lines: Sequence[Line]
    tenders: Sequence[Tender]
    day: Day
    captured_at: Instant
    hour: int = 0
    """Of the store's clock."""
    store: str = ""
    offers: Sequence[OfferAward] = ()
    """What offers add to its points."""


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
    amounts = eligible(programme.earn, shopping.lines, shopping.tenders)
    earned = _earned(member, shopping, programme, budgets, amounts, birthday=bool(year))
    total = sum(earned.points)
    qualifying = counts(programme, total, amounts)
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
        qualifying=qualifying,
        repaid=min(member.arrears, total),
        rules=earned.rules,
        birthday_year=year if total else 0,
        counted=_counted(programme.earn, earned.rules, total),
    )
    return got, tier_change(member, rules, shopping.day, shopping.captured_at, qualifying)


def _earned(
    member: Member, shopping: Shopping, programme: Programme, budgets: Mapping[str, int],
    amounts: Sequence[int], *, birthday: bool,
) -> Earned:  # fmt: skip
    """Before the receipt's tier or after it, as the programme says."""

    def at_tier(plus: int) -> Earned:
        shopper = _shopper(member, programme, shopping, plus, budgets, birthday=birthday)
        return earn(
            Basket(
                programme.earn, shopping.lines, amounts, shopping.day, shopper, shopping.hour,
                shopping.store, shopping.offers,
            )
        )  # fmt: skip

    earned = at_tier(0)
    if programme.tiers and programme.tiers.taken == "after":
        earned = at_tier(counts(programme, sum(earned.points), amounts))
    return earned


def _shopper(
    member: Member, programme: Programme, shopping: Shopping, plus: int,
    budgets: Mapping[str, int], *, birthday: bool,
) -> Shopper:  # fmt: skip
    name = tier_at(member, programme, shopping.day, shopping.captured_at, plus)
    tiers = programme.tiers
    index = tiers.index_of.get(name, 0) if tiers else 0
    given = {c.rule: Given(_on(c, shopping.day), c.points) for c in member.counters}
    return Shopper(
        name, index, tiers.level[index].multiplier_bp if tiers else ONE_BP, birthday,
        member.receipts, member.earned, given or NOTHING_GIVEN, budgets,
    )  # fmt: skip


def given_on(member: Member, rule: str, day: Day) -> tuple[int, int]:
    """What a rule with limits gave a member, on a day and in all."""
    counter = next((c for c in member.counters if c.rule == rule), None)
    return (_on(counter, day), counter.points) if counter else (0, 0)


def _on(counter: Counter, day: Day) -> int:
    index = bisect_left(counter.days, day)
    found = index < len(counter.days) and counter.days[index] == day
    return counter.by_day[index] if found else 0


def _counted(earn: Earn, rules: Sequence[tuple[str, int]], total: int) -> tuple[e.Counted, ...]:
    """What limits will have to know of later."""
    if not earn.limited and not earn.counts_days:
        return ()
    given = dict(rules)
    counts = [
        e.Counted(
            bonus.rule,
            given[bonus.rule],
            bonus.max_points_day is not None,
            day_of(bonus.until) if bonus.until else 0,
        )
        for bonus in earn.limited
        if given.get(bonus.rule)
    ]
    if earn.counts_days and total:
        counts.append(e.Counted(ALL, total, daily=True))
    return tuple(counts)


def _birthday_year(member: Member, programme: Programme, day: Day, born: dt.date | None) -> int:
    rule = programme.earn.birthday
    if rule is None or born is None:
        return 0
    year = birthday_year(rule, born, day)
    return year if year > member.birthday_year else 0
