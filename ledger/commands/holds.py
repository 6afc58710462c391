"""Reserving points before a till knows whether the purchase goes through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.claim import Claimed
from ledger.aggregates.member import holds
from ledger.aggregates.member.points import Payment
from ledger.calendar import local_day
from ledger.commands.common import (
    Outcome,
    claim,
    member_of,
    owner_of,
    present,
    rules_at,
    slide,
    storable,
)
from ledger.commands.redeem import owned_streams, paying_card
from ledger.errors import CapturedTooLate, HoldOver, HoldUnknown
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant

DAY_SECONDS = 86_400


class HoldPoints(NamedTuple):
    """Reserve points as cash for so many minutes; the command id names the hold."""

    card: str
    points: int
    command_id: str
    minutes: int = 0
    store: str = ""
    basket_minor: int = 0

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the hold, the card and its member."""
        return owned_streams(working, "hold", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the hold.

        Raises:
            KeyConflict: the command id names another hold.
            CardUnknown, CardBlocked: the card cannot pay.
            RedeemNotOffered, RedeemStep, RedeemShare, AmountInvalid, PointsShort: see the
                member's decisions.
        """
        storable(store=self.store)
        stream, member = owner_of(working, self.card)
        claimed = claim(working, "hold", self.command_id, (stream, self.points, self.minutes))
        if earlier := claimed.earlier(working):
            return earlier
        index = paying_card(working, member, self.card)
        rules = rules_at(working, working.now)
        event = holds.hold(
            present(working, stream), self.points, self.minutes, rules, working.now,
            (claimed.stream, self.command_id), Payment(self.store, index, self.basket_minor),
        )  # fmt: skip
        return claimed.record(working, stream, working.emit(stream, event))


class SettleHold(NamedTuple):
    """Pay out a hold: all of it (`points` 0) or a part; the rest goes back to its lots."""

    hold: str
    points: int = 0
    captured_at: Instant | None = None
    """When the till settled, if that was earlier; judged against the hold's end."""
    store: str = ""
    basket_minor: int = 0

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the hold and its member."""
        return _hold_streams(working, self.hold)

    def decide(self, working: Working) -> Outcome:
        """Record the payment; settling the same again is answered with the first outcome.

        Raises:
            HoldUnknown: there is no such hold.
            HoldOver: it was released, or settled otherwise, or its time was over.
            CapturedTooLate: the settlement is older than the programme's late limit.
            AmountInvalid, RedeemStep, RedeemShare: see the member's decisions.
        """
        storable(store=self.store)
        stream, known = _hold(working, self.hold)
        held = cast("e.PointsHeld", working.event(known.stream, known.version))
        points = self.points or held.points
        if known.hold == e.HOLD_SETTLED:
            return self._again(working, known, points)
        if known.hold == e.HOLD_RELEASED:
            msg = "It was released."
            raise HoldOver(msg, field="hold")
        at = self._at(working, held)
        rules = rules_at(working, at)
        payment = Payment(self.store, held.card, self.basket_minor)
        owner = owner_now(working, known)
        member = member_of(working, owner)
        if known.hold == e.HOLD_EXPIRED:
            times = (at, working.now)
            event = holds.settle_late(present(working, owner), held, points, rules, times, payment)
        else:
            event = holds.settle(holds.hold_of(member, stream), points, rules, at, payment)
        version = working.emit(owner, event)
        working.emit(stream, e.HoldEnded(e.HOLD_SETTLED, version))
        slide(working, owner, rules, local_day(at, rules.programme.time_zone))
        return Outcome(owner, version)

    def _at(self, working: Working, held: e.PointsHeld) -> Instant:
        now = working.now
        at = now if self.captured_at is None else min(self.captured_at, now)
        if at >= held.ends_at:
            msg = "Its time was over."
            raise HoldOver(msg, field="hold")
        limit = rules_at(working, at).programme.late_scan_days * DAY_SECONDS
        if now - at > limit:
            raise CapturedTooLate(field="captured_at")
        return max(at, held.captured_at)

    def _again(self, working: Working, known: Claimed, points: int) -> Outcome:
        settled = cast("e.HoldSettled", working.event(known.stream, known.ended))
        paid = sum(take.points for take in settled.takes) + settled.arrears
        if paid != points:
            msg = f"It was settled with {paid} points."
            raise HoldOver(msg, field="hold")
        return Outcome(known.stream, known.ended, repeat=True)


class ReleaseHold(NamedTuple):
    """Give a hold up: all its points go back to their lots."""

    hold: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the hold and its member."""
        return _hold_streams(working, self.hold)

    def decide(self, working: Working) -> Outcome:
        """Record that it is released; releasing twice is once.

        Raises:
            HoldUnknown: there is no such hold.
            HoldOver: it was settled.
        """
        stream, known = _hold(working, self.hold)
        if known.hold == e.HOLD_SETTLED:
            msg = "It was settled."
            raise HoldOver(msg, field="hold")
        if known.hold != e.HOLD_OPEN:
            return Outcome(known.stream, known.ended, repeat=True)
        owner = owner_now(working, known)
        held = holds.hold_of(member_of(working, owner), stream)
        expired = held.ends_at <= working.now
        how = e.HOLD_EXPIRED if expired else e.HOLD_RELEASED
        at = held.ends_at if expired else working.now
        version = working.emit(owner, holds.released(held, at, how))
        working.emit(stream, e.HoldEnded(how, version))
        return Outcome(owner, version)


def owner_now(working: Working, known: Claimed) -> bytes:  # noqa: ARG001
    """The member who has the hold now."""
    return known.stream


def _hold(working: Working, command_id: str) -> tuple[bytes, Claimed]:
    stream = working.keys.command("hold", command_id)
    known = cast("Claimed | None", working.state(stream))
    if known is None:
        raise HoldUnknown(field="hold")
    return stream, known


def _hold_streams(working: Working, command_id: str) -> Iterable[bytes]:
    stream = working.keys.command("hold", command_id)
    known = cast("Claimed | None", working.known(stream))
    return (PROGRAMME_STREAM, stream, *((known.stream,) if known else ()))
