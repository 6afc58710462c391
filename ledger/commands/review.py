"""Deciding on what waits for review, and saying which member is a cashier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.member.points import Act
from ledger.aggregates.member.reviews import approve, deny
from ledger.aggregates.member.standing import tier_change
from ledger.aggregates.receipt import Back, ReceiptState
from ledger.commands.attribution import IN_REVIEW, attribute_approved
from ledger.commands.common import (
    Claim,
    Outcome,
    act,
    authored,
    card_index,
    claim,
    member_of,
    owner_of,
    rules_at,
    storable,
)
from ledger.commands.goods import scan_in
from ledger.commands.settling import settle_tier, uncounted
from ledger.commands.watch import cashier_key
from ledger.errors import InputInvalid, ReceiptUnknown, ReviewUnknown
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working


class DecideReview(NamedTuple):
    """Let the points of a receipt that waits go to its member, or take them back."""

    receipt: bytes
    """The receipt's stream."""
    approve: bool
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the receipt and its member."""
        known = cast("ReceiptState | None", working.known(self.receipt))
        member = (known.member,) if known and known.member else ()
        command = working.keys.command("review", self.command_id)
        return (PROGRAMME_STREAM, command, self.receipt, *member)

    def decide(self, working: Working) -> Outcome:
        """Record the decision.

        Raises:
            KeyConflict: the command id was used for another decision.
            InputInvalid: no reason or author is given.
            ReceiptUnknown: there is no such receipt.
            ReviewUnknown: it does not wait, or no more.
        """
        storable(reason=self.reason, author=self.author)
        content = (self.receipt, self.approve, self.reason, self.author)
        claimed = claim(working, "review", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        if not self.reason or not self.author:
            msg = "A decision needs a reason and an author."
            raise InputInvalid(msg, field="author" if self.reason else "reason")
        known = cast("ReceiptState | None", working.state(self.receipt))
        if known is None or not known.fingerprint:
            raise ReceiptUnknown(field="receipt")
        if known.decision:
            raise ReviewUnknown(f"It was {e.DECISIONS[known.decision]}.", field="receipt")
        if known.member:
            return self._points(working, claimed, known)
        if known.why not in IN_REVIEW:
            raise ReviewUnknown(field="receipt")
        return self._receipt(working, claimed, known)

    def _points(self, working: Working, claimed: Claim, known: ReceiptState) -> Outcome:
        """Decide on points that were awarded and wait."""
        awarded = working.event(known.member, known.version)
        award: e.Award = awarded.award
        if not award.review:
            raise ReviewUnknown(field="receipt")
        points = award.review - known.reduced
        done = self._act(working)
        decided = self._decided(working)
        if not points:  # all the goods came back: nothing is left to give or take
            return claimed.record(working, self.receipt, decided)
        rules = rules_at(working, working.now)
        if not self.approve:
            event = deny(self.receipt, points, self.reason, rules, done)
            return claimed.record(working, known.member, working.emit(known.member, event))
        day = awarded.scan.day if isinstance(awarded, e.ReceiptScanned) else awarded.day
        settle_tier(working, known.member)
        member = member_of(working, known.member)
        counts = (points, self._counting(working, award, known, points), day)
        given = approve(member, self.receipt, award, counts, self.reason, rules, done)
        version = working.emit(known.member, given)
        change = tier_change(member_of(working, known.member), rules, done.day, done.at, 0)
        if change:
            working.emit(known.member, change)
        return claimed.record(working, known.member, version)

    def _counting(self, working: Working, award: e.Award, known: ReceiptState, points: int) -> int:
        """What of the receipt counts towards a tier, less what came back."""
        goods = scan_in(working, self.receipt).goods
        back = known.returned
        kept = {
            line: quantity - back.get(line, 0)
            for line, quantity in enumerate(goods.quantities)
            if quantity > back.get(line, 0) and line not in goods.voided
        }
        lines = Back(b"", tuple(kept), tuple(kept.values()), (), 0)
        counted = uncounted(working, self.receipt, award, lines, back)
        return points if counted < 0 else counted

    def _receipt(self, working: Working, claimed: Claim, known: ReceiptState) -> Outcome:
        """Decide on a receipt that was recorded without points."""
        decided = self._decided(working)
        if not self.approve:
            return claimed.record(working, self.receipt, decided)
        card = cast("CardState", working.state(known.card))
        version = attribute_approved(working, card.member, known.card, self.receipt)
        return claimed.record(working, card.member, version)

    def _decided(self, working: Working) -> int:
        decision = e.DECISION_APPROVED if self.approve else e.DECISION_DENIED
        event = e.ReceiptReviewed(working.now, decision, self.reason, self.author, self.command_id)
        return working.emit(self.receipt, event)

    def _act(self, working: Working) -> Act:
        zone = rules_at(working, working.now).programme.time_zone
        return act(working, zone, self.command_id, self.author)


class MarkStaffCard(NamedTuple):
    """Say that the holder of a card is this cashier; with none, that they are no cashier."""

    card: str
    cashier: str
    author: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The card and its member."""
        card = working.keys.card(self.card)
        owner = cast("CardState | None", working.known(card))
        return (card, owner.member) if owner and owner.member else (card,)

    def decide(self, working: Working) -> Outcome:
        """Record the mark; marking twice is once.

        Raises:
            CardUnknown: nobody holds the card.
            InputInvalid: no author is given.
        """
        storable(cashier=self.cashier, author=self.author)
        stream, member = owner_of(working, self.card)
        authored(self.author, "A mark")
        cashier = cashier_key(working, self.cashier)
        if cashier in member.cashiers or not (cashier or member.cashiers):
            return Outcome(stream, working.version(stream), repeat=True)
        index = card_index(member, working.keys.card(self.card))
        event = e.StaffCardMarked(working.now, index, cashier, self.author)
        return Outcome(stream, working.emit(stream, event))
