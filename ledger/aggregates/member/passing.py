"""Deciding what the passing of time has done to a member, so that it can be recorded."""

from __future__ import annotations

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.state import Member
from ledger.policies.expiry import lot_dates
from ledger.policies.rebate import rebate_points, share_bp
from ledger.types import Day, Instant, Take


def expired(member: Member, until: Instant) -> e.PointsExpired | None:
    """The lots that expired up to an instant, if any is still kept."""
    takes = tuple(
        Take(lot.activates_at, lot.expires_at, lot.origin, lot.points)
        for lot in member.lots
        if lot.expires_at <= until
    )
    return e.PointsExpired(until, takes) if takes else None


def activated(member: Member, until: Instant) -> e.PointsActivated | None:
    """The pending points that became usable up to an instant and are there, if any are."""
    points = sum(
        lot.points for lot in member.lots
        if member.activated_until < lot.activates_at <= until < lot.expires_at
    )  # fmt: skip
    return e.PointsActivated(until, points) if points else None


def slid(member: Member, rules: Rules, day: Day, now: Instant) -> e.LotsSlid | None:
    """The lots that an activity of a day makes last longer, if the programme says so.

    Recorded without any lot too: points that are spent may come back, and last as long then.
    """
    lots = rules.programme.lots
    if lots.expiry is None or not lots.expiry.slides:
        return None
    _, until = lot_dates(lots, day, rules.programme.time_zone)
    until = max(until, member.slid_until)  # what comes late lasts as long as the rest
    takes = tuple(
        Take(lot.activates_at, lot.expires_at, lot.origin, lot.points)
        for lot in member.lots
        if now < lot.expires_at < until
    )
    longer = takes or until > max(member.slid_until, now)
    return e.LotsSlid(now, takes, until, rules.number) if longer else None


def rebate(
    member: Member, year: int, tier: str, rules: Rules, at: tuple[Instant, Day]
) -> e.RebateGranted | None:
    """The rebate for a year's spend; None where it was given, or comes to nothing."""
    rule = rules.programme.rebate
    if rule is None or year <= member.rebate_year:
        return None
    spend = dict(member.years).get(year, 0)
    points = rebate_points(rule, spend, tier)
    if points == 0:
        return None
    now, day = at
    zone = rules.programme.time_zone
    _, expires_at = lot_dates(rules.programme.lots, day, zone)
    return e.RebateGranted(
        now, year, spend, tier, share_bp(rule, tier), points, 0, expires_at, rules.number,
        min(member.arrears, points),
    )  # fmt: skip
