"""Receipts, and what comes back of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from ledger.application.door import Door
from ledger.commands.attribution import Attribute
from ledger.commands.common import Outcome
from ledger.commands.record_receipt import RecordReceipt
from ledger.commands.returns import ReturnGoods, ReturnLoose
from ledger.commands.voiding import VoidReturn
from ledger.types import Receipt, ReceiptKey


class Receipts(Door):
    """Commands on receipts."""

    def record(self, receipt: Receipt, *, history: bool = False, enrol: bool = False) -> Outcome:
        """Record a receipt, and what it earns.

        Raises:
            KeyConflict, MemberConflict, CurrencyUnknown, CapturedInFuture, LineUnknown, ReturnTooLarge, PointsSpent.
        """
        return self._do(RecordReceipt(receipt, history, enrol))

    def record_all(
        self, receipts: Iterable[Receipt], *, history: bool = False, enrol: bool = False
    ) -> list[Any]:
        """Record receipts together; refusals stand among the outcomes, in order."""
        return self.record_later(receipts, history=history, enrol=enrol).result()

    def record_later(
        self, receipts: Iterable[Receipt], *, history: bool = False, enrol: bool = False
    ) -> Future[list[Any]]:
        """The same without waiting: the answers come when the receipts are durable.

        Raises:
            Busy, Closed.
        """
        return self._writer.submit_all([RecordReceipt(r, history, enrol) for r in receipts])

    def attribute(self, receipt: ReceiptKey, card: str) -> Outcome:
        """Give a receipt without a member to a card's holder.

        Raises:
            ReceiptUnknown, MemberConflict, CapturedTooLate, CardUnknown, ReceiptInReview,
            ReceiptDenied.
        """
        return self._do(Attribute(receipt, card))

    def return_goods(
        self, receipt: ReceiptKey, command_id: str, lines: Mapping[int, int] | None = None
    ) -> Outcome:
        """Take back a receipt, or quantities of its lines (counted from 1).

        Raises:
            KeyConflict, ReceiptUnknown, LineUnknown, ReturnTooLarge, PointsSpent.
        """
        return self._do(ReturnGoods(receipt, command_id, lines or {}))

    def return_without_receipt(
        self, card: str, amount_minor: int, author: str, command_id: str, *, product: str = "-",
        category: str = "",
    ) -> Outcome:  # fmt: skip
        """Take goods back of which nobody knows the receipt.

        Raises:
            KeyConflict, CardUnknown, AmountInvalid, PointsSpent, InputInvalid.
        """
        return self._do(ReturnLoose(card, amount_minor, author, command_id, product, category))

    def void_return(self, receipt: ReceiptKey, by: ReceiptKey | str, command_id: str) -> Outcome:
        """Take a return back, which a receipt or a command id (`by`) had brought.

        Raises:
            KeyConflict, ReturnUnknown.
        """
        return self._do(VoidReturn(receipt, by, command_id))
