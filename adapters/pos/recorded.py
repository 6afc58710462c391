"""Looks up receipts that were recorded before, so that a return can name the line it takes back."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.pos.terms import SoldLine
from ledger.application import LoyaltyLedger
from ledger.projections.receipt import FCT_RECEIPT_LINE
from ledger.types import ReceiptKey


class InLedger:
    """The receipts of a ledger, as its reports have them."""

    def __init__(self, ledger: LoyaltyLedger) -> None:
        """The reports are brought up to date at the first question, and not again."""
        self._ledger = ledger
        self._behind = True

    def __call__(self, key: ReceiptKey) -> Sequence[SoldLine]:
        """What of a receipt's goods did not come back yet; none where there is no such receipt."""
        with self._ledger.reading(catch_up=self._behind) as reader:
            self._behind = False
            rows = reader.rows(
                f"SELECT line, product, quantity - returned_quantity"
                f" FROM {reader.name(FCT_RECEIPT_LINE)}"
                " WHERE receipt_id = ? AND voided = 0 AND quantity > returned_quantity"
                " ORDER BY line",
                (self._ledger.keys.receipt(key),),
            )
        return [SoldLine(int(line), str(product), int(left)) for line, product, left in rows]
