"""Recording a receipt: the scan and its award, the claim on its key, and what it brings back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.member.earning import Rules, Shopping
from ledger.aggregates.member.state import Member
from ledger.aggregates.receipt import ReceiptState
from ledger.calendar import instant_of
from ledger.commands.attribution import DAY_SECONDS, attribute_anonymous
from ledger.commands.budgets import budget_streams
from ledger.commands.common import (
    Outcome,
    award_for,
    card_index,
    member_of,
    rules_at,
    same_member,
    slide,
)
from ledger.commands.goods import loose_of, scan_of
from ledger.commands.membership import new_member
from ledger.commands.offers import NONE_USED, offer_streams, use_offers
from ledger.commands.returns import (
    Back,
    When,
    return_lines,
    return_loose,
    returns_that_waited,
)
from ledger.commands.settling import settle_tier
from ledger.commands.watch import judged
from ledger.errors import CapturedInFuture, CurrencyUnknown, KeyConflict, MemberConflict
from ledger.policies.enrolment import bought
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, Personal, Receipt, day_of

CLOCKS_APART_SECONDS = 300
"""How far a till's clock may be ahead of the ledger's."""


class RecordReceipt:
    """Take a receipt in. No receipt is lost: what cannot earn is recorded without points.

    `history` imports the past: the ledger's time is the receipt's own, and the late limit is
    not applied. `enrol` makes a member of a card that nobody holds.
    """

    __slots__ = ("_streams", "card", "enrol", "history", "key", "own", "receipt")

    def __init__(self, receipt: Receipt, history: bool = False, enrol: bool = False) -> None:  # noqa: FBT001, FBT002
        """Keep what is asked several times while it is decided."""
        self.receipt = receipt
        self.history = history
        self.enrol = enrol
        self.key = receipt.key
        self.own: tuple[bytes, ...] = ()
        """The streams of the receipt and of those it brings goods back of, once they are known."""
        self.card = b""
        self._streams: tuple[bytes, ...] = ()
        """All there is to look up, once the card says whose it is."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the receipt's key, the card and its member, the receipts brought back."""
        if self._streams:
            return self._streams
        keys, number = working.keys, self.receipt.card
        if not self.own:
            backs = [line.return_of for line in self.receipt.lines if line.return_of]
            self.own = (keys.receipt(self.key), *[keys.receipt(back.key) for back in backs])
            self.card = keys.card(number) if number else b""
        streams = (PROGRAMME_STREAM, *self.own)
        if not number:
            return streams
        streams += tuple(budget_streams(working))
        owner = cast("CardState | None", working.known(self.card))
        if owner is None or not owner.member:
            return (*streams, self.card, keys.member(number))
        if self.receipt.offers:
            return (*streams, self.card, owner.member, *self._offered(working, owner.member))
        self._streams = (*streams, self.card, owner.member)
        return self._streams

    def _offered(self, working: Working, stream: bytes) -> list[bytes]:
        member = cast("Member | None", working.known(stream))
        return offer_streams(working, member, self.receipt) if member else []

    @property
    def begins(self) -> bytes:
        """The stream of the receipt; empty where it brings back goods, which it must know of."""
        return self.own[0] if len(self.own) == 1 else b""

    @property
    def as_of(self) -> Instant:
        """The programme of this instant decides."""
        return instant_of(self.receipt.captured_at)

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
        stream = self.own[0] if self.own else working.keys.receipt(self.key)
        fingerprint = working.keys.fingerprint(_content(receipt))
        known = cast("ReceiptState | None", working.state(stream))
        if known is not None and known.fingerprint:
            return self._repeat(working, stream, known, fingerprint)
        captured_at = instant_of(receipt.captured_at)
        if captured_at > working.now + CLOCKS_APART_SECONDS:
            raise CapturedInFuture(field="captured_at")
        if self.key.business_day > captured_at // DAY_SECONDS + 1:
            raise CapturedInFuture("Its business date is later still.", field="business_date")
        rules = rules_at(working, captured_at)
        if receipt.currency != rules.programme.currency:
            detail = f"It is in {receipt.currency}, the programme in {rules.programme.currency}."
            raise CurrencyUnknown(detail, field="currency")
        recorded_at = captured_at if self.history else None
        scan = scan_of(receipt, self.key, captured_at, historical=self.history)
        outcome = self._record(working, stream, fingerprint, rules, scan, recorded_at)
        returns_that_waited(working, stream, recorded_at)
        if len(self.own) != 1:
            when = When(stream, captured_at, recorded_at)
            for back in backs_of(receipt):
                return_lines(working, back, when)
        return outcome

    def _repeat(
        self, working: Working, stream: bytes, known: ReceiptState, fingerprint: bytes
    ) -> Outcome:
        if known.fingerprint != fingerprint:
            raise KeyConflict(f"`{self.receipt.key}`", field="number")
        if known.member and self.receipt.card:
            owner = cast("CardState | None", working.state(working.keys.card(self.receipt.card)))
            if (
                owner is None
                or not owner.member
                or not same_member(working, known.member, owner.member)
            ):
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
        return bool(
            before and now and before.member and now.member
            and same_member(working, before.member, now.member)
        )  # fmt: skip

    def _record(
        self, working: Working, stream: bytes, fingerprint: bytes, rules: Rules, scan: e.Scan,
        recorded_at: Instant | None,
    ) -> Outcome:  # fmt: skip
        receipt = self.receipt
        if not receipt.card:
            return _unclaimed(working, stream, scan, fingerprint, recorded_at)
        card = working.keys.card(receipt.card)
        owner = cast("CardState | None", working.state(card))
        if owner is None or not owner.member:
            if not (self.enrol or self._enrols(working, rules, scan)):
                return _unclaimed(working, stream, scan, fingerprint, recorded_at, card)
            personal = Personal(card=receipt.card)
            member = new_member(
                working, receipt.card, personal, scan.store, scan.captured_at, recorded_at
            )
        else:
            member = owner.member
        state = member_of(working, member)
        index = card_index(state, card)
        why = (
            e.UNATTRIBUTED_BLOCKED if state.cards[index].stopped
            else e.UNATTRIBUTED_LATE if _late(working, rules, scan)
            else None
        )  # fmt: skip
        if why is not None:
            return _review(working, stream, scan, fingerprint, card, why, recorded_at)
        return _award(
            working, stream, scan, fingerprint, member, index, rules, receipt, recorded_at
        )

    def _enrols(self, working: Working, rules: Rules, scan: e.Scan) -> bool:
        """Whether the purchase makes the card's holder a member."""
        enrolment = rules.programme.enrolment
        if enrolment is None or _late(working, rules, scan):
            return False
        return bought(self.receipt.lines) >= enrolment.from_minor


