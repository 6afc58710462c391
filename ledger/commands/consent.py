"""Whether a member wants to be told offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger import events as e
from ledger.commands.common import Outcome, accepting, authored, claim, owner_of, storable
from ledger.commands.redeem import owned_streams
from ledger.store.working import Working

CONSENT = "consent"


class SetConsent(NamedTuple):
    """Record that a card's holder consents to be told offers, or does not any more."""

    card: str
    given: bool
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim, the card and its member."""
        return owned_streams(working, CONSENT, self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record it, also where it was so before: each time counts as asked.

        Raises:
            KeyConflict: the command id was used for something else.
            CardUnknown: nobody holds the card.
            MemberClosed: the account is closed.
            InputInvalid: no author is given.
        """
        storable(author=self.author)
        stream, member = owner_of(working, self.card)
        authored(self.author, "Consent")
        claimed = claim(working, CONSENT, self.command_id, (stream, self.given, self.author))
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        event = e.OffersConsented(working.now, self.given, self.author, self.command_id)
        return claimed.record(working, stream, working.emit(stream, event))
