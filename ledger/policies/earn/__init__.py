"""Earning: one rule a file, registered here in the order in which awards are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.policies.basket import Award, Basket, Rule
from ledger.policies.caps import capped
from ledger.policies.earn.base import base_points
from ledger.policies.earn.birthday import birthday_points
from ledger.policies.earn.bonus import bonus_points
from ledger.policies.earn.expression import expression_points
from ledger.policies.earn.tier import tier_points

RULES: tuple[Rule, ...] = (
    tier_points,
    bonus_points,
    birthday_points,
    expression_points,
)


class Earned(NamedTuple):
    """The points of each line, and what each rule beyond the base gave in all.

    A rule that gave 0 stands there because it says why: a cap that cut, an expression that
    could not be worked out, an award that was cut to nothing.
    """

    points: list[int]
    rules: tuple[tuple[str, int], ...]


def earn(basket: Basket) -> Earned:
    """Apply every rule to a basket, and add what offers give: they have limits of their own."""
    earned = _by_rules(basket)
    return _with(earned, basket.offers) if basket.offers else earned


def _with(earned: Earned, offers: Sequence[Award]) -> Earned:
    rules = tuple((award.rule, sum(award.points)) for award in offers)
    return Earned(_sums([Award("", earned.points), *offers]), (*earned.rules, *rules))


def _by_rules(basket: Basket) -> Earned:
    """Each rule adds to the same base, none to another's award."""
    if sum(basket.eligible_minor) < basket.earn.minimum_minor:
        return Earned([0] * len(basket.lines), ())
    awards = base_points(basket)
    base = _sums(awards)
    awards += [award for rule in RULES for award in rule(basket, base)]
    awards, reached = capped(awards, basket.earn.caps, basket.shopper)
    rules = [(award.rule, sum(award.points)) for award in awards[1:]]
    return Earned(_sums(awards), (*rules, *((cap, 0) for cap in reached)))


def _sums(awards: Sequence[Award]) -> list[int]:
    if len(awards) == 1:
        return awards[0].points
    return [sum(parts) for parts in zip(*(award.points for award in awards), strict=True)]
