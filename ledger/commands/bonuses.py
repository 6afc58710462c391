"""Points that the programme gives without a receipt; each is its own key, so it is given once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.bonuses import ENROLMENT, birthday_at, birthday_gift, bonus
from ledger.commands.common import Outcome, claim, member_of, personal_of, rules_at
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant


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
            BirthdayNotDue, BonusNotOffered: see the member's decisions.
        """
        member = member_of(working, self.member)
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
