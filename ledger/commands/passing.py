"""Recording what time has done to a member; what already holds, nothing else.

Each is given the member's stream and records nothing where there is nothing to record, so a
job may run it as often and as late as it likes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.passing import activated, expired, rebate
from ledger.aggregates.member.standing import tier_at
from ledger.calendar import local_day, midnight
from ledger.commands.common import Outcome, member_of, present, rules_at
from ledger.commands.settling import settle_tier
from ledger.errors import RebateTooSoon
from ledger.programme import Programme, Rebate
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, date_of, day_of


class RecordExpiry(NamedTuple):
    """Write off the points that had expired at an instant."""

    member: bytes
    until: Instant

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The member."""
        return (self.member,)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it lies ahead.

        Raises:
            MemberUnknown: there is no such member.
        """
        event = expired(member_of(working, self.member), min(self.until, working.now))
        return _recorded(working, self.member, event)


class RecordActivation(NamedTuple):
    """Record that pending points had become usable at an instant."""

    member: bytes
    until: Instant

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The member."""
        return (self.member,)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it lies ahead.

        Raises:
            MemberUnknown: there is no such member.
        """
        event = activated(member_of(working, self.member), min(self.until, working.now))
        return _recorded(working, self.member, event)


class ExpireHolds(NamedTuple):
    """Record that a member's holds are over whose time is."""

    member: bytes

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The programme and the member."""
        return (PROGRAMME_STREAM, self.member)

    def decide(self, working: Working) -> Outcome:
        """Record it.

        Raises:
            MemberUnknown: there is no such member.
        """
        before = working.version(self.member)
        present(working, self.member)
        version = working.version(self.member)
        return Outcome(self.member, version, repeat=version == before)


class GrantRebate(NamedTuple):
    """Give a member the rebate for a calendar year, once."""

    member: bytes
    year: int

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The programme and the member."""
        return (PROGRAMME_STREAM, self.member)

    def decide(self, working: Working) -> Outcome:
        """Record the rebate; nothing where none is due, or it was given already.

        The tier is that of the year's last instant, the rules those in force when it is given.

        Raises:
            MemberUnknown: there is no such member.
            RebateTooSoon: the year is not over, or the days that the programme waits for returns.
        """
        programme = rules_at(working, working.now).programme
        if programme.rebate and working.now < _rebate_due(programme, programme.rebate, self.year):
            raise RebateTooSoon(field="year")
        return _rebate(working, self.member, self.year)


class RebateDue(NamedTuple):
    """The same for the year before an instant, by a job: nothing while it is too soon."""

    member: bytes
    at: Instant

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The programme and the member."""
        return (PROGRAMME_STREAM, self.member)

    def decide(self, working: Working) -> Outcome:
        """Record the rebate, if there is one to give by now.

        Raises:
            MemberUnknown: there is no such member.
        """
        programme = rules_at(working, working.now).programme
        year = date_of(local_day(self.at, programme.time_zone)).year - 1
        if programme.rebate and working.now < _rebate_due(programme, programme.rebate, year):
            return _recorded(working, self.member, None)
        return _rebate(working, self.member, year)


def _rebate_due(programme: Programme, rule: Rebate, year: int) -> Instant:
    over = day_of(dt.date(year + 1, 1, 1))
    return midnight(over + rule.after_days, programme.time_zone)


def _rebate(working: Working, stream: bytes, year: int) -> Outcome:
    rules = rules_at(working, working.now)
    programme = rules.programme
    settle_tier(working, stream)
    member = member_of(working, stream)
    over = day_of(dt.date(year + 1, 1, 1))
    last = midnight(over, programme.time_zone) - 1
    tier = tier_at(member, programme, over - 1, last)
    today = local_day(working.now, programme.time_zone)
    event = rebate(member, year, tier, rules, (working.now, today))
    return _recorded(working, stream, event)


def _recorded(working: Working, member: bytes, event: object) -> Outcome:
    if event is None:
        return Outcome(member, working.version(member), repeat=True)
    return Outcome(member, working.emit(member, event))
