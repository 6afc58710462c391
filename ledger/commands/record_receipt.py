"""Recording a receipt: the scan and its award, the claim on its key, and what it brings back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.member.earning import Rules, Shopping
from ledger.aggregates.receipt import ReceiptState
from ledger.calendar import instant_of
from ledger.commands.attribution import DAY_SECONDS, attribute_anonymous
from ledger.commands.common import Outcome, award_for, card_index, member_of, rules_at, slide
from ledger.commands.goods import scan_of
from ledger.commands.membership import new_member
from ledger.commands.returns import (
    Back,
    When,
    return_lines,
    return_loose,
    returns_that_waited,
)
from ledger.errors import CapturedInFuture, CurrencyUnknown, KeyConflict, MemberConflict
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, Line, Personal, Receipt, day_of

CLOCKS_APART_SECONDS = 300
"""How far a till's clock may be ahead of the ledger's."""


class RecordReceipt(NamedTuple):
    """Take a receipt in. No receipt is lost: what cannot earn is recorded without points.

    `history` imports the past: the ledger's time is the receipt's own, and the late limit is
    not applied. `enrol` makes a member of a card that nobody holds.
    """

    receipt: Receipt
    history: bool = False
    enrol: bool = False

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the receipt's key, the card and its member, the receipts brought back."""
        keys = working.keys
        receipt = self.receipt
        streams = [PROGRAMME_STREAM, keys.receipt(receipt.key)]
        if receipt.card:
            card = keys.card(receipt.card)
            owner = cast("CardState | None", working.known(card))
            streams.append(card)
            if owner and owner.member:
                streams.append(owner.member)
            elif self.enrol:
                streams.append(keys.member(receipt.card))
        backs = [line.return_of for line in receipt.lines if line.return_of and not line.voided]
        return streams + [keys.receipt(back.key) for back in backs]

    def decide(self, working: Working) -> Outcome:
        """Record the receipt, or answer with its first outcome.

        Raises:
            KeyConflict: the key is recorded with other content.
            MemberConflict: the same receipt is recorded for another member.
            CurrencyUnknown: it is not in the programme's currency.
            CapturedInFuture: it was captured after the ledger's present.
            LineUnknown, ReturnTooLarge, PointsSpent: see `return_lines`.
        """
        receipt = self.receipt
        stream = working.keys.receipt(receipt.key)
        fingerprint = working.keys.fingerprint(
            (
                receipt.captured_at,
                receipt.currency,
                receipt.lines,
                receipt.tenders,
                receipt.cashier,
            )
        )
        known = cast("ReceiptState | None", working.state(stream))
        if known is not None and known.fingerprint:
            return self._repeat(working, stream, known, fingerprint)
        captured_at = instant_of(receipt.captured_at)
        if captured_at > working.now + CLOCKS_APART_SECONDS:
            raise CapturedInFuture(field="captured_at")
        if receipt.key.business_day > captured_at // DAY_SECONDS + 1:
            raise CapturedInFuture("Its business date is later still.", field="business_date")
        rules = rules_at(working, captured_at)
        if receipt.currency != rules.programme.currency:
            detail = f"It is in {receipt.currency}, the programme in {rules.programme.currency}."
            raise CurrencyUnknown(detail, field="currency")
        recorded_at = captured_at if self.history else None
        outcome = self._record(working, stream, fingerprint, rules, recorded_at)
        backs = backs_of(receipt)
        returns_that_waited(working, stream, recorded_at)
        when = When(stream, captured_at, recorded_at)
        for back in backs:
            return_lines(working, back, when)
        return outcome

    def _repeat(
        self, working: Working, stream: bytes, known: ReceiptState, fingerprint: bytes
    ) -> Outcome:
        if known.fingerprint != fingerprint:
            raise KeyConflict(f"`{self.receipt.key}`", field="number")
        if known.member and self.receipt.card:
            owner = cast("CardState | None", working.state(working.keys.card(self.receipt.card)))
            if owner is None or owner.member != known.member:
                raise MemberConflict(f"`{self.receipt.key}`", field="card")
        if not known.member and known.card and not self._same_holder(working, known.card):
            raise MemberConflict(f"`{self.receipt.key}`", field="card")
        if self.receipt.card and known.why == e.UNATTRIBUTED_ANONYMOUS and not known.member:
            given = attribute_anonymous(working, stream, working.keys.card(self.receipt.card))
            if given:
                return given
        return Outcome(known.member or stream, known.version or known.scan_at, repeat=True)

    def _same_holder(self, working: Working, card: bytes) -> bool:
        """Whether the card of an earlier sending leads to the same member as this one's."""
        if not self.receipt.card or working.keys.card(self.receipt.card) == card:
            return True
        before = cast("CardState | None", working.state(card))
        now = cast("CardState | None", working.state(working.keys.card(self.receipt.card)))
        return bool(before and now and before.member and before.member == now.member)

    def _record(
        self, working: Working, stream: bytes, fingerprint: bytes, rules: Rules,
        recorded_at: Instant | None,
    ) -> Outcome:  # fmt: skip
        receipt = self.receipt
        scan = scan_of(receipt, historical=self.history)
        if not receipt.card:
            return _unclaimed(working, stream, scan, fingerprint, recorded_at)
        card = working.keys.card(receipt.card)
        owner = cast("CardState | None", working.state(card))
        if owner is None or not owner.member:
            if not self.enrol:
                return _unclaimed(working, stream, scan, fingerprint, recorded_at, card)
            personal = Personal(card=receipt.card)
            member = new_member(
                working, receipt.card, personal, scan.store, scan.captured_at, recorded_at
            )
        else:
            member = owner.member
        state = member_of(working, member)
        index = card_index(state, card)
        late = working.now - scan.captured_at > rules.programme.late_scan_days * DAY_SECONDS
        why = (
            e.UNATTRIBUTED_BLOCKED if state.cards[index].stopped
            else e.UNATTRIBUTED_LATE if late and not self.history
            else None
        )  # fmt: skip
        if why is not None:
            return _review(working, stream, scan, fingerprint, card, why, recorded_at)
        return _award(
            working, stream, scan, fingerprint, member, index, rules, receipt, recorded_at
        )


