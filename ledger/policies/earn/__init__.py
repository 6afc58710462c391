"""Earning: one rule a file, registered here in the order in which awards are listed."""

from __future__ import annotations

from typing import NamedTuple

from ledger.policies.basket import Award, Basket, Rule
from ledger.policies.earn.base import base_points
from ledger.policies.earn.birthday import birthday_points
from ledger.policies.earn.bonus import bonus_points
from ledger.policies.earn.tier import tier_points

RULES: tuple[Rule, ...] = (
    tier_points,
    bonus_points,
    birthday_points,
)


class Earned(NamedTuple):
    """The points of each line, and what each rule beyond the base gave in all."""

    points: list[int]
    rules: tuple[tuple[str, int], ...]


def earn(basket: Basket) -> Earned:
    """Apply every rule to a basket; each adds to the same base, none to another's award."""
    base = base_points(basket.earn, basket.eligible_minor)
    awards: list[Award] = [award for rule in RULES for award in rule(basket, base)]
    if not awards:
        return Earned(base, ())
    points = [sum(parts) for parts in zip(base, *(a.points for a in awards), strict=True)]
    return Earned(points, tuple((award.rule, sum(award.points)) for award in awards))
