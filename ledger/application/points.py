"""Points outside a receipt: redeemed, reserved, given and taken by hand."""

from __future__ import annotations

from typing import cast

from ledger.aggregates.claim import Claimed
from ledger.aggregates.voucher import VoucherState
from ledger.application.door import Door
from ledger.commands.adjust import Adjust
from ledger.commands.common import Outcome
from ledger.commands.holds import HoldPoints, ReleaseHold, SettleHold
from ledger.commands.redeem import Redeem, UndoRedemption
from ledger.commands.stock import StockGift, pool_of
from ledger.commands.vouchers import UseVoucher
from ledger.errors import VoucherUnknown
from ledger.types import Instant


class Points(Door):
    """Commands on points."""

    def redeem(
        self, card: str, command_id: str, *, points: int = 0, gift: str = "", variant: str = "",
        voucher: str = "", store: str = "", basket_minor: int = 0,
    ) -> Outcome:  # fmt: skip
        """Burn points, as cash, for a gift or for a voucher (`voucher_code` gives its code).

        `basket_minor` is needed where points may pay only a share of a basket.

        Raises:
            KeyConflict, CardUnknown, CardBlocked, CardMayNotRedeem, CardLimitReached,
            RedeemNotOffered, RedeemStep, RedeemShare, AmountInvalid, PointsShort, OutOfStock,
            InputInvalid.
        """
        return self._do(
            Redeem(card, command_id, points, gift, store, variant, voucher, basket_minor)
        )

    def undo_redemption(self, redemption: str, reason: str, author: str) -> Outcome:
        """Give back the points of a redemption or settled hold, named by its command id.

        Raises:
            RedemptionUnknown, VoucherSpent, InputInvalid.
        """
        return self._do(UndoRedemption(redemption, reason, author))

    def voucher_code(self, command_id: str) -> str:
        """The code of the voucher that was redeemed under a command id."""
        return self.keys.voucher_code(command_id)

    def voucher(self, code: str) -> VoucherState:
        """What is known of a voucher.

        Raises:
            VoucherUnknown.
        """
        known = cast("VoucherState | None", self._state(self.keys.voucher(code)))
        if known is None:
            raise VoucherUnknown(field="code")
        return known

    def use_voucher(self, code: str, command_id: str, store: str = "") -> Outcome:
        """Let a voucher pay, once.

        Raises:
            VoucherUnknown, VoucherSpent, VoucherExpired, InputInvalid.
        """
        return self._do(UseVoucher(code, command_id, store))

    def hold(
        self, card: str, points: int, command_id: str, *, minutes: int = 0, store: str = "",
        basket_minor: int = 0,
    ) -> Outcome:  # fmt: skip
        """Reserve points as cash for so many minutes (0: as long as the programme lets).

        Raises:
            KeyConflict, CardUnknown, CardBlocked, RedeemNotOffered, RedeemStep, RedeemShare,
            AmountInvalid, PointsShort, InputInvalid.
        """
        return self._do(HoldPoints(card, points, command_id, minutes, store, basket_minor))

    def settle(
        self, hold: str, points: int = 0, *, captured_at: Instant | None = None, store: str = "",
        basket_minor: int = 0,
    ) -> Outcome:  # fmt: skip
        """Pay out a hold, named by its command id: all of it, or so many points.

        Raises:
            HoldUnknown, HoldOver, CapturedTooLate, AmountInvalid, RedeemStep, RedeemShare,
            InputInvalid.
        """
        return self._do(SettleHold(hold, points, captured_at, store, basket_minor))

    def release(self, hold: str) -> Outcome:
        """Give a hold up.

        Raises:
            HoldUnknown, HoldOver.
        """
        return self._do(ReleaseHold(hold))

    def store_of(self, command_id: str) -> str | None:
        """Where points were held or redeemed under a command id; None where none were."""
        for kind in ("redeem", "hold"):
            known = cast("Claimed | None", self._state(self.keys.command(kind, command_id)))
            if known is not None:
                return str(self.event(Outcome(known.stream, known.version)).store)
        return None

    def stock_gift(
        self, gift: str, pieces: int, author: str, command_id: str, *, variant: str = ""
    ) -> Outcome:
        """Put pieces of a gift into stock, or take them out (below zero).

        Raises:
            KeyConflict, RedeemNotOffered, AmountInvalid, OutOfStock, InputInvalid.
        """
        return self._do(StockGift(gift, pieces, author, command_id, variant))

    def stock_left(self, gift: str, variant: str = "") -> int:
        """The pieces of a gift that are left."""
        pool = self._state(pool_of(self.keys, gift, variant))
        return pool.stocked - pool.drawn if pool else 0

    def adjust(
        self, card: str, points: int, reason: str, author: str, command_id: str, *,
        role: str = "", approved_by: str = "", approver_role: str = "",
    ) -> Outcome:  # fmt: skip
        """Give or take points by hand, within the limits of a role where the programme has any.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, RoleUnknown, RoleLimit, SecondPersonNeeded, AmountInvalid,
            PointsShort, InputInvalid.
        """
        by = (role, approved_by, approver_role)
        return self._do(Adjust(card, points, reason, author, command_id, *by))
