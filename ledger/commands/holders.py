"""Who holds a card of the member, and what the card may spend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.holders import NO_LIMIT
from ledger.commands.common import (
    Outcome,
    accepting,
    card_index,
    claim,
    owner_of,
    sealed_text,
    storable,
)
from ledger.commands.redeem import owned_streams
from ledger.errors import InputInvalid
from ledger.store.keys import fingerprint
from ledger.store.working import Working
from ledger.types import MOST_POINTS


class Holding(NamedTuple):
    """A card's holder (a name, or empty) and limits."""

    name: str = ""
    may_redeem: bool = True
    redeem_limit_day: int = NO_LIMIT

    def checked(self) -> Holding:
        """Itself, if it makes sense.

        Raises:
            InputInvalid: the limit is no number of points.
        """
        if not NO_LIMIT <= self.redeem_limit_day <= MOST_POINTS:
            msg = f"It is -1 for none, or up to {MOST_POINTS}."
            raise InputInvalid(msg, field="redeem_limit_day")
        return self


class SetCardLimits(NamedTuple):
    """Say anew who holds a card and what it may spend."""

    card: str
    holding: Holding
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim, the card and its member."""
        return owned_streams(working, "card-limits", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record them.

        Raises:
            KeyConflict: the command id was used for another.
            CardUnknown: nobody holds the card.
            MemberClosed: the account is closed.
            InputInvalid: no author is given, or the limit is wrong.
            PersonalDataUnavailable: a name is given, and the `cryptography` extra is missing.
        """
        storable(author=self.author)
        stream, member = owner_of(working, self.card)
        card = working.keys.card(self.card)
        name, may_redeem, limit = self.holding.checked()
        holder = sealed_text(working, stream, name)
        told = fingerprint(name, working.personal_key(stream) or working.keys.secret)
        content = (stream, card, told, may_redeem, limit, self.author)
        claimed = claim(working, "card-limits", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        if not self.author:
            raise InputInvalid("Limits of a card need an author.", field="author")
        event = e.CardLimited(
            working.now, card_index(member, card), holder, may_redeem, limit, self.author,
            self.command_id,
        )  # fmt: skip
        return claimed.record(working, stream, working.emit(stream, event))
