"""Deciding what a member is given without a receipt, by the programme's own rules."""

from __future__ import annotations

import datetime as dt

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.state import Member
from ledger.calendar import local_day, midnight
from ledger.errors import BirthdayNotDue, BonusNotOffered
from ledger.policies.earn.birthday import birthday_in
from ledger.policies.expiry import AT_ONCE, lot_dates
from ledger.types import Instant, day_of

ENROLMENT, BIRTHDAY = "enrolment", "birthday"


def bonus(
    member: Member, rule: str, points: int, rules: Rules, at: Instant, year: int = 0
) -> e.BonusGranted:
    """Points of a rule: usable at once, ending as if they were earned on that day."""
    programme = rules.programme
    day = local_day(at, programme.time_zone)
    _, expires_at = lot_dates(programme.lots, day, programme.time_zone)
    repaid = min(member.arrears, points)
    return e.BonusGranted(at, rule, points, AT_ONCE, expires_at, repaid, rules.number, year)


def birthday_at(born: dt.date | None, year: int, zone: str) -> Instant:
    """The instant at which a member's birthday of a year begins.

    Raises:
        BirthdayNotDue: it is not known, or there is none in that year.
    """
    if born is None:
        raise BirthdayNotDue("It is not known.")
    if not max(born.year, dt.MINYEAR + 1) <= year < dt.MAXYEAR:
        raise BirthdayNotDue(f"There is none in {year}.", field="year")
    return midnight(day_of(birthday_in(born, year)), zone)


def birthday_gift(
    member: Member, year: int, at: Instant, rules: Rules, now: Instant
) -> e.BonusGranted:
    """The points of a birthday that began at an instant, once a year.

    Raises:
        BonusNotOffered: the programme gives none.
        BirthdayNotDue: it has not come, was given, was before the member joined, or the member
            was merged into another.
    """
    rule = rules.programme.earn.birthday
    if rule is None or not rule.gift_points:
        raise BonusNotOffered(f"`{BIRTHDAY}`")
    if at > now:
        raise BirthdayNotDue(f"That of {year} has not come.", field="year")
    if member.merged_into:
        raise BirthdayNotDue("The member was merged into another.")
    if year <= member.birthday_gift_year:
        raise BirthdayNotDue(f"That of {member.birthday_gift_year} was given.", field="year")
    zone = rules.programme.time_zone
    if local_day(at, zone) < local_day(member.enrolled_at, zone):
        raise BirthdayNotDue("The member joined later.", field="year")
    return bonus(member, BIRTHDAY, rule.gift_points, rules, at, year)
