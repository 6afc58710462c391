"""Goods that came back, and returns that were taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ledger import events as e
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.returns import Back, ReturnLoose, When, return_lines
from ledger.commands.voiding import VoidReturn
from ledger.dryrun.replays.parts import a_card, made_anew, own_id
from ledger.dryrun.world import Act, World, key_of


def _came_back(world: World, act: Act) -> None:
    """Taken back again; a return that waited was, with its receipt."""
    event: e.LinesReturned | e.ReturnWaits = act.event
    known = cast("ReceiptState | None", world.working.state(act.stream))
    if known and any(waits.by == event.by for waits in known.waiting):
        return
    back = Back(
        key_of(act.stream),
        dict(zip(event.lines, event.quantities, strict=True)),
        dict(zip(event.lines, event.amounts_minor, strict=True)),
    )
    when = When(event.by, act.captured_at, None)
    world.decide(act, lambda working: return_lines(working, back, when))


def _kept(world: World, act: Act) -> None:
    command = VoidReturn(key_of(act.stream), key_of(act.event.by), own_id(act))
    world.decide(act, command.decide)


def _loose(world: World, act: Act) -> None:
    """By staff; on a receipt it is made anew with the receipt. What goods they were is not told."""
    event: e.GoodsReturnedLoose = act.event
    if event.author:
        card = a_card(world, act.stream)
        command = ReturnLoose(card, event.amount_minor, event.author, own_id(act))
        world.decide(act, command.decide, event.points)


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.LinesReturned: _came_back,
    e.ReturnWaits: _came_back,
    e.LinesKept: _kept,
    e.GoodsReturned: made_anew,
    e.GoodsReturnedLoose: _loose,
    e.ReturnVoided: made_anew,
}
