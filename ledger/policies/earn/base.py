"""Base points: so many for each full amount spent, at the rate that fits the line."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.basket import Award, Basket, lists
from ledger.policies.split import largest_remainder
from ledger.programme import Earn, Rate
from ledger.types import Line

OWN = ""
"""The name of what the programme's own rate gives; others are named."""


def base_points(basket: Basket) -> list[Award]:
    """The base points of each line by rate (floor, in the programme's favour); its own first.

    Counted by receipt, the points of a rate are divided among its lines by amount, so that a
    partial return knows what each line earned.
    """
    earn = basket.earn
    if not earn.rate:
        return [Award(OWN, _at_rate(earn, earn, basket.eligible_minor))]
    rates = [_rate_of(line, basket) for line in basket.lines]
    awards = [Award(OWN, _at_rate(earn, earn, _only(None, rates, basket)))]
    for rate in earn.rate:
        points = _at_rate(rate, earn, _only(rate, rates, basket))
        if any(points):
            awards.append(Award(f"rate:{rate.name}", points))
    return awards


def _at_rate(rate: Earn | Rate, earn: Earn, amounts: Sequence[int]) -> list[int]:
    if earn.counted_by == "line":
        return [amount // rate.per_minor * rate.points for amount in amounts]
    return largest_remainder(sum(amounts) // rate.per_minor * rate.points, amounts)


def _rate_of(line: Line, basket: Basket) -> Rate | None:
    return next((rate for rate in basket.earn.rate if _fits(rate, line, basket)), None)


def _fits(rate: Rate, line: Line, basket: Basket) -> bool:
    goods = rate.products or rate.categories or rate.brands
    return (
        (not goods or lists(rate, line))
        and (not rate.stores or basket.store in rate.stores)
        and (not rate.tiers or basket.shopper.tier in rate.tiers)
    )


def _only(rate: Rate | None, rates: Sequence[Rate | None], basket: Basket) -> list[int]:
    """The amounts of the lines at a rate; 0 for the others."""
    amounts = basket.eligible_minor
    return [amount if own is rate else 0 for amount, own in zip(amounts, rates, strict=True)]
