"""Redeeming points, as money off or for a gift."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from msgspec.structs import replace

from ledger.aggregates.card import CardState
from ledger.aggregates.member.holders import check_card_may_redeem
from ledger.aggregates.member.points import redeem_cash, redeem_gift
from ledger.commands.common import Outcome, act, card_index, claim, owner_of, rules_at, storable
from ledger.errors import CardBlocked
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working


class Redeem(NamedTuple):
    """Burn points: `points` of them as cash, or the price of `gift`."""

    card: str
    command_id: str
    points: int = 0
    gift: str = ""
    store: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member."""
        return owned_streams(working, "redeem", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the redemption.

        Raises:
            KeyConflict: the command id was used for another redemption.
            CardUnknown, CardBlocked: the card cannot pay.
            CardMayNotRedeem, CardLimitReached: the card's holder may not spend so many.
            RedeemNotOffered, RedeemStep, AmountInvalid, PointsShort: see the member's decisions.
        """
        storable(store=self.store)
        stream, member = owner_of(working, self.card)
        content = (stream, self.points, self.gift)
        claimed = claim(working, "redeem", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        card = card_index(member, working.keys.card(self.card))
        if member.cards[card].stopped:
            raise CardBlocked(field="card")
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, store=self.store)
        if self.gift:
            event = redeem_gift(member, self.gift, rules, done)
        else:
            event = redeem_cash(member, self.points, rules, done)
        check_card_may_redeem(member, card, event.points, done.day)
        event = replace(event, card=card, day=done.day)
        return claimed.record(working, stream, working.emit(stream, event))


def owned_streams(working: Working, kind: str, command_id: str, card: str) -> Iterable[bytes]:
    """The streams of a command that acts on the holder of a card."""
    keys = working.keys
    owner = cast("CardState | None", working.known(keys.card(card)))
    member = (owner.member,) if owner and owner.member else ()
    return (PROGRAMME_STREAM, keys.command(kind, command_id), keys.card(card), *member)
