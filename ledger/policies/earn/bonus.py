"""Listed goods earn more, always or in a period."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.basket import Award, Basket, earns
from ledger.policies.periods import in_period
from ledger.policies.split import largest_remainder
from ledger.programme import ONE_BP, Bonus, Earn
from ledger.types import Line


def bonus_points(basket: Basket, base: Sequence[int]) -> Sequence[Award]:
    """Each bonus adds to the base points on its own; bonuses do not multiply each other."""
    awards = []
    for bonus in basket.earn.bonus:
        if in_period(bonus, basket.day):
            points = _points(bonus, basket, base)
            if any(points):
                awards.append(Award(f"bonus:{bonus.name}", points))
    return awards


def _points(bonus: Bonus, basket: Basket, base: Sequence[int]) -> list[int]:
    listed = [_lists(bonus, line, basket.earn) for line in basket.lines]
    weights = [points if hit else 0 for points, hit in zip(base, listed, strict=True)]
    extra = max(0, sum(weights) * (bonus.multiplier_bp - ONE_BP) // ONE_BP)
    points = largest_remainder(extra, weights) if extra else [0] * len(weights)
    if bonus.points_each:
        for index, hit in enumerate(listed):
            if hit:
                points[index] += bonus.points_each * _pieces(basket.lines[index])
    return points


def _lists(bonus: Bonus, line: Line, earn: Earn) -> bool:
    listed = line.product in bonus.products or line.category in bonus.categories
    return listed and earns(line, earn)


def _pieces(line: Line) -> int:
    return line.quantity if line.unit == "piece" else 1
