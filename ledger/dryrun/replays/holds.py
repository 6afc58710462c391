"""Points that tills reserved, and how each hold ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ledger import events as e
from ledger.aggregates.claim import Claimed
from ledger.commands.holds import HoldPoints, ReleaseHold, SettleHold
from ledger.commands.passing import ExpireHolds
from ledger.dryrun.replays.parts import command_of, made_anew, the_card
from ledger.dryrun.replays.points import A_BASKET
from ledger.dryrun.world import Act, World


def _reserved(world: World, act: Act) -> None:
    event: e.PointsHeld = act.event
    command = HoldPoints(
        card=the_card(world, act.stream, event.card),
        points=event.points,
        command_id=event.command,
        minutes=(event.ends_at - event.captured_at) // 60,
        store=event.store,
        basket_minor=A_BASKET,
    )
    world.decide(act, command.decide, event.points)


def _settled(world: World, act: Act) -> None:
    """Paid as it was; a hold that cannot pay so much is given up, as nothing else ends it."""
    event: e.HoldSettled = act.event
    points = sum(take.points for take in event.takes + event.unexpired) + event.arrears
    hold = command_of(world, event.hold)
    command = SettleHold(hold, points, event.captured_at, event.store, A_BASKET)
    world.decide(act, command.decide, points)
    known = cast("Claimed | None", world.working.state(event.hold))
    if known and known.hold == e.HOLD_OPEN:
        world.decide(act, ReleaseHold(hold).decide)


def _released(world: World, act: Act) -> None:
    event: e.HoldReleased = act.event
    if event.how == e.HOLD_EXPIRED:
        world.decide(act, ExpireHolds(act.stream).decide)
    else:
        points = sum(take.points for take in event.takes)
        world.decide(act, ReleaseHold(command_of(world, event.hold)).decide, points)


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.PointsHeld: _reserved,
    e.HoldSettled: _settled,
    e.HoldReleased: _released,
    e.HoldEnded: made_anew,
}
