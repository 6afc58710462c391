"""Giving a receipt to a member after it was recorded without one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.member.earning import Shopping
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.common import (
    Outcome,
    award_for,
    card_index,
    member_of,
    owner_of,
    rules_at,
    slide,
)
from ledger.commands.goods import lines_of, unclaimed_scan
from ledger.commands.returns import When, returns_before_award
from ledger.errors import CapturedTooLate, MemberConflict, ReceiptUnknown
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, ReceiptKey, Tender

DAY_SECONDS = 86_400


def attribute_waiting(
    working: Working, member: bytes, receipts: Iterable[bytes], recorded_at: Instant | None
) -> None:
    """Give a new card's earlier receipts to its owner; those past the late limit stay as they are."""
    for receipt in receipts:
        state = cast("ReceiptState", working.state(receipt))
        if not state.member:
            scanned = unclaimed_scan(working, receipt)
            if scanned.historical or _in_time(working, scanned.captured_at):
                newest = len(member_of(working, member).cards) - 1
                _attribute(working, member, newest, receipt, scanned, recorded_at)


def attribute_anonymous(working: Working, receipt: bytes, card: bytes) -> Outcome | None:
    """Give an anonymous receipt to a card's holder: the till sent it again, now with the card.

    None where it cannot be given: nobody holds the card, it is stopped, or it is too late.
    """
    owner = cast("CardState | None", working.state(card))
    if owner is None or not owner.member:
        return None
    member = member_of(working, owner.member)
    index = card_index(member, card)
    scan = unclaimed_scan(working, receipt)
    late = not scan.historical and not _in_time(working, scan.captured_at)
    if late or member.cards[index].stopped:
        return None
    recorded_at = scan.captured_at if scan.historical else None
    return Outcome(
        owner.member, _attribute(working, owner.member, index, receipt, scan, recorded_at)
    )


def _in_time(working: Working, captured_at: Instant) -> bool:
    limit = rules_at(working, captured_at).programme.late_scan_days
    return working.now - captured_at <= limit * DAY_SECONDS


def _attribute(
    working: Working, member: bytes, card: int, receipt: bytes, scan: e.Scan,
    recorded_at: Instant | None,
) -> int:  # fmt: skip
    state = member_of(working, member)
    rules = rules_at(working, scan.captured_at)
    lines = lines_of(scan.goods)
    shopping = Shopping(
        lines,
        tuple(Tender(kind, amount) for kind, amount in scan.tenders),
        scan.day,
        scan.captured_at,
    )
    got, change = award_for(working, member, state, card, rules, shopping)
    amount = sum(line.amount_minor for line in lines if not line.voided)
    version = working.emit(
        member,
        e.ReceiptAttributed(receipt, scan.captured_at, scan.day, amount, got),
        recorded_at,
    )
    # What had come back before is taken off as if it came back now: the order makes no difference.
    when = When(b"", scan.captured_at, recorded_at)
    returns = returns_before_award(working, receipt, member, (got, scan), when)
    working.emit(receipt, e.ReceiptGiven(member, version, returns), recorded_at)
    if change:
        working.emit(member, change, recorded_at)
    slide(working, member, rules, scan.day, recorded_at)
    return version


class Attribute(NamedTuple):
    """Give a recorded receipt without a member to the holder of a card."""

    receipt: ReceiptKey
    card: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the receipt, the card and its member."""
        keys = working.keys
        card = keys.card(self.card)
        owner = cast("CardState | None", working.known(card))
        member = (owner.member,) if owner and owner.member else ()
        return (PROGRAMME_STREAM, keys.receipt(self.receipt), card, *member)

    def decide(self, working: Working) -> Outcome:
        """Record the award.

        Raises:
            ReceiptUnknown: it was never recorded.
            MemberConflict: it belongs to another member.
            CapturedTooLate: the late limit is over.
            CardUnknown: nobody holds the card.
        """
        receipt = working.keys.receipt(self.receipt)
        state = cast("ReceiptState | None", working.state(receipt))
        if state is None or not state.fingerprint:
            raise ReceiptUnknown(f"`{self.receipt}`")
        member, holder = owner_of(working, self.card)
        if state.member:
            if state.member != member:
                raise MemberConflict
            return Outcome(member, state.version, repeat=True)
        scan = unclaimed_scan(working, receipt)
        if not scan.historical and not _in_time(working, scan.captured_at):
            raise CapturedTooLate
        index = card_index(holder, working.keys.card(self.card))
        return Outcome(member, _attribute(working, member, index, receipt, scan, None))
