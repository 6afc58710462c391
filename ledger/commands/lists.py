"""Issuing the shopping list that was made for a member, once a day that it was made for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.state import Member
from ledger.calendar import local_day
from ledger.commands.campaigns import campaign_of, pools_of
from ledger.commands.common import Outcome, claim, member_of, rules_at
from ledger.commands.offers import IssueList, left_of
from ledger.errors import LedgerError
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Day, date_of


def list_id(as_of: Day, member: bytes) -> str:
    """The command id of a member's list: the same for a day, whoever makes it."""
    return f"list:{date_of(as_of).isoformat()}:{member.hex()}"


class IssueMade(NamedTuple):
    """Issue a list that was made.

    `offers` are what stands on its lines, each for its product, those of campaigns that hold the
    member out too: which these are is decided here.
    """

    member: bytes
    offers: tuple[e.ListedOffer, ...]
    from_day: Day
    until_day: Day
    shopping: e.ShoppingList

    @property
    def command_id(self) -> str:
        """One list a member and day."""
        return list_id(self.shopping.as_of, self.member)

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the claim and the member; campaigns, their pools, products."""
        keys = working.keys
        yield from (PROGRAMME_STREAM, keys.command("offers", self.command_id), self.member)
        for code in dict.fromkeys(offer.campaign for offer in self.offers):
            yield from (keys.campaign(code), *pools_of(keys, code))
        yield from (keys.product(offer.product) for offer in self.offers)

    def decide(self, working: Working) -> Outcome:
        """Record it with the offers that stand; nothing where the account is closed by now.

        Another list that was made for the same day is a repeat: the member keeps the first.

        Raises:
            KeyConflict: the day's list was issued for other days.
            MemberUnknown: there is no such member.
            InputInvalid: its days are past, or the member has too many lists.
        """
        stream = self.member
        content = (stream, self.shopping.as_of, self.from_day, self.until_day)
        claimed = claim(working, "offers", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        member = member_of(working, stream)
        if member.closed or member.erased:
            return Outcome(stream, working.version(stream), repeat=True)
        offers = tuple(one for one in self.offers if self._stands(working, member, one))
        issue = IssueList(stream, offers, self.from_day, self.until_day, self.command_id)
        event = issue.event(working, stream, member, self.shopping)
        return claimed.record(working, stream, working.emit(stream, event))

    def _stands(self, working: Working, member: Member, offer: e.ListedOffer) -> bool:
        """Whether an offer is as it was when the list was made, with something left to give."""
        alone = IssueList(
            self.member, (offer,), self.from_day, self.until_day, self.command_id
        )  # fmt: skip
        try:
            alone.listed(working, member, offer)
        except LedgerError:
            return False
        state = campaign_of(working, offer.campaign)
        zone = rules_at(working, working.now).programme.time_zone
        left = left_of(working, member, state, local_day(working.now, zone))
        return left.pieces > 0 and left.minor > 0


class NoList(NamedTuple):
    """Nothing for a member who buys nothing, or too little."""

    member: bytes

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """None."""
        return ()

    def decide(self, working: Working) -> None:
        """Record nothing."""
