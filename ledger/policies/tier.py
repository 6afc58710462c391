"""Which tier a member stands in."""

from __future__ import annotations

from msgspec import Struct

from ledger.calendar import midnight
from ledger.policies.window import period_of
from ledger.programme import Level, Tiers
from ledger.types import Day, Instant


class Standing(Struct, frozen=True, gc=False):
    """A tier by name, up to when it is held whatever happens, and from when on."""

    tier: str
    until: Instant
    since: Instant = 0


def level_for(tiers: Tiers, points: int) -> Level:
    """The highest tier that so many qualifying points reach."""
    reached = tiers.level[0]
    for level in tiers.level:
        if level.from_points <= points:
            reached = level
    return reached


def level_named(tiers: Tiers, name: str) -> Level:
    """The tier of this name; the first where an older programme's tier is no more."""
    return tiers.level[tiers.index_of.get(name, 0)]


def standing_level(
    tiers: Tiers, held: Standing, points: int, at: Instant, *others: Standing
) -> Level:
    """The tier at an instant: what the window gives, or a tier held then that is higher."""
    best = level_for(tiers, points)
    for standing in (held, *others):
        if standing.since <= at < standing.until:
            kept = level_named(tiers, standing.tier)
            best = kept if kept.from_points > best.from_points else best
    return best


def next_level(tiers: Tiers, name: str) -> Level | None:
    """The tier above; None for the highest."""
    least = level_named(tiers, name).from_points
    return next((level for level in tiers.level if level.from_points > least), None)


def kept_until(tiers: Tiers, day: Day, zone: str, enrolled: Day) -> Instant:
    """The instant of the review up to which a tier reached on a day is held.

    That is `keep_days` whole days later, or `grace_days` after the end of the period that
    follows.
    """
    if tiers.window == "rolling":
        return midnight(day + tiers.keep_days + 1, zone)
    _, last = period_of(tiers, day, enrolled)
    _, following = period_of(tiers, last + 1, enrolled)
    return midnight(following + 1 + tiers.grace_days, zone)
