"""Complaints."""

from __future__ import annotations

from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.complaints import AnswerComplaint, OpenComplaint, ResolveComplaint
from ledger.errors import InputInvalid
from ledger.types import ReceiptKey


class Complaints(Door):
    """Commands on complaints."""

    def open_complaint(
        self, card: str, receipt: ReceiptKey, line: int, reason: str, author: str, command_id: str
    ) -> Outcome:
        """Take in a complaint on a receipt line; `complaint_id` gives its id.

        Raises:
            KeyConflict, CardUnknown, ReceiptUnknown, LineUnknown, MemberConflict, InputInvalid.
        """
        return self._do(OpenComplaint(card, receipt, line, reason, author, command_id))

    def complaint_id(self, command_id: str) -> str:
        """The id of the complaint that was opened under a command id."""
        return self.keys.command("complaint", command_id).hex()

    def answer_complaint(
        self, card: str, complaint: str, answer: str, author: str, command_id: str
    ) -> Outcome:
        """Answer a complaint.

        Raises:
            KeyConflict, CardUnknown, ComplaintUnknown, InputInvalid.
        """
        return self._do(AnswerComplaint(card, _id(complaint), answer, author, command_id))

    def resolve_complaint(
        self, card: str, complaint: str, resolution: str, points: int, author: str,
        command_id: str, *, role: str = "", approved_by: str = "", approver_role: str = "",
    ) -> Outcome:  # fmt: skip
        """Close a complaint, with points as compensation or none.

        Raises:
            KeyConflict, CardUnknown, ComplaintUnknown, AmountInvalid, CompensationTooLarge,
            RoleUnknown, RoleLimit, SecondPersonNeeded, InputInvalid.
        """
        by = (role, approved_by, approver_role)
        return self._do(
            ResolveComplaint(card, _id(complaint), resolution, points, author, command_id, *by)
        )


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputInvalid("It is no id.", field="complaint") from None
