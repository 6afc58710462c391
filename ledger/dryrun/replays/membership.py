"""Members, cards and programmes are facts; what a card's earlier receipts earn is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.commands.attribution import attribute_waiting
from ledger.dryrun.period import business_day
from ledger.dryrun.replays.parts import copied
from ledger.dryrun.world import Act, World
from ledger.store.working import Working


def _owned(world: World, act: Act) -> None:
    """The card's waiting receipts go to its owner, where the late limit of this replay lets them.

    Which side of the period a receipt counts to is its own matter, not the card's.
    """
    waiting = cast("CardState | None", world.working.state(act.stream))
    world.copy(act)
    for receipt in waiting.waiting if waiting else ():
        of_its_day = act.of(business_day(receipt))
        if of_its_day is not None:
            _give(world, of_its_day, receipt)


def _give(world: World, act: Act, receipt: bytes) -> None:
    def attribute(working: Working) -> None:
        attribute_waiting(working, act.event.member, [receipt], None)

    for event in world.decide(act, attribute):
        if isinstance(event, e.ReceiptAttributed) and act.counted:
            world.given[receipt] = event.award


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.MemberEnrolled: copied,
    e.CardLinked: copied,
    e.CardStopped: copied,
    e.CardSeen: copied,
    e.CardOwned: _owned,
    e.ProgrammePublished: copied,
}
