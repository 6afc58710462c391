"""Bonuses without a receipt, and the budgets of campaigns."""

from __future__ import annotations

from typing import NamedTuple

from ledger.application.door import Door
from ledger.commands.bonuses import GrantBirthday
from ledger.commands.budgets import BUDGET, campaigns
from ledger.commands.common import Outcome
from ledger.errors import MemberUnknown
from ledger.store.keys import ID_BYTES, MEMBER
from ledger.types import Instant


class Budget(NamedTuple):
    """What a campaign may give, and what it gave."""

    name: str
    points: int
    drawn: int


def _stream(member_id: str) -> bytes:
    try:
        stream = bytes.fromhex(member_id)
    except ValueError:
        stream = b""
    if len(stream) != ID_BYTES or stream[0] != MEMBER:
        raise MemberUnknown(f"`{member_id}`", field="member_id")
    return stream


class Bonuses(Door):
    """Commands and questions on what the programme gives by itself."""

    def grant_birthday(self, member_id: str, year: int) -> Outcome:
        """Give the points of a birthday, once a year; for a job.

        Raises:
            MemberUnknown, BirthdayNotDue, BonusNotOffered.
        """
        return self._do(GrantBirthday(_stream(member_id), year))

    def budgets(self, at: Instant | None = None) -> list[Budget]:
        """The budgets of the programme in force at an instant (now)."""
        programme = self.programme_at(self.clock() if at is None else at).programme
        found = []
        for bonus in campaigns(programme):
            pool = self._state(self.keys.pool(BUDGET, bonus.name))
            drawn = pool.drawn if pool else 0
            found.append(Budget(bonus.name, bonus.budget_points or 0, drawn))
        return found
