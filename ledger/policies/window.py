"""The days over which qualifying points are counted."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from msgspec import Struct

from ledger.calendar import add_months
from ledger.programme import Tiers
from ledger.types import Day, date_of, day_of

MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Counted(Struct, frozen=True, gc=False):
    """What counts towards a tier by day, ascending, and the day of enrolment."""

    days: Sequence[Day]
    points: Sequence[int]
    """Points, or minor units where spend counts."""
    enrolled: Day = 0

    def between(self, first: Day, last: Day) -> int:
        """The sum of some days, both included."""
        return sum(self.points[bisect_left(self.days, first) : bisect_right(self.days, last)])


def period_of(tiers: Tiers, day: Day, enrolled: Day) -> tuple[Day, Day]:
    """The first and the last day of the calendar or anniversary period that a day lies in."""
    date = date_of(day)
    if tiers.window == "anniversary":
        first, last = _anniversary(date, date_of(enrolled))
    else:
        months = MONTHS[tiers.window]
        first = dt.date(date.year, (date.month - 1) // months * months + 1, 1)
        last = add_months(first, months)
    return day_of(first), day_of(last) - 1


def _anniversary(date: dt.date, enrolled: dt.date) -> tuple[dt.date, dt.date]:
    """The last anniversary up to a date, and the next; of 29 February that is the 28th."""
    years = date.year - enrolled.year
    years -= add_months(enrolled, 12 * years) > date
    return add_months(enrolled, 12 * years), add_months(enrolled, 12 * (years + 1))


def in_window(tiers: Tiers, counted: Counted, day: Day) -> int:
    """What counts on a day: from the window's first day up to that day, which is included."""
    if tiers.window == "rolling":
        return counted.between(day - tiers.window_days + 1, day)
    return counted.between(period_of(tiers, day, counted.enrolled)[0], day)


def last_counting(tiers: Tiers, day: Day, enrolled: Day) -> Day:
    """The last day on which what was bought on a day still counts."""
    if tiers.window == "rolling":
        return day + tiers.window_days - 1
    return period_of(tiers, day, enrolled)[1]


def falls_on(tiers: Tiers, counted: Counted, least: int, day: Day, upto: Day) -> Day:
    """The first day from `day` on whose rolling window holds fewer than `least`; or after `upto`."""
    days, points = counted.days, counted.points
    low, high = bisect_left(days, day - tiers.window_days + 1), bisect_right(days, day)
    held = sum(points[low:high])
    while held >= least:
        day = days[low] + tiers.window_days if low < len(days) else upto + 1
        if day > upto:
            return upto + 1
        while high < len(days) and days[high] <= day:
            held += points[high]
            high += 1
        held -= points[low]
        low += 1
    return day
