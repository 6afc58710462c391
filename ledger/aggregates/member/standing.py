"""Which tier a member stands in, and what of that is not recorded yet.

A review takes effect by itself: `passed` says what the reviews up to an instant made of the
recorded tier. Whatever changes what counts records that first, so that a review is decided on
what was known at its instant, whether or not a job was there to record it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.rules import Reigns, Rules
from ledger.aggregates.member.state import Member
from ledger.calendar import local_day, midnight
from ledger.policies import tier
from ledger.policies.review import Review, review, review_due
from ledger.policies.window import Counted, in_window, last_counting
from ledger.programme import Programme
from ledger.types import Day, Instant


class NextTier(NamedTuple):
    """What a member needs for the next tier."""

    tier: str
    """The tier now."""
    next: str
    """The tier above; empty for the highest."""
    needed: int
    """Points still to earn, or minor units still to spend."""
    measure: str
    """`points` or `spend`."""
    by: Instant | None
    """Up to when, before something of what counts now counts no more; None for no end."""


def counts(programme: Programme, points: int, eligible_minor: Sequence[int]) -> int:
    """What a receipt counts towards a tier: its points, or the amount that earns."""
    spend = programme.tiers is not None and programme.tiers.measure == "spend"
    return sum(eligible_minor) if spend else points


def tier_at(member: Member, programme: Programme, day: Day, at: Instant, plus: int = 0) -> str:
    """The member's tier on a day, `plus` more counted; empty without tiers.

    Reviews that passed must be in the member's state.
    """
    if programme.tiers is None:
        return ""
    points = in_window(programme.tiers, counted_of(member, programme), day) + plus
    return tier.standing_level(
        programme.tiers,
        tier.Standing(member.tier, member.tier_until, member.tier_since),
        points,
        at,
        tier.Standing(member.tier_before, member.tier_since, member.before_since),
        tier.Standing(member.granted, member.granted_until, member.granted_since),
    ).name


def tier_change(
    member: Member, rules: Rules, day: Day, at: Instant, plus: int
) -> e.TierChanged | None:
    """The event of a tier that is reached with `plus` more on a day; none takes one back.

    A late receipt raises the tier from what was recorded last on, and not before; one of an
    older programme than that was recorded under leaves it as it is.
    """
    tiers, zone = rules.programme.tiers, rules.programme.time_zone
    if tiers is None or rules.number < member.tier_programme:
        return None
    held, counted = tier.level_named(tiers, member.tier), counted_of(member, rules.programme)
    for on, begins in _moments(rules.programme, counted, day, at):
        points = in_window(tiers, counted, on) + plus
        reached = tier.level_for(tiers, points)
        level = reached if reached.from_points > held.from_points else held
        if level.name == member.tier:
            continue
        since = max(begins, member.tier_since)
        until = tier.kept_until(tiers, on, zone, counted.enrolled) if level.from_points else 0
        if until > since or not level.from_points:
            return e.TierChanged(since, level.name, until, points, rules.number)
    return None


def _moments(
    programme: Programme, counted: Counted, day: Day, at: Instant
) -> Iterator[tuple[Day, Instant]]:
    """When a receipt may lead to a tier: at once or, if it came late, with what followed it."""
    yield day, at
    if counted.days and counted.days[-1] > day and programme.tiers:
        last = min(counted.days[-1], last_counting(programme.tiers, day, counted.enrolled))
        yield last, max(at, midnight(last, programme.time_zone))


def passed(member: Member, reigns: Reigns, at: Instant) -> list[e.TierChanged]:
    """The reviews up to an instant that are not recorded: each change, and a last confirmation.

    Each turn loses a step, passes a period with something that counts (they are kept for a
    bounded time), or passes the beginning of a programme.
    """
    made: list[e.TierChanged] = []
    confirmed: list[e.TierChanged] = []
    held = tier.Standing(member.tier, member.tier_until, member.tier_since)
    while 0 < held.until <= at:
        programme, number = reigns.at(held.until)
        change = reigns.next_after(held.until)
        if programme.tiers is None:  # no review without tiers: it waits for the next programme
            held = replace(held, until=change)
            continue
        before = held.tier
        held, points = _review(member, programme, held, min(at, change - 1))
        told = e.TierChanged(held.since, held.tier, held.until, points, number)
        if held.tier != before:
            made.append(told)
            confirmed = []
        elif programme.tiers.window != "rolling" or programme.tiers.review == "periodic":
            confirmed = [told]
    return made + confirmed


def _review(member: Member, programme: Programme, held: tier.Standing, upto: Instant) -> Review:
    """The review at the end of a hold; where none is due yet, the hold goes on until then."""
    tiers, zone = programme.tiers, programme.time_zone
    assert tiers is not None  # noqa: S101  the caller looked
    counted = counted_of(member, programme)
    due = review_due(tiers, zone, counted, held.until)
    if due <= held.until:
        return review(tiers, zone, counted, held, upto)
    points = in_window(tiers, counted, local_day(held.until, zone))
    return Review(tier.Standing(held.tier, due, held.until), points)


def next_tier(member: Member, programme: Programme, day: Day, at: Instant) -> NextTier | None:
    """What the member needs for the tier above the present one; None without tiers."""
    tiers = programme.tiers
    if tiers is None:
        return None
    name = tier_at(member, programme, day, at)
    above = tier.next_level(tiers, name)
    if above is None:
        return NextTier(name, "", 0, tiers.measure, None)
    counted = counted_of(member, programme)
    needed = max(0, above.from_points - in_window(tiers, counted, day))
    by = _shrinks_at(programme, counted, day)
    return NextTier(name, above.name, needed, tiers.measure, by)


def _shrinks_at(programme: Programme, counted: Counted, day: Day) -> Instant | None:
    """When something of what counts on a day counts no more."""
    tiers = programme.tiers
    assert tiers is not None  # noqa: S101  the caller looked
    if tiers.window == "rolling":
        within = [d for d in counted.days if day - tiers.window_days < d <= day]
        if not within:
            return None
        day = within[0]
    return midnight(last_counting(tiers, day, counted.enrolled) + 1, programme.time_zone)


def counted_of(member: Member, programme: Programme) -> Counted:
    """What counts towards the member's tier under a programme."""
    by_enrolment = programme.tiers is not None and programme.tiers.window == "anniversary"
    enrolled = local_day(member.enrolled_at, programme.time_zone) if by_enrolment else 0
    return Counted(member.days, member.qualifying, enrolled)
