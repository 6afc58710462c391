"""Looks up receipts that were recorded before, so that a return can name the line it takes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from adapters.pos.terms import Sold, SoldLine
from ledger.application import LoyaltyLedger
from ledger.projections.receipt import FCT_RECEIPT_LINE
from ledger.types import ReceiptKey

KEYS_AT_ONCE = 500
"""SQLite takes some thousands of parameters."""


class InLedger:
    """The receipts of a ledger, as its reports have them."""

    def __init__(self, ledger: LoyaltyLedger) -> None:
        """The reports are brought up to date at the first question, and not again."""
        self._ledger = ledger
        self._behind = True

    def __call__(self, keys: Iterable[ReceiptKey]) -> Sold | None:
        """The first receipt of these keys that was recorded.

        What came back of it already does not count: the same return, fed again, has to find the
        same line.
        """
        asked = iter(keys)
        while some := list(islice(asked, KEYS_AT_ONCE)):
            if found := self._first(some):
                return found
        return None

    def _first(self, keys: Sequence[ReceiptKey]) -> Sold | None:
        ids = {self._ledger.keys.receipt(key): key for key in keys}
        marks = ", ".join("?" * len(ids))
        with self._ledger.reading(catch_up=self._behind) as reader:
            self._behind = False
            rows = reader.rows(
                f"SELECT receipt_id, line, product, quantity FROM {reader.name(FCT_RECEIPT_LINE)}"
                f" WHERE receipt_id IN ({marks}) AND voided = 0 AND quantity > 0 ORDER BY line",
                tuple(ids),
            )
        lines: dict[ReceiptKey, list[SoldLine]] = {}
        for receipt, line, product, quantity in rows:
            sold = lines.setdefault(ids[bytes(receipt)], [])
            sold.append(SoldLine(int(line), str(product), int(quantity)))
        return next((Sold(key, lines[key]) for key in keys if key in lines), None)
