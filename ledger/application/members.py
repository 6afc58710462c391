"""Members and their cards."""

from __future__ import annotations

from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.membership import BlockCard, Enrol, LinkCard
from ledger.types import Personal


class Members(Door):
    """Commands on members and their cards."""

    def enrol(self, card: str, personal: Personal | None = None, store: str = "") -> Outcome:
        """Make a member.

        Raises:
            CardTaken, KeyConflict, InputInvalid, PersonalDataUnavailable.
        """
        return self._do(Enrol(card, personal or Personal(), store))

    def link_card(self, member_card: str, card: str) -> Outcome:
        """Give a member one more card.

        Raises:
            CardUnknown, CardTaken, InputInvalid.
        """
        return self._do(LinkCard(member_card, card))

    def replace_card(self, old: str, new: str) -> Outcome:
        """Give a member a new card in place of another, which stops.

        Raises:
            CardUnknown, CardTaken, CardBlocked, KeyConflict, InputInvalid.
        """
        return self._do(LinkCard(old, new, replace=True))

    def block_card(self, card: str, reason: str) -> Outcome:
        """Stop a card.

        Raises:
            CardUnknown, InputInvalid.
        """
        return self._do(BlockCard(card, reason))
