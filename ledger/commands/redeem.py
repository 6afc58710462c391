"""Redeeming points: money off, a gift, a voucher; and undoing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.claim import Claimed
from ledger.aggregates.member import reversal
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.holders import check_card_may_redeem
from ledger.aggregates.member.points import (
    Act,
    Payment,
    redeem_cash,
    redeem_gift,
    redeem_voucher,
)
from ledger.aggregates.member.state import Member
from ledger.aggregates.voucher import VoucherState
from ledger.calendar import midnight
from ledger.commands.common import (
    Outcome,
    act,
    card_index,
    claim,
    member_of,
    owner_of,
    present,
    resolve_member,
    rules_at,
    slide,
    storable,
)
from ledger.commands.stock import pool_of, take_piece
from ledger.errors import CardBlocked, InputInvalid, RedemptionUnknown, VoucherSpent
from ledger.policies.burn import joined
from ledger.policies.redeem import gift_of, voucher_of
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Take


class Redeem(NamedTuple):
    """Burn points: `points` of them as cash, or the price of `gift` or `voucher`."""

    card: str
    command_id: str
    points: int = 0
    gift: str = ""
    store: str = ""
    variant: str = ""
    voucher: str = ""
    basket_minor: int = 0

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member, the gift's stock."""
        owned = owned_streams(working, "redeem", self.command_id, self.card)
        return (*owned, pool_of(working.keys, self.gift, self.variant)) if self.gift else owned

    def decide(self, working: Working) -> Outcome:
        """Record the redemption.

        Raises:
            KeyConflict: the command id was used for another redemption.
            CardUnknown, CardBlocked: the card cannot pay.
            CardMayNotRedeem, CardLimitReached: the card's holder may not spend so many.
            RedeemNotOffered, RedeemStep, RedeemShare, AmountInvalid, PointsShort, OutOfStock:
                see the member's decisions.
        """
        storable(store=self.store)
        stream, member = owner_of(working, self.card)
        content: tuple[object, ...] = (stream, self.points, self.gift)
        if self.variant or self.voucher:
            content = (*content, self.variant, self.voucher)
        claimed = claim(working, "redeem", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        if sum(map(bool, (self.points, self.gift, self.voucher))) > 1:
            msg = "Only one of points, a gift and a voucher can be redeemed at once."
            raise InputInvalid(msg, field="points")
        index = paying_card(working, member, self.card)
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id)
        payment = Payment(self.store, index, self.basket_minor)
        event = self._event(working, present(working, stream), rules, done, payment)
        check_card_may_redeem(member, index, event.points, done.day)
        event = replace(event, day=done.day)
        version = working.emit(stream, event)
        if self.voucher:
            self._issue(working, stream, claimed.stream, event, rules, done)
        slide(working, stream, rules, (done.day, done.at))
        return claimed.record(working, stream, version)

    def _event(
        self, working: Working, member: Member, rules: Rules, done: Act, payment: Payment
    ) -> e.PointsRedeemed:
        if self.gift:
            redeemed = redeem_gift(member, (self.gift, self.variant), rules, done, payment)
            gift = gift_of(rules.programme.redeem, self.gift, self.variant)
            return replace(redeemed, pieces=take_piece(working, gift, self.variant))
        if self.voucher:
            stream = working.keys.voucher(working.keys.voucher_code(self.command_id))
            return redeem_voucher(member, (self.voucher, stream), rules, done, payment)
        return redeem_cash(member, self.points, rules, done, payment)

    def _issue(
        self, working: Working, member: bytes, claimed: bytes, event: e.PointsRedeemed,
        rules: Rules, done: Act,
    ) -> None:  # fmt: skip
        offered = voucher_of(rules.programme.redeem, self.voucher)
        until = midnight(done.day + offered.valid_days + 1, rules.programme.time_zone)
        issued = e.VoucherIssued(
            done.at, member, claimed, self.voucher, offered.value_minor, until, rules.number
        )
        working.emit(event.voucher, issued)


def paying_card(working: Working, member: Member, card: str) -> int:
    """The index of a card that may pay.

    Raises:
        CardBlocked: it is blocked or replaced.
    """
    index = card_index(member, working.keys.card(card))
    if member.cards[index].stopped:
        raise CardBlocked(field="card")
    return index


