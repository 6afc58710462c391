"""When a bonus holds: one condition a function, all of which must hold."""

from __future__ import annotations

from collections.abc import Callable

from ledger.policies.basket import Basket
from ledger.policies.periods import in_period
from ledger.programme import Bonus


def _period(bonus: Bonus, basket: Basket) -> bool:
    return in_period(bonus, basket.day)


def _weekday(bonus: Bonus, basket: Basket) -> bool:
    return not bonus.weekdays or basket.weekday in bonus.weekdays


def _hour(bonus: Bonus, basket: Basket) -> bool:
    """From one full hour to before another, which may lie after midnight."""
    first, end = bonus.from_hour, bonus.until_hour
    if first < end:
        return first <= basket.hour < end
    return basket.hour >= first or basket.hour < end


def _store(bonus: Bonus, basket: Basket) -> bool:
    return not bonus.stores or basket.store in bonus.stores


def _tier(bonus: Bonus, basket: Basket) -> bool:
    return not bonus.tiers or basket.shopper.tier in bonus.tiers


def _first_purchase(bonus: Bonus, basket: Basket) -> bool:
    return not bonus.first_purchase or basket.shopper.receipts == 0


def _minimum(bonus: Bonus, basket: Basket) -> bool:
    return sum(basket.eligible_minor) >= bonus.minimum_minor


CONDITIONS: tuple[Callable[[Bonus, Basket], bool], ...] = (
    _period,
    _weekday,
    _hour,
    _store,
    _tier,
    _first_purchase,
    _minimum,
)


def holds(bonus: Bonus, basket: Basket) -> bool:
    """Whether every condition of a bonus holds for a basket."""
    return all(condition(bonus, basket) for condition in CONDITIONS)
