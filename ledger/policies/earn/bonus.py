"""Bonuses: goods, times, places and occasions that earn more."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.basket import Award, Basket, Given, cut, earns
from ledger.policies.conditions import holding
from ledger.policies.split import largest_remainder
from ledger.programme import ONE_BP, Bonus
from ledger.types import Line


def bonus_points(basket: Basket, base: Sequence[int]) -> Sequence[Award]:
    """Each bonus adds to the base points on its own; bonuses do not multiply each other.

    Of the bonuses of one exclusive group only the one that gives most counts.
    """
    given = []
    for bonus in holding(basket):
        hits = _hits(bonus, basket)
        if True in hits:
            points = cut(_points(bonus, basket, base, hits), _most(bonus, basket))
            given.append((bonus, Award(bonus.rule, points)))
    if not given:
        return ()
    best: dict[str, int] = {}
    for index, (bonus, award) in enumerate(given):
        if bonus.exclusive:
            leader = best.setdefault(bonus.exclusive, index)
            if sum(award.points) > sum(given[leader][1].points):
                best[bonus.exclusive] = index
    return [
        award
        for index, (bonus, award) in enumerate(given)
        if any(award.points) and best.get(bonus.exclusive, index) == index
    ]


def _points(bonus: Bonus, basket: Basket, base: Sequence[int], hits: Sequence[bool]) -> list[int]:
    weights = [points if hit else 0 for points, hit in zip(base, hits, strict=True)]
    extra = max(0, sum(weights) * (bonus.multiplier_bp - ONE_BP) // ONE_BP)
    points = largest_remainder(extra, weights) if extra else [0] * len(weights)
    if bonus.points_each:
        for index, hit in enumerate(hits):
            if hit:
                points[index] += bonus.points_each * _pieces(basket.lines[index])
    spent = [amount if hit else 0 for amount, hit in zip(basket.eligible_minor, hits, strict=True)]
    if bonus.points and any(spent):
        once = largest_remainder(bonus.points, spent)
        points = [sum(parts) for parts in zip(points, once, strict=True)]
    return points


def _hits(bonus: Bonus, basket: Basket) -> list[bool]:
    """Which lines it is for: those that earn, of the goods it lists."""
    earn, lines = basket.earn, basket.lines
    if not bonus.lists_goods:
        return [earns(line, earn) for line in lines]
    products, categories, brands = bonus.products, bonus.categories, bonus.brands
    return [
        (line.product in products or line.category in categories or line.brand in brands)
        and earns(line, earn)
        for line in lines
    ]


def _pieces(line: Line) -> int:
    return line.quantity if line.unit == "piece" else 1


def _most(bonus: Bonus, basket: Basket) -> int:
    """What its limits and its budget leave it to give, at least 0."""
    given = basket.shopper.given.get(bonus.rule, Given())
    limits = (
        (bonus.max_points_receipt, 0),
        (bonus.max_points_day, given.day),
        (bonus.max_points_member, given.ever),
    )
    left = [limit - before for limit, before in limits if limit is not None]
    if bonus.budget_points is not None:
        left.append(basket.shopper.budgets.get(bonus.name, bonus.budget_points))
    return max(0, min(left)) if left else NO_LIMIT


NO_LIMIT = 2**62
