"""Points from one member to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.holders import check_card_may_redeem
from ledger.aggregates.member.transfers import transfer
from ledger.commands.common import Outcome, accepting, act, card_index, claim, owner_of, rules_at
from ledger.commands.merge import pair_streams
from ledger.errors import CardBlocked, InputInvalid
from ledger.store.working import Working


class Transfer(NamedTuple):
    """Give points of one card's holder to another's."""

    card_from: str
    card_to: str
    points: int
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, both cards and their members."""
        return pair_streams(working, "transfer", self.command_id, (self.card_from, self.card_to))

    def decide(self, working: Working) -> Outcome:
        """Record it in both members.

        Raises:
            KeyConflict: the command id was used for another transfer.
            CardUnknown, CardBlocked, MemberClosed: one of the cards will not do.
            CardMayNotRedeem, CardLimitReached: the giver's card may not spend so many.
            InputInvalid: both cards are of one member.
            TransferNotOffered, TransferLimit, AmountInvalid, PointsShort: see the decision.
        """
        keys = working.keys
        content = (keys.card(self.card_from), keys.card(self.card_to), self.points)
        claimed = claim(working, "transfer", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        stream, giver = owner_of(working, self.card_from)
        to, receiver = owner_of(working, self.card_to)
        if stream == to:
            raise InputInvalid("Both cards are of one member.", field="card_to")
        cards = {}
        for field, member in (("card_from", giver), ("card_to", receiver)):
            accepting(member)
            cards[field] = card_index(member, keys.card(getattr(self, field)))
            if member.cards[cards[field]].stopped:
                raise CardBlocked(field=field)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id)
        sent, received = transfer(
            giver, receiver, (stream, to), self.points, cards["card_from"], rules, done
        )
        check_card_may_redeem(giver, cards["card_from"], self.points, done.day)
        version = working.emit(stream, sent)
        working.emit(to, received)
        return claimed.record(working, stream, version)
