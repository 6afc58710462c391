"""Points outside a receipt."""

from __future__ import annotations

from ledger.application.door import Door
from ledger.commands.adjust import Adjust
from ledger.commands.common import Outcome
from ledger.commands.redeem import Redeem


class Points(Door):
    """Commands on points."""

    def redeem(
        self, card: str, command_id: str, *, points: int = 0, gift: str = "", store: str = ""
    ) -> Outcome:
        """Burn points, as cash or for a gift.

        Raises:
            KeyConflict, CardUnknown, CardBlocked, CardMayNotRedeem, CardLimitReached, RedeemNotOffered, RedeemStep, AmountInvalid,
            PointsShort, InputInvalid.
        """
        return self._do(Redeem(card, command_id, points, gift, store))

    def adjust(self, card: str, points: int, reason: str, author: str, command_id: str) -> Outcome:
        """Give or take points by hand.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, AmountInvalid, PointsShort, InputInvalid.
        """
        return self._do(Adjust(card, points, reason, author, command_id))
