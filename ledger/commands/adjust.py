"""Points given or taken by staff."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.points import adjust
from ledger.commands.common import (
    Outcome,
    accepting,
    act,
    claim,
    owner_of,
    present,
    rules_at,
    storable,
)
from ledger.commands.redeem import owned_streams
from ledger.commands.sign import signed
from ledger.policies.authority import Signature, authorise
from ledger.store.working import Working


class Adjust(NamedTuple):
    """Give (`points` above zero) or take points, with a reason and an author."""

    card: str
    points: int
    reason: str
    author: str
    command_id: str
    role: str = ""
    approved_by: str = ""
    approver_role: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member."""
        return owned_streams(working, "adjust", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the adjustment.

        Raises:
            KeyConflict: the command id was used for another adjustment.
            CardUnknown: nobody holds the card.
            RoleUnknown, RoleLimit, SecondPersonNeeded: see `authorise`.
            AmountInvalid, PointsShort: see the member's decisions.
        """
        by = Signature(self.author, self.role, self.approved_by, self.approver_role)
        storable(reason=self.reason, **by._asdict())
        stream, member = owner_of(working, self.card)
        content = (stream, self.points, self.reason, *by.content())
        claimed = claim(working, "adjust", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, self.author)
        authorise(rules.programme.staff, "adjust", self.points, by)
        event = adjust(present(working, stream), self.points, self.reason, rules, done)
        return claimed.record(working, stream, working.emit(stream, signed(event, by)))
