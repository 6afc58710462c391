"""Complaints about a receipt line: opened, answered, resolved with points or without."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.member.points import open_complaint, resolve
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.common import (
    Outcome,
    accepting,
    act,
    claim,
    owner_of,
    rules_at,
    same_member,
    storable,
)
from ledger.commands.goods import scan_in
from ledger.commands.redeem import owned_streams
from ledger.commands.sign import signed
from ledger.errors import InputInvalid, LineUnknown, MemberConflict, ReceiptUnknown
from ledger.policies.authority import Signature, authorise
from ledger.store.working import Working
from ledger.types import ReceiptKey


class OpenComplaint(NamedTuple):
    """Take a complaint in; its id comes from the command id."""

    card: str
    receipt: ReceiptKey
    line: int
    """Counted from 1."""
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """Those of the member, and the receipt."""
        owned = owned_streams(working, "complaint", self.command_id, self.card)
        return (*owned, working.keys.receipt(self.receipt))

    def decide(self, working: Working) -> Outcome:
        """Record the complaint.

        Raises:
            KeyConflict: the command id was used for another complaint.
            CardUnknown: nobody holds the card.
            ReceiptUnknown, LineUnknown, MemberConflict: it is not a line the member bought.
        """
        storable(reason=self.reason, author=self.author)
        stream, member = owner_of(working, self.card)
        content = (stream, tuple(self.receipt), self.line, self.reason, self.author)
        claimed = claim(working, "complaint", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        if not self.reason:
            raise InputInvalid("A complaint needs a reason.", field="reason")
        accepting(member)
        receipt = self._receipt(working, stream)
        event = e.ComplaintOpened(
            working.now, claimed.stream, receipt, self.line, self.reason, self.author
        )
        return claimed.record(working, stream, working.emit(stream, event))

    def _receipt(self, working: Working, member: bytes) -> bytes:
        receipt = working.keys.receipt(self.receipt)
        state = cast("ReceiptState | None", working.state(receipt))
        if state is None or not state.fingerprint:
            raise ReceiptUnknown(f"`{self.receipt}`", field="receipt")
        if not state.member or not same_member(working, state.member, member):
            raise MemberConflict(f"`{self.receipt}`", field="receipt")
        if not 1 <= self.line <= len(scan_in(working, receipt).goods.quantities):
            raise LineUnknown(f"Line {self.line}.", field="line")
        return receipt


class AnswerComplaint(NamedTuple):
    """Tell the member something about an open complaint."""

    card: str
    complaint: bytes
    answer: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """Those of the member."""
        return owned_streams(working, "answer", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the answer.

        Raises:
            KeyConflict: the command id was used for another answer.
            CardUnknown: nobody holds the card.
            ComplaintUnknown: the member has no such open complaint.
        """
        storable(answer=self.answer, author=self.author)
        stream, member = owner_of(working, self.card)
        content = (stream, self.complaint, self.answer, self.author)
        claimed = claim(working, "answer", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        open_complaint(member, self.complaint)
        event = e.ComplaintAnswered(working.now, self.complaint, self.answer, self.author)
        return claimed.record(working, stream, working.emit(stream, event))


class ResolveComplaint(NamedTuple):
    """Close a complaint, with points as compensation or none."""

    card: str
    complaint: bytes
    resolution: str
    points: int
    author: str
    command_id: str
    role: str = ""
    approved_by: str = ""
    approver_role: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """Those of the member."""
        return owned_streams(working, "resolve", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the resolution.

        Raises:
            KeyConflict: the command id was used for another resolution.
            CardUnknown: nobody holds the card.
            RoleUnknown, RoleLimit, SecondPersonNeeded: see `authorise`.
            ComplaintUnknown, AmountInvalid, CompensationTooLarge: see the member's decisions.
        """
        by = Signature(self.author, self.role, self.approved_by, self.approver_role)
        storable(resolution=self.resolution, **by._asdict())
        stream, member = owner_of(working, self.card)
        content = (stream, self.complaint, self.resolution, self.points, *by.content())
        claimed = claim(working, "resolve", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, self.author)
        event = resolve(member, self.complaint, self.resolution, self.points, rules, done)
        authorise(rules.programme.staff, "compensate", self.points, by)
        return claimed.record(working, stream, working.emit(stream, signed(event, by)))
