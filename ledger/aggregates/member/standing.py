"""Which tier a member stands in, and whether that differs from what is recorded."""

from __future__ import annotations

from ledger import events as e
from ledger.aggregates.member.rules import Rules
from ledger.aggregates.member.state import Member
from ledger.policies import tier
from ledger.programme import ONE_BP, Programme
from ledger.types import Day, Instant


def tier_at(member: Member, programme: Programme, day: Day, at: Instant, plus: int = 0) -> str:
    """The member's tier on a day, `plus` qualifying points included; empty without tiers."""
    if programme.tiers is None:
        return ""
    points = tier.qualifying(member.days, member.qualifying, programme.tiers, day) + plus
    return tier.standing_level(programme.tiers, _held(member), points, at).name


def multiplier_at(
    member: Member, programme: Programme, day: Day, at: Instant, plus: int = 0
) -> int:
    """What the member's tier multiplies base points by, `plus` qualifying points included."""
    if programme.tiers is None:
        return ONE_BP
    name = tier_at(member, programme, day, at, plus)
    return tier.level_named(programme.tiers, name).multiplier_bp


def tier_change(
    member: Member, rules: Rules, day: Day, at: Instant, plus: int
) -> e.TierChanged | None:
    """The event of a tier that differs from the recorded one after `plus` more points."""
    tiers = rules.programme.tiers
    if tiers is None or at < member.tier_since:
        return None  # a late receipt never takes back what was recorded since
    points = tier.qualifying(member.days, member.qualifying, tiers, day)
    before = tier.standing_level(tiers, _held(member), points, at)
    level = tier.standing_level(tiers, _held(member), points + plus, at)
    if level.name == member.tier == before.name:
        return None  # where it was lost by time and is reached again, it is kept again
    until = tier.kept_until(tiers, day, rules.programme.time_zone) if level.from_points else 0
    return e.TierChanged(at, level.name, until, points + plus, rules.number)


def _held(member: Member) -> tier.Standing:
    return tier.Standing(member.tier, member.tier_until, member.tier_since)
