"""Redemptions, adjustments, transfers: chosen by people, so repeated where the programme lets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ledger import events as e
from ledger.aggregates.voucher import VoucherState
from ledger.commands.adjust import Adjust
from ledger.commands.allowances import RedeemOffline
from ledger.commands.redeem import Redeem, UndoRedemption
from ledger.commands.transfer import Transfer
from ledger.dryrun.replays.parts import a_card, command_of, copied, made_anew, the_card
from ledger.dryrun.world import Act, World
from ledger.errors import VoucherUnknown
from ledger.store.working import Working
from ledger.types import MOST_MINOR

A_BASKET = MOST_MINOR
"""No event tells what the basket cost, so the share that points may pay of it is not looked at."""


def _redeemed(world: World, act: Act) -> None:
    """The same points as cash, or the same gift or voucher, at whatever price it has now."""
    event: e.PointsRedeemed = act.event
    card = the_card(world, act.stream, event.card)
    if event.allowance:
        late = RedeemOffline(
            card, event.points, event.command, event.allowance, event.captured_at, event.store,
            A_BASKET,
        )  # fmt: skip
        world.decide(act, late.decide, event.points)
        return
    command = Redeem(
        card=card,
        command_id=event.command,
        points=0 if event.gift else event.points,
        gift="" if event.voucher else event.gift,
        store=event.store,
        variant=event.variant,
        voucher=event.gift if event.voucher else "",
        basket_minor=A_BASKET,
    )
    world.decide(act, command.decide, event.points)


def _used(world: World, act: Act) -> None:
    """Paid, where this replay sold it."""

    def use(working: Working) -> None:
        if cast("VoucherState | None", working.state(act.stream)) is None:
            raise VoucherUnknown(field="code")
        working.emit(act.stream, act.event)

    world.decide(act, use)


def _restored(world: World, act: Act) -> None:
    """By hand; what a return restored is made anew with the return."""
    event: e.PointsRestored = act.event
    if not event.receipt:
        redemption = command_of(world, event.redemption)
        command = UndoRedemption(redemption, event.reason, event.author)
        world.decide(act, command.decide, sum(take.points for take in event.takes))


def _adjusted(world: World, act: Act) -> None:
    event: e.PointsAdjusted = act.event
    command = Adjust(
        card=a_card(world, act.stream),
        points=event.points,
        reason=event.reason,
        author=event.author,
        command_id=event.command,
        role=event.role,
        approved_by=event.approved_by,
        approver_role=event.approver_role,
    )
    world.decide(act, command.decide, abs(event.points))


def _sent(world: World, act: Act) -> None:
    event: e.PointsSent = act.event
    command = Transfer(
        the_card(world, act.stream, event.card), a_card(world, event.to), event.points,
        event.command,
    )  # fmt: skip
    world.decide(act, command.decide, event.points)


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.PointsRedeemed: _redeemed,
    e.VoucherIssued: made_anew,
    e.VoucherUsed: _used,
    e.VoucherCancelled: made_anew,
    e.PointsRestored: _restored,
    e.PointsRetaken: made_anew,
    e.RedemptionUndone: made_anew,
    e.PointsAdjusted: _adjusted,
    e.PointsSent: _sent,
    e.PointsReceived: made_anew,
    e.Stocked: copied,
    e.Drawn: made_anew,
}