def owned_streams(working: Working, kind: str, command_id: str, card: str) -> Iterable[bytes]:
    """The streams of a command that acts on the holder of a card."""
    keys = working.keys
    owner = cast("CardState | None", working.known(keys.card(card)))
    member = (owner.member,) if owner and owner.member else ()
    return (PROGRAMME_STREAM, keys.command(kind, command_id), keys.card(card), *member)


class Paid(NamedTuple):
    """A redemption that was recorded: by which command, from which lots, for how much money."""

    claim: bytes
    member: bytes
    takes: tuple[Take, ...]
    value_minor: int
    undone: int
    by_hand: bool
    event: e.PointsRedeemed | e.HoldSettled
    owed: int = 0

    @property
    def points(self) -> int:
        """Points that were burned, and those that were owed."""
        return sum(take.points for take in self.takes) + self.owed

    @property
    def payment(self) -> reversal.Payment:
        """What can be given back."""
        event = self.event
        held = event.held if isinstance(event, e.HoldSettled) else event.owed_as
        return reversal.Payment(self.takes, self.owed, held)


def paid_by(working: Working, command_id: str) -> Paid | None:
    """The redemption that a command id stands for: one at once, or a hold that was settled."""
    for kind in ("redeem", "hold"):
        stream = working.keys.command(kind, command_id)
        known = cast("Claimed | None", working.state(stream))
        if known is None or (kind == "hold" and known.hold != e.HOLD_SETTLED):
            continue
        event = working.event(known.stream, known.ended or known.version)
        takes = joined(event.takes + event.unexpired)
        return Paid(
            stream, known.stream, takes, event.value_minor, known.undone, known.by_hand, event,
            event.arrears,
        )  # fmt: skip
    return None


class UndoRedemption(NamedTuple):
    """Give back all points of a redemption that are not restored yet; a voucher must be unused."""

    redemption: str
    """Its command id, or that of the hold."""
    reason: str
    author: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme and what the redemption may be recorded under."""
        keys = working.keys
        return (PROGRAMME_STREAM, *(keys.command(k, self.redemption) for k in ("redeem", "hold")))

    def decide(self, working: Working) -> Outcome:
        """Record that the points are restored; undoing twice is once.

        Raises:
            RedemptionUnknown: nothing was redeemed under this id.
            VoucherSpent: the voucher that it bought was used.
            InputInvalid: no reason or author is given.
        """
        storable(reason=self.reason, author=self.author)
        paid = paid_by(working, self.redemption)
        if paid is None:
            raise RedemptionUnknown(field="redemption")
        if paid.by_hand:
            done = cast("Claimed", working.state(paid.claim))
            return Outcome(done.undone_in, done.undone_at, repeat=True)
        if not self.reason or not self.author:
            msg = "Undoing a redemption needs a reason and an author."
            raise InputInvalid(msg, field="author" if self.reason else "reason")
        self._cancel_voucher(working, paid)
        if isinstance(paid.event, e.PointsRedeemed) and paid.event.pieces:
            pool = pool_of(working.keys, paid.event.gift, paid.event.variant)
            working.draw(pool, -paid.event.pieces)
        rules = rules_at(working, working.now)
        value = paid.value_minor - paid.value_minor * paid.undone // max(paid.points, 1)
        member = resolve_member(working, paid.member)
        state = member_of(working, member)
        payment = reversal.paid_here(state, paid.member, paid.payment)
        takes, off = reversal.give_back(state, payment, paid.undone, paid.points)
        event = e.PointsRestored(
            working.now, paid.claim, takes, value, b"", self.reason, self.author, rules.number, off
        )
        version = working.emit(member, event)
        undone = e.RedemptionUndone(paid.points, by_hand=True, member=member, version=version)
        working.emit(paid.claim, undone)
        return Outcome(member, version)

    def _cancel_voucher(self, working: Working, paid: Paid) -> None:
        if not isinstance(paid.event, e.PointsRedeemed) or not paid.event.voucher:
            return
        voucher = cast("VoucherState", working.state(paid.event.voucher))
        if voucher.used:
            raise VoucherSpent(field="redemption")
        working.emit(paid.event.voucher, e.VoucherCancelled(working.now))
