"""What a review makes of a tier that was held until then."""

from __future__ import annotations

from typing import NamedTuple

from ledger.calendar import local_day, midnight
from ledger.policies.tier import Standing, level_for, level_named
from ledger.policies.window import Counted, falls_on, in_window, period_of
from ledger.programme import Level, Tiers
from ledger.types import Day, Instant


class Review(NamedTuple):
    """The standing after a review (its `since` is the review's instant) and what it counted."""

    standing: Standing
    points: int


def review_due(tiers: Tiers, zone: str, counted: Counted, until: Instant) -> Instant:
    """The first review from the end of a hold on.

    A calendar window is reviewed when a period and its grace have ended. A window that is
    reviewed every day was so up to the last day that counts, when that day was recorded.
    """
    if tiers.window != "rolling":
        day = local_day(until, zone) - tiers.grace_days - 1
        _, last = period_of(tiers, day, counted.enrolled)
        return max(until, midnight(last + 1 + tiers.grace_days, zone))
    if tiers.review == "continuous" and counted.days:
        return max(until, midnight(counted.days[-1], zone))
    return until


def review(tiers: Tiers, zone: str, counted: Counted, held: Standing, upto: Instant) -> Review:
    """The review that is due when a hold ends, and those after it that confirm the tier.

    `upto` is the last instant at which this programme reviews. Bounded without a loop over
    days: nothing new counts between two reviews, so a rolling window only loses.
    """
    day = local_day(held.until, zone)
    if tiers.window != "rolling":
        return _of_period(tiers, zone, counted, held, day)
    points = in_window(tiers, counted, day)
    before, reached = level_named(tiers, held.tier), level_for(tiers, points)
    after = _after(tiers, before, reached)
    step = 1 if tiers.review == "continuous" and after == reached else tiers.keep_days + 1
    if after != before or not before.from_points:
        return _reviewed(after, held.until, midnight(day + step, zone), points)
    falls = falls_on(tiers, counted, before.from_points, day, local_day(upto, zone))
    times = (falls - 1 - day) // step
    last = day + times * step
    at = midnight(last, zone) if times else held.until
    points = in_window(tiers, counted, last)
    return _reviewed(after, at, midnight(last + step, zone), points)


def _of_period(tiers: Tiers, zone: str, counted: Counted, held: Standing, day: Day) -> Review:
    """Review a period that ended `grace_days` ago; the running one may already give more."""
    first, last = period_of(tiers, day - tiers.grace_days - 1, counted.enrolled)
    points = max(counted.between(first, last), in_window(tiers, counted, day))
    after = _after(tiers, level_named(tiers, held.tier), level_for(tiers, points))
    _, following = period_of(tiers, last + 1, counted.enrolled)
    until = midnight(following + 1 + tiers.grace_days, zone)
    return _reviewed(after, held.until, until, points)


def _after(tiers: Tiers, before: Level, reached: Level) -> Level:
    if tiers.downgrade == "straight" or reached.from_points >= before.from_points:
        return reached
    return tiers.level[tiers.level.index(before) - 1]


def _reviewed(level: Level, at: Instant, until: Instant, points: int) -> Review:
    return Review(Standing(level.name, until if level.from_points else 0, at), points)
