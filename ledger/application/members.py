"""Members and their cards."""

from __future__ import annotations

from ledger.aggregates.member.holders import NO_LIMIT
from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.holders import Holding
from ledger.commands.membership import PERSON, BlockCard, Enrol, LinkCard
from ledger.types import Personal


class Members(Door):
    """Commands on members and their cards."""

    def enrol(
        self, card: str, personal: Personal | None = None, store: str = "", *,
        kind: str = PERSON, identity: str = "",
    ) -> Outcome:  # fmt: skip
        """Make a member, or link the card to the one who has the identity already.

        Raises:
            CardTaken, KeyConflict, InputInvalid, PersonalDataUnavailable, MemberClosed.
        """
        return self._do(Enrol(card, personal or Personal(), store, kind, identity))

    def link_card(
        self, member_card: str, card: str, *, holder: str = "", may_redeem: bool = True,
        redeem_limit_day: int = NO_LIMIT,
    ) -> Outcome:  # fmt: skip
        """Give a member one more card, for its holder to spend no more than a limit on a day.

        Raises:
            CardUnknown, CardTaken, CardBlocked, MemberClosed, InputInvalid,
            PersonalDataUnavailable.
        """
        holding = Holding(holder, may_redeem, redeem_limit_day)
        return self._do(LinkCard(member_card, card, holding=holding))

    def replace_card(self, old: str, new: str) -> Outcome:
        """Give a member a new card in place of another, which stops.

        Raises:
            CardUnknown, CardTaken, CardBlocked, MemberClosed, KeyConflict, InputInvalid.
        """
        return self._do(LinkCard(old, new, replace=True))

    def block_card(self, card: str, reason: str) -> Outcome:
        """Stop a card.

        Raises:
            CardUnknown, InputInvalid.
        """
        return self._do(BlockCard(card, reason))
