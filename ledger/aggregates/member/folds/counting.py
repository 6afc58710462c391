"""What rules with limits gave a member, so that the next decision knows."""

from __future__ import annotations

from bisect import bisect_left

from ledger import events as e
from ledger.aggregates.member.state import Counter
from ledger.programme import MAX_LATE_DAYS
from ledger.types import Day

KEPT_DAYS = MAX_LATE_DAYS + 3
"""Days for which points are kept by day: no receipt comes in later."""


def counted(
    counters: tuple[Counter, ...], news: tuple[e.Counted, ...], day: Day
) -> tuple[Counter, ...]:
    """The counters after an award of a day; those of rules long over are let go."""
    if not news:
        return counters
    known = {c.rule: c for c in counters if not c.until or c.until + KEPT_DAYS >= day}
    for new in news:
        known[new.rule] = _added(known.get(new.rule, Counter(new.rule, 0)), new, day)
    return tuple(known.values())


def _added(counter: Counter, new: e.Counted, day: Day) -> Counter:
    days, points = counter.days, counter.by_day
    if new.daily:
        days, points = _on_day(days, points, day, new.points)
    return Counter(new.rule, counter.points + new.points, new.until, days, points)


def _on_day(
    days: tuple[Day, ...], points: tuple[int, ...], day: Day, more: int
) -> tuple[tuple[Day, ...], tuple[int, ...]]:
    index = bisect_left(days, day)
    if index < len(days) and days[index] == day:
        return days, (*points[:index], points[index] + more, *points[index + 1 :])
    days, points = (*days[:index], day, *days[index:]), (*points[:index], more, *points[index:])
    first = bisect_left(days, days[-1] - KEPT_DAYS)
    return days[first:], points[first:]
