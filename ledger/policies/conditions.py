"""When a bonus holds: one condition a function, all of which must hold.

What depends on the day alone is worked out once a day, not for every receipt of it.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.policies.basket import Basket, weekday_of
from ledger.policies.periods import in_period
from ledger.programme import Bonus, Earn
from ledger.types import Day

DAYS_KEPT = 4_096


def _period(bonus: Bonus, day: Day) -> bool:
    return in_period(bonus, day)


def _weekday(bonus: Bonus, day: Day) -> bool:
    return not bonus.weekdays or weekday_of(day) in bonus.weekdays


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
    return not bonus.minimum_minor or sum(basket.eligible_minor) >= bonus.minimum_minor


OF_THE_DAY: tuple[Callable[[Bonus, Day], bool], ...] = (_period, _weekday)
CONDITIONS: tuple[Callable[[Bonus, Basket], bool], ...] = (
    _hour,
    _store,
    _tier,
    _first_purchase,
    _minimum,
)


def holding(basket: Basket) -> list[Bonus]:
    """The bonuses of which every condition holds for a basket."""
    return [bonus for bonus in _on(basket.earn, basket.day) if _holds(bonus, basket)]


def _holds(bonus: Bonus, basket: Basket) -> bool:
    for condition in CONDITIONS:  # noqa: SIM110  a loop costs half of `all` over a generator
        if not condition(bonus, basket):
            return False
    return True


def _on(earn: Earn, day: Day) -> tuple[Bonus, ...]:
    known = earn.bonuses_on
    if day not in known:
        if len(known) >= DAYS_KEPT:
            known.clear()
        known[day] = tuple(
            bonus for bonus in earn.bonus if all(condition(bonus, day) for condition in OF_THE_DAY)
        )
    return known[day]
