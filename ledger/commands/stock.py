"""The stock of gifts: pieces delivered, taken by redemptions, given back when one is undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger import events as e
from ledger.commands.common import Outcome, authored, claim, rules_at, storable
from ledger.errors import AmountInvalid, OutOfStock
from ledger.policies.redeem import gift_of
from ledger.programme import Gift
from ledger.store.keys import PROGRAMME_STREAM, Keys
from ledger.store.working import Working
from ledger.types import MOST_POINTS


class StockGift(NamedTuple):
    """Put pieces of a gift into stock; below zero they are taken out."""

    gift: str
    pieces: int
    author: str
    command_id: str
    variant: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim and the gift's pool."""
        keys = working.keys
        pool = pool_of(keys, self.gift, self.variant)
        return (PROGRAMME_STREAM, keys.command("stock", self.command_id), pool)

    def decide(self, working: Working) -> Outcome:
        """Record the delivery.

        Raises:
            KeyConflict: the command id was used for another delivery.
            RedeemNotOffered: there is no such gift, or not in this variant.
            AmountInvalid: nothing, or too much at once.
            OutOfStock: more is taken out than is there.
            InputInvalid: no author is given.
        """
        storable(author=self.author)
        content = (self.gift, self.variant, self.pieces, self.author)
        claimed = claim(working, "stock", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        gift_of(rules_at(working, working.now).programme.redeem, self.gift, self.variant)
        if not self.pieces or abs(self.pieces) > MOST_POINTS:
            raise AmountInvalid(field="pieces")
        authored(self.author, "Stock")
        pool = pool_of(working.keys, self.gift, self.variant)
        left = working.pool_left(pool)
        if left + self.pieces < 0:
            msg = f"{-self.pieces} asked, {left} left."
            raise OutOfStock(msg, field="pieces")
        event = e.Stocked(self.pieces, self.author, self.command_id)
        return claimed.record(working, pool, working.emit(pool, event))


def pool_of(keys: Keys, gift: str, variant: str) -> bytes:
    """The stream of a gift's stock."""
    return keys.pool("gift", f"{gift}\n{variant}")


def take_piece(working: Working, gift: Gift, variant: str) -> int:
    """Take one piece of a gift that is kept in stock; how many were taken.

    Raises:
        OutOfStock: none is left.
    """
    if not gift.stock:
        return 0
    pool = pool_of(working.keys, gift.code, variant)
    if working.pool_left(pool) < 1:
        raise OutOfStock(f"`{' '.join(filter(None, (gift.code, variant)))}`", field="gift")
    working.draw(pool, 1)
    return 1
