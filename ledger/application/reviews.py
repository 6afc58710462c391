"""What waits for a person, and who is a cashier."""

from __future__ import annotations

from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.review import DecideReview, MarkStaffCard
from ledger.errors import InputInvalid
from ledger.projections.review import ReviewRow, reviews
from ledger.store.keys import ID_BYTES, RECEIPT
from ledger.types import ReceiptKey


class Reviews(Door):
    """Commands on reviews, and the queue."""

    def decide_review(
        self, receipt: ReceiptKey | str, reason: str, author: str, command_id: str, *, approve: bool
    ) -> Outcome:
        """Approve or deny what waits for review; the receipt by its key, or its id as listed.

        Raises:
            KeyConflict, ReceiptUnknown, ReviewUnknown, InputInvalid.
        """
        stream = _id(receipt) if isinstance(receipt, str) else self.keys.receipt(receipt)
        return self._do(DecideReview(stream, approve, reason, author, command_id))

    def mark_staff_card(self, card: str, cashier: str, author: str) -> Outcome:
        """Say that a card's holder is this cashier; with an empty one, no cashier any more.

        Raises:
            CardUnknown, InputInvalid.
        """
        return self._do(MarkStaffCard(card, cashier, author))

    def reviews(self, *, flagged: bool = False, decided: bool = False) -> list[ReviewRow]:
        """The queue, oldest first: what waits; `flagged` receipts, or what was decided."""
        with self.reading() as reader:
            return reviews(reader, flagged=flagged, decided=decided)


def _id(text: str) -> bytes:
    try:
        stream = bytes.fromhex(text)
    except ValueError:
        stream = b""
    if len(stream) != ID_BYTES or stream[0] != RECEIPT:
        raise InputInvalid("It is no receipt's id.", field="receipt")
    return stream