def backs_of(receipt: Receipt) -> list[Back]:
    """What a receipt brings back, by original receipt."""
    backs: dict[object, Back] = {}
    for line in receipt.lines:
        if line.return_of and not line.voided:
            key = line.return_of.key
            back = backs.setdefault(key, Back(key, {}, {}))
            index = line.return_of.line - 1
            back.quantities[index] = back.quantities.get(index, 0) - line.quantity
            back.amounts_minor[index] = back.amounts_minor.get(index, 0) - line.amount_minor
    return list(backs.values())


def shopping_of(receipt: Receipt, captured_at: Instant) -> Shopping:
    """A receipt as the earning decision needs it."""
    day = day_of(receipt.captured_at.date())  # in the store's own offset
    return Shopping(receipt.lines, receipt.tenders, day, captured_at)


def _award(
    working: Working, stream: bytes, scan: e.Scan, fingerprint: bytes, member: bytes, index: int,
    rules: Rules, receipt: Receipt, recorded_at: Instant | None,
) -> Outcome:  # fmt: skip
    state = member_of(working, member)
    shopping = shopping_of(receipt, scan.captured_at)
    got, change = award_for(working, member, state, index, rules, shopping)
    version = working.emit(member, e.ReceiptScanned(scan, got), recorded_at)
    working.emit(stream, e.ReceiptClaimed(member, version, fingerprint), recorded_at)
    if change:
        working.emit(member, change, recorded_at)
    slide(working, member, rules, shopping.day, recorded_at)
    loose = [line for line in receipt.lines if _is_loose(line)]
    if loose:
        return_loose(working, member, loose, When(stream, scan.captured_at, recorded_at))
    return Outcome(member, version)


def _is_loose(line: Line) -> bool:
    return line.kind == "return" and line.return_of is None and not line.voided


def _unclaimed(
    working: Working, stream: bytes, scan: e.Scan, fingerprint: bytes,
    recorded_at: Instant | None, card: bytes = b"",
) -> Outcome:  # fmt: skip
    why = e.UNATTRIBUTED_UNKNOWN_CARD if card else e.UNATTRIBUTED_ANONYMOUS
    event = e.ReceiptUnclaimed(scan, fingerprint, why, card)
    version = working.emit(stream, event, recorded_at)
    if card:
        working.emit(card, e.CardSeen(stream), recorded_at)
    return Outcome(stream, version)


def _review(
    working: Working, stream: bytes, scan: e.Scan, fingerprint: bytes, card: bytes, why: int,
    recorded_at: Instant | None,
) -> Outcome:  # fmt: skip
    version = working.emit(stream, e.ReceiptUnclaimed(scan, fingerprint, why, card), recorded_at)
    return Outcome(stream, version)
