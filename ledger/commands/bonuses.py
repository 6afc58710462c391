"""Points that the programme gives without a receipt; each is its own key, so it is given once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.bonuses import ENROLMENT, birthday_at, birthday_gift, bonus
from ledger.calendar import local_day
from ledger.commands.common import Outcome, accepting, claim, member_of, personal_of, rules_at
from ledger.errors import BirthdayNotDue, BonusNotOffered
from ledger.policies.earn.birthday import birthday_in
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, date_of


def welcome(working: Working, member: bytes, at: Instant, recorded_at: Instant | None) -> None:
    """Give a new member what the programme gives for joining."""
    rules = rules_at(working, at)
    gift = rules.programme.earn.enrolment
    if gift:
        event = bonus(member_of(working, member), ENROLMENT, gift.points, rules, at)
        working.emit(member, event, recorded_at)


class GrantBirthday(NamedTuple):
    """Give a member the points of a birthday; the member and the year are the key."""

    member: bytes
    year: int

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the claim and the member."""
        return (PROGRAMME_STREAM, self._key(working), self.member)

    def decide(self, working: Working) -> Outcome:
        """Record the points, dated on the birthday however late this comes.

        Raises:
            MemberUnknown: there is no such member.
            MemberClosed: the account is closed.
            BirthdayNotDue, BonusNotOffered: see the member's decisions.
        """
        member = member_of(working, self.member)
        accepting(member)
        claimed = claim(working, "birthday", self._id(), self._id())
        if earlier := claimed.earlier(working):
            return earlier
        personal = personal_of(working, self.member, member)
        born = personal.birthday if personal else None
        zone = rules_at(working, working.now).programme.time_zone
        at = birthday_at(born, self.year, zone)
        event = birthday_gift(member, self.year, at, rules_at(working, at), working.now)
        return claimed.record(working, self.member, working.emit(self.member, event))

    def _id(self) -> str:
        return f"{self.member.hex()}/{self.year}"

    def _key(self, working: Working) -> bytes:
        return working.keys.command("birthday", self._id())


class BirthdayDue(NamedTuple):
    """The same for a birthday on the day of an instant or on the day before, by a job."""

    member: bytes
    at: Instant

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the claims of the years that may be meant, and the member."""
        for grant, _ in self._grants(working):
            yield from grant.streams(working)

    def decide(self, working: Working) -> Outcome:
        """Record the points, if there are any to give.

        Raises:
            MemberUnknown: there is no such member.
        """
        outcome = Outcome(self.member, working.version(self.member), repeat=True)
        member = member_of(working, self.member)
        personal = personal_of(working, self.member, member)
        if member.closed or personal is None or personal.birthday is None:
            return outcome
        for grant, date in self._grants(working):
            if date == birthday_in(personal.birthday, date.year):
                try:
                    outcome = grant.decide(working)
                except (BirthdayNotDue, BonusNotOffered):  # of another year's rules
                    continue
        return outcome

    def _grants(self, working: Working) -> list[tuple[GrantBirthday, dt.date]]:
        """For each of the two days: the command that gives its points."""
        today = local_day(self.at, rules_at(working, working.now).programme.time_zone)
        dates = (date_of(today - 1), date_of(today))
        return [(GrantBirthday(self.member, date.year), date) for date in dates]
