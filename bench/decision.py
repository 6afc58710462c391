"""The earning decision as other programs make it: the same policies, on a state of their own.

Tier, bonuses, lots and the tier that is reached come from the programme as they do in the
ledger; `online` compares the points of each receipt before it measures anything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from ledger.calendar import instant_of
from ledger.policies import tier
from ledger.policies.basket import Basket, Shopper, eligible
from ledger.policies.earn import earn
from ledger.policies.expiry import lot_dates
from ledger.policies.window import Counted, in_window
from ledger.programme import Programme, Tiers
from ledger.types import Day, Instant, Receipt, day_of


class Known(NamedTuple):
    """What a program keeps of a member for this decision."""

    tier: str = ""
    tier_since: Instant = 0
    tier_until: Instant = 0
    receipts: int = 0
    earned: int = 0
    days: Sequence[Day] = ()
    """Days with qualifying points, ascending; the points beside them."""
    qualifying: Sequence[int] = ()


class Decided(NamedTuple):
    """What a receipt earns, and the tier that holds from it on."""

    points: list[int]
    total: int
    rules: tuple[tuple[str, int], ...]
    activates_at: Instant
    expires_at: Instant
    day: Day
    stands: tuple[str, Instant, Instant]
    """The tier, and from when to when it is held."""


def decide(programme: Programme, receipt: Receipt, known: Known) -> Decided:
    """Decide a member's receipt."""
    tiers = programme.tiers
    assert tiers is not None, "the programme of the benchmark has tiers"  # noqa: S101
    day, at = day_of(receipt.captured_at.date()), instant_of(receipt.captured_at)
    counted = Counted(known.days, known.qualifying)
    level = tier.standing_level(
        tiers,
        tier.Standing(known.tier, known.tier_until, known.tier_since),
        in_window(tiers, counted, day),
        at,
    )
    shopper = Shopper(
        level.name, tiers.level.index(level), level.multiplier_bp, receipts=known.receipts,
        earned=known.earned,
    )  # fmt: skip
    amounts = eligible(programme.earn, receipt.lines, receipt.tenders)
    hour = receipt.captured_at.hour
    earned = earn(Basket(programme.earn, receipt.lines, amounts, day, shopper, hour, receipt.store))
    total = sum(earned.points)
    lot = lot_dates(programme.lots, day, programme.time_zone, programme.returns.window_days)
    stands = _reached(tiers, programme.time_zone, known, counted, day, at, total)
    return Decided(earned.points, total, earned.rules, *lot, day, stands)


def _reached(
    tiers: Tiers, zone: str, known: Known, counted: Counted, day: Day, at: Instant, total: int
) -> tuple[str, Instant, Instant]:
    """The tier with this receipt's points counted: raised, fallen when its hold is over, or kept."""
    reached = tier.level_for(tiers, in_window(tiers, counted, day) + total)
    held = tier.level_named(tiers, known.tier)
    over = at >= known.tier_until
    if reached.name == known.tier or (reached.from_points < held.from_points and not over):
        return known.tier, known.tier_since, known.tier_until
    until = tier.kept_until(tiers, day, zone, 0) if reached.from_points else 0
    return reached.name, at, until


def counted_on(
    days: Sequence[Day], qualifying: Sequence[int], day: Day, points: int
) -> tuple[list[Day], list[int]]:
    """Qualifying points by day with one day's more."""
    days, qualifying = list(days), list(qualifying)
    index = bisect_left(days, day)
    if index < len(days) and days[index] == day:
        qualifying[index] += points
    elif points:
        days.insert(index, day)
        qualifying.insert(index, points)
    return days, qualifying