def _content(receipt: Receipt) -> tuple[object, ...]:
    """What must be the same when it is sent again; lists only where there are some."""
    content = (
        receipt.captured_at, receipt.currency, receipt.lines, receipt.tenders, receipt.cashier,
    )  # fmt: skip
    return (*content, receipt.offers) if receipt.offers else content


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


def _late(working: Working, rules: Rules, scan: e.Scan) -> bool:
    limit = rules.programme.late_scan_days * DAY_SECONDS
    return not scan.historical and working.now - scan.captured_at > limit


def shopping_of(receipt: Receipt, captured_at: Instant) -> Shopping:
    """A receipt as the earning decision needs it."""
    day = day_of(receipt.captured_at.date())  # in the store's own offset
    return Shopping(
        receipt.lines, receipt.tenders, day, captured_at, receipt.captured_at.hour, receipt.store
    )


def _award(
    working: Working, stream: bytes, scan: e.Scan, fingerprint: bytes, member: bytes, index: int,
    rules: Rules, receipt: Receipt, recorded_at: Instant | None,
) -> Outcome:  # fmt: skip
    settle_tier(working, member, recorded_at, scan.captured_at)
    state = member_of(working, member)
    shopping = shopping_of(receipt, scan.captured_at)
    used = NONE_USED
    if receipt.offers:
        used = use_offers(working, state, receipt, shopping.day)
        shopping = replace(shopping, offers=used.awards)
    got, change = award_for(working, member, state, index, rules, shopping)
    if used.accepted:
        counted = (*got.counted, *used.counted)
        got = replace(got, offers=used.uses, counted=counted, accepted=used.accepted)
    got, change, flagged = judged(working, state, stream, scan, rules, got, change)
    if working.version(stream):  # goods came back before it
        version = working.emit(member, e.ReceiptScanned(scan, got), recorded_at)
        working.emit(stream, e.ReceiptClaimed(member, version, fingerprint), recorded_at)
    else:
        scanned = e.ReceiptScanned(scan, got, fingerprint)
        version = working.emit(member, scanned, recorded_at, claims=stream)
    for event in (flagged, change):
        if event:
            working.emit(member, event, recorded_at)
    slide(working, member, rules, (shopping.day, scan.captured_at), recorded_at)
    if loose := loose_of(scan.goods):
        return_loose(working, member, loose, When(stream, scan.captured_at, recorded_at))
    return Outcome(member, version)


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
