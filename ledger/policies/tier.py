"""Which tier a member stands in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from ledger.calendar import midnight
from ledger.programme import Level, Tiers
from ledger.types import Day, Instant


class Standing(NamedTuple):
    """A tier by name, up to when it is kept whatever happens, and from when it is held."""

    tier: str
    until: Instant
    since: Instant = 0


def qualifying(days: Sequence[Day], points: Sequence[int], tiers: Tiers, day: Day) -> int:
    """The qualifying points of the window that ends with a day (that day included)."""
    low = bisect_left(days, day - tiers.window_days + 1)
    return sum(points[low : bisect_right(days, day)])


def level_for(tiers: Tiers, points: int) -> Level:
    """The highest tier that so many qualifying points reach."""
    reached = tiers.level[0]
    for level in tiers.level:
        if level.from_points <= points:
            reached = level
    return reached


def level_named(tiers: Tiers, name: str) -> Level:
    """The tier of this name; the first where an older programme's tier is no more."""
    return next((level for level in tiers.level if level.name == name), tiers.level[0])


def standing_level(tiers: Tiers, held: Standing, points: int, at: Instant) -> Level:
    """The tier at an instant: what the window gives, or the kept tier where that is higher."""
    earned = level_for(tiers, points)
    if held.since <= at < held.until:
        kept = level_named(tiers, held.tier)
        return kept if kept.from_points > earned.from_points else earned
    return earned


def kept_until(tiers: Tiers, day: Day, zone: str) -> Instant:
    """The instant up to which a tier reached on a day is kept."""
    return midnight(day + tiers.keep_days + 1, zone)
