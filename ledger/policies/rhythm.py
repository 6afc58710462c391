"""How a member stands in its own rhythm: by its own intervals, not by everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ledger.types import Day

ON_TIME, DUE, LATE, LAPSING, LOST, RETURNED, FIRST = (
    "on time", "due", "late", "lapsing", "lost", "returned", "first",
)  # fmt: skip
USUAL_DAYS = 14
"""Stands in for the intervals that a member with few visits has not shown yet."""
SHRUNK = 2
"""So many intervals of the usual length stand beside a member's own."""
LATEST = 8
"""Intervals that are looked at."""
DAYS = LATEST + 2
"""Days of visits that decide: so many intervals, and so many before the last visit."""
STANDINGS = (ON_TIME, DUE, LATE, LAPSING, LOST, RETURNED, FIRST)
BOUNDS = ((3, ON_TIME), (5, DUE), (8, LATE), (16, LAPSING))
"""In quarters of the interval; beyond the last one, lost."""


class Pace(NamedTuple):
    """What somebody's standing on any later day follows from."""

    last_day: Day
    interval_days: int
    """The middle of the latest intervals with the usual ones among them."""
    before_days: int
    """The same as it was before the last visit; 0 where that was the only one."""
    away_days: int
    """Between the last two visits; 0 where there was one."""


def pace(days: Sequence[Day]) -> Pace:
    """The pace of who came on these days, each once and ascending; the last `DAYS` will do."""
    last = days[-1]
    if len(days) == 1:
        return Pace(last, USUAL_DAYS, 0, 0)
    own = [late - early for early, late in pairwise(days[-LATEST - 2 :])]
    return Pace(last, _middle(own[-LATEST:]), _middle(own[-LATEST - 1 : -1]), own[-1])


def rhythm(known: Pace, today: Day) -> str:
    """The standing on a day.

    *On time* up to three quarters of the interval, *due* up to five, *late* up to twice, *lapsing*
    up to four times, then *lost*. Who came back after such an absence has *returned*, until the
    next visit.
    """
    away = today - known.last_day
    if not known.before_days:
        now = standing(known.interval_days, away)
        return FIRST if now == ON_TIME else now
    if standing(known.before_days, known.away_days) == LOST:
        now = standing(known.before_days, away)
        return RETURNED if now in {ON_TIME, DUE} else now
    return standing(known.interval_days, away)


def standing(interval_days: int, away_days: int) -> str:
    """By how many quarters of the interval somebody, or something, has been away."""
    quarters = 4 * away_days
    for bound, name in BOUNDS:
        if quarters <= bound * max(interval_days, 1):
            return name
    return LOST


def _middle(own: Sequence[int]) -> int:
    """The middle of intervals with the usual ones among them; of two the lower."""
    both = sorted([*own, *[USUAL_DAYS] * SHRUNK])
    return both[(len(both) - 1) // 2]
