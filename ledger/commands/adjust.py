"""Points given or taken by staff."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.points import adjust
from ledger.commands.common import Outcome, accepting, act, claim, owner_of, rules_at, storable
from ledger.commands.redeem import owned_streams
from ledger.store.working import Working


class Adjust(NamedTuple):
    """Give (`points` above zero) or take points, with a reason and an author."""

    card: str
    points: int
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member."""
        return owned_streams(working, "adjust", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the adjustment.

        Raises:
            KeyConflict: the command id was used for another adjustment.
            CardUnknown: nobody holds the card.
            AmountInvalid, PointsShort: see the member's decisions.
        """
        storable(reason=self.reason, author=self.author)
        stream, member = owner_of(working, self.card)
        content = (stream, self.points, self.reason, self.author)
        claimed = claim(working, "adjust", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, self.author)
        event = adjust(member, self.points, self.reason, rules, done)
        return claimed.record(working, stream, working.emit(stream, event))
