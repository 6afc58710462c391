"""The first receipt around a member's birthday earns more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ledger.policies.basket import Award, Basket
from ledger.policies.split import largest_remainder
from ledger.programme import ONE_BP, Birthday
from ledger.types import Day, date_of


def birthday_points(basket: Basket, base: Sequence[int]) -> Sequence[Award]:
    """The programme's birthday points and multiple, spread over the lines that earn."""
    rule = basket.earn.birthday
    if rule is None or not basket.shopper.birthday or not any(basket.eligible_minor):
        return ()
    extra = rule.points + max(0, sum(base) * (rule.multiplier_bp - ONE_BP) // ONE_BP)
    return (Award("birthday", largest_remainder(extra, basket.eligible_minor)),) if extra else ()


def birthday_year(rule: Birthday, born: dt.date, day: Day) -> int:
    """The year of the birthday whose window a day falls into; 0 where it is in none.

    Born on 29 February means 28 February in a common year. A window may cross the new year.
    """
    date = date_of(day)
    for year in (date.year - 1, date.year, date.year + 1):
        distance = (date - birthday_in(born, year)).days
        if -rule.days_before <= distance <= rule.days_after:
            return year
    return 0


def birthday_in(born: dt.date, year: int) -> dt.date:
    """The birthday of a year."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if (born.month, born.day) == (2, 29) and not leap:
        return dt.date(year, 2, 28)
    return born.replace(year=year)
