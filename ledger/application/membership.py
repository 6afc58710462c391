"""What becomes of members: completed, merged, parted, closed, erased; points between them."""

from __future__ import annotations

from ledger.aggregates.member.holders import NO_LIMIT
from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.consent import SetConsent
from ledger.commands.holders import Holding, SetCardLimits
from ledger.commands.leaving import CloseMember, EraseMember
from ledger.commands.merge import Merge, Unmerge
from ledger.commands.persons import ChangePersonal, Complete
from ledger.commands.transfer import Transfer
from ledger.types import Personal


class Membership(Door):
    """Commands on whole members."""

    def complete(self, card: str, personal: Personal) -> Outcome:
        """Give a member of whom only a card is known personal data.

        Raises:
            CardUnknown, MemberClosed, KeyConflict, InputInvalid, PersonalDataUnavailable.
        """
        return self._do(Complete(card, personal))

    def change_personal(
        self, card: str, personal: Personal, author: str, command_id: str
    ) -> Outcome:
        """Put a member's personal data right; what is given replaces all.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, InputInvalid, PersonalDataUnavailable.
        """
        return self._do(ChangePersonal(card, personal, author, command_id))

    def set_consent(self, card: str, author: str, command_id: str, *, given: bool) -> Outcome:
        """Record that a card's holder consents to be told offers, or does not any more.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, InputInvalid.
        """
        return self._do(SetConsent(card, given, author, command_id))

    def set_card_limits(
        self, card: str, author: str, command_id: str, *, holder: str = "",
        may_redeem: bool = True, redeem_limit_day: int = NO_LIMIT,
    ) -> Outcome:  # fmt: skip
        """Say anew who holds a card, and what it may spend.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, InputInvalid, PersonalDataUnavailable.
        """
        holding = Holding(holder, may_redeem, redeem_limit_day)
        return self._do(SetCardLimits(card, holding, author, command_id))

    def merge(
        self, card_from: str, card_into: str, reason: str, author: str, command_id: str
    ) -> Outcome:
        """Merge the holder of one card into the holder of another.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, MergeRefused, PointsHeld, InputInvalid.
        """
        return self._do(Merge(card_from, card_into, reason, author, command_id))

    def unmerge(self, merge_command_id: str, author: str, command_id: str) -> Outcome:
        """Undo a merge: what is left of what came goes back.

        Raises:
            KeyConflict, MergeUnknown, UnmergeRefused, MemberClosed, InputInvalid.
        """
        return self._do(Unmerge(merge_command_id, author, command_id))

    def transfer(self, card_from: str, card_to: str, points: int, command_id: str) -> Outcome:
        """Give points of one card's holder to another's.

        Raises:
            KeyConflict, CardUnknown, CardBlocked, MemberClosed, CardMayNotRedeem,
            CardLimitReached, TransferNotOffered, TransferLimit, AmountInvalid, PointsShort,
            InputInvalid.
        """
        return self._do(Transfer(card_from, card_to, points, command_id))

    def close_member(self, card: str, reason: str, author: str, command_id: str) -> Outcome:
        """Close an account: the points go, the cards stop.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, PointsHeld, InputInvalid.
        """
        return self._do(CloseMember(card, reason, author, command_id))

    def erase_member(self, card_or_id: str, reason: str, author: str, command_id: str) -> Outcome:
        """Close an account and destroy the key of its personal data, and of those merged in.

        Raises:
            KeyConflict, MemberUnknown, PointsHeld, InputInvalid.
        """
        return self._do(EraseMember(card_or_id, reason, author, command_id))
