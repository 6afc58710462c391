"""Points that a till may let pay without asking: allowed in advance, told later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.allowance_keys import AllowanceKeys
from ledger.aggregates.claim import Claimed
from ledger.aggregates.member import offline
from ledger.aggregates.member.holders import check_card_may_redeem
from ledger.aggregates.member.points import Act, Payment
from ledger.aggregates.member.state import Member
from ledger.calendar import local_day
from ledger.commands.attribution import DAY_SECONDS
from ledger.commands.common import (
    Outcome,
    authored,
    card_index,
    claim,
    member_of,
    owner_of,
    present,
    rules_at,
    slide,
    storable,
)
from ledger.commands.record_receipt import CLOCKS_APART_SECONDS
from ledger.commands.redeem import owned_streams, paying_card
from ledger.errors import (
    AllowanceInvalid,
    AllowanceOver,
    CapturedInFuture,
    CapturedTooLate,
    CardBlocked,
    SigningUnavailable,
)
from ledger.policies.offline import HOUR_SECONDS, hours_of
from ledger.store.keys import ALLOWANCE_STREAM
from ledger.store.working import Working
from ledger.types import Instant

ALLOWANCE, ALLOWANCE_KEY = "allowance", "allowance-key"


class MakeAllowanceKey(NamedTuple):
    """Sign allowances with a key from now on; whoever has the same command id has the same key."""

    key: str
    public: bytes
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim and the keys."""
        return (working.keys.command(ALLOWANCE_KEY, self.command_id), ALLOWANCE_STREAM)

    def decide(self, working: Working) -> Outcome:
        """Record the key.

        Raises:
            KeyConflict: the command id was used by another author.
            InputInvalid: no author is given.
        """
        authored(self.author, "A key")
        claimed = claim(working, ALLOWANCE_KEY, self.command_id, (self.author,))
        if earlier := claimed.earlier(working):
            return earlier
        event = e.AllowanceKeyMade(working.now, self.key, self.public, self.author, self.command_id)
        return claimed.record(working, ALLOWANCE_STREAM, working.emit(ALLOWANCE_STREAM, event))


class IssueAllowance(NamedTuple):
    """Let a card spend points at tills that cannot ask; the command id names the allowance."""

    card: str
    points: int
    command_id: str
    hours: int = 0
    store: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the allowance, the card, its member and who was merged into it, the keys."""
        owned = tuple(owned_streams(working, ALLOWANCE, self.command_id, self.card))
        member = cast("Member | None", working.known(owned[-1]))
        merged = [one.member for one in member.merges] if isinstance(member, Member) else []
        return (*owned, *merged, ALLOWANCE_STREAM)

    def decide(self, working: Working) -> Outcome:
        """Record the allowance; nothing is reserved.

        Raises:
            KeyConflict: the command id names another allowance.
            CardUnknown, CardBlocked: the card cannot pay.
            CardMayNotRedeem, CardLimitReached: the card's holder may not spend so many.
            AllowanceNotOffered, AllowanceLimit, AmountInvalid: see the policies.
            SigningUnavailable: there is no key to sign with.
        """
        storable(store=self.store)
        stream, member = owner_of(working, self.card)
        card = working.keys.card(self.card)
        content = (stream, card, self.points, self.hours, self.store)
        claimed = claim(working, ALLOWANCE, self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        index = paying_card(working, member, self.card)
        now = working.now
        rules = rules_at(working, now)
        until = now + hours_of(rules.programme.redeem, self.hours) * HOUR_SECONDS
        member = present(working, stream)
        beside = _open_points(working, member)
        offline.check_may_allow(member, self.points, beside, rules, now)
        day = local_day(now, rules.programme.time_zone)
        of_card = self.points + offline.open_points(member, now, card)
        check_card_may_redeem(member, index, of_card, day)
        keys = cast("AllowanceKeys | None", working.state(ALLOWANCE_STREAM))
        if not keys:
            raise SigningUnavailable("There is no key yet.")
        event = e.AllowanceIssued(
            now, claimed.stream, card, self.points, until, self.store, keys[-1].id, rules.number,
            self.command_id,
        )  # fmt: skip
        return claimed.record(working, stream, working.emit(stream, event))


def _open_points(working: Working, member: Member) -> int:
    """What may be spent offline of a member's points, of those merged into it as well."""
    merged = (member_of(working, one.member) for one in member.merges)
    own = offline.open_points(member, working.now)
    return own + sum(_open_points(working, one) for one in merged)


