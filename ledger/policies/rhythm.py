"""How a member stands in its own rhythm: by its own intervals, not by everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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
_BOUNDS = ((3, ON_TIME), (5, DUE), (8, LATE), (16, LAPSING))
"""In quarters of the interval."""


def rhythm(days: Sequence[Day], today: Day) -> str:
    """The standing of who came on these days, ascending, on a later one.

    *On time* up to three quarters of the interval, *due* up to five, *late* up to twice, *lapsing*
    up to four times, then *lost*. Who came back after such an absence has *returned*, until the
    next visit.
    """
    visits = sorted(set(days))
    if len(visits) == 1:
        now = standing(USUAL_DAYS, today - visits[0])
        return FIRST if now == ON_TIME else now
    before = _interval(visits[:-1])
    if standing(before, visits[-1] - visits[-2]) == LOST:
        now = standing(before, today - visits[-1])
        return RETURNED if now in {ON_TIME, DUE} else now
    return standing(_interval(visits), today - visits[-1])


def standing(interval_days: int, away_days: int) -> str:
    """By how many quarters of the interval somebody, or something, has been away."""
    quarters = 4 * away_days
    for bound, name in _BOUNDS:
        if quarters <= bound * max(interval_days, 1):
            return name
    return LOST


def _interval(visits: Sequence[Day]) -> int:
    """The middle of the latest intervals with the usual ones among them; of two the lower."""
    own = [late - early for early, late in pairwise(visits[-LATEST - 1 :])]
    both = sorted([*own, *[USUAL_DAYS] * SHRUNK])
    return both[(len(both) - 1) // 2]
