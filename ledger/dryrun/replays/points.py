"""Redemptions and adjustments: chosen by people, so repeated where the programme lets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.commands.adjust import Adjust
from ledger.commands.redeem import Redeem
from ledger.dryrun.replays.parts import a_card
from ledger.dryrun.world import Act, World


def _redeemed(world: World, act: Act) -> None:
    """The same points as cash, or the same gift, at whatever price it has now."""
    event: e.PointsRedeemed = act.event
    command = Redeem(
        card=a_card(world, act.stream),
        command_id=event.command,
        points=0 if event.gift else event.points,
        gift=event.gift,
        store=event.store,
    )
    world.decide(act, command.decide, event.points)


def _adjusted(world: World, act: Act) -> None:
    event: e.PointsAdjusted = act.event
    command = Adjust(
        card=a_card(world, act.stream),
        points=event.points,
        reason=event.reason,
        author=event.author,
        command_id=event.command,
    )
    world.decide(act, command.decide, abs(event.points))


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.PointsRedeemed: _redeemed,
    e.PointsAdjusted: _adjusted,
}