class RedeemOffline(NamedTuple):
    """Tell of points that a till let pay as cash without asking, under an allowance."""

    card: str
    points: int
    command_id: str
    allowance: bytes
    """Its stream; that it was signed is the door's to see."""
    captured_at: Instant
    store: str = ""
    basket_minor: int = 0

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member, the allowance."""
        return (*owned_streams(working, "redeem", self.command_id, self.card), self.allowance)

    def decide(self, working: Working) -> Outcome:
        """Record the redemption as of when it was captured; what is not there any more is owed.

        Raises:
            KeyConflict: the command id was used for another redemption.
            CardUnknown: nobody holds the card.
            CardBlocked: it was stopped before that.
            AllowanceInvalid: the allowance was not issued, or for another card or store.
            AllowanceOver: it did not hold then.
            AllowanceSpent: fewer points are left of it.
            CapturedInFuture, CapturedTooLate: it is ahead of the ledger, or past the late limit.
            AmountInvalid, RedeemStep, RedeemShare: see the member's decision.
        """
        storable(store=self.store)
        stream, _ = owner_of(working, self.card)
        content = (stream, self.points, self.allowance, self.captured_at)
        claimed = claim(working, "redeem", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        known, issued = self._issued(working)
        at = self._at(working, issued)
        member = present(working, stream)
        index = card_index(member, issued.card)
        card = member.cards[index]
        if card.stopped and card.stopped_at <= at:
            raise CardBlocked("It was when the points were spent.", field="card")
        terms, rules = rules_at(working, issued.captured_at), rules_at(working, at)
        done = Act(at, local_day(at, rules.programme.time_zone), self.command_id)
        payment = Payment(self.store, index, self.basket_minor)
        asked = (self.points, issued.points - known.used)
        event = offline.redeem_late(member, issued, asked, terms, done, working.now, payment)
        version = working.emit(stream, event)
        working.emit(self.allowance, e.AllowanceUsed(known.used + self.points))
        slide(working, stream, rules, (done.day, at))
        return claimed.record(working, stream, version)

    def _issued(self, working: Working) -> tuple[Claimed, e.AllowanceIssued]:
        """What is known of the allowance, and how it was issued; whoever has its card now pays."""
        known = cast("Claimed | None", working.state(self.allowance))
        issued = working.event(known.stream, known.version) if known else None
        if known is None or not isinstance(issued, e.AllowanceIssued):
            raise AllowanceInvalid("There is none such.", field="allowance")
        if issued.card != working.keys.card(self.card):
            raise AllowanceInvalid("It is for another card.", field="allowance")
        if issued.store and issued.store != self.store:
            raise AllowanceInvalid(f"It is for the store `{issued.store}`.", field="store")
        return known, issued

    def _at(self, working: Working, issued: e.AllowanceIssued) -> Instant:
        """When it was captured; clocks may be a little apart, the end of an allowance is sharp."""
        now, at = working.now, self.captured_at
        if at > now + CLOCKS_APART_SECONDS:
            raise CapturedInFuture(field="captured_at")
        at = min(at, now)
        if at < issued.captured_at - CLOCKS_APART_SECONDS or at >= issued.until:
            raise AllowanceOver(field="captured_at")
        if now - at > rules_at(working, at).programme.late_scan_days * DAY_SECONDS:
            raise CapturedTooLate(field="captured_at")
        return max(at, issued.captured_at)
