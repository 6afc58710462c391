"""Members, cards and programmes are facts; what a card's earlier receipts earn is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.commands.attribution import attribute_waiting
from ledger.commands.bonuses import welcome
from ledger.dryrun.period import business_day
from ledger.dryrun.replays.parts import card_at, copied, copied_of_card, held, made_anew
from ledger.dryrun.world import Act, World
from ledger.store.working import Working


def linked(world: World, act: Act) -> None:
    """A card is a fact; with the first one somebody joined, and gets what is given for that."""
    event: e.CardLinked = act.event
    if event.replaces >= 0:
        holder, index = held(world, card_at(world, act.stream, event.replaces))
        if holder:
            act = act._replace(stream=holder, event=replace(event, replaces=index))
    first = not world.member(act.stream).cards
    world.copy(act)
    if first and act.day <= act.period.last:
        world.decide(act, lambda w: welcome(w, act.stream, event.captured_at, None))


def owned(world: World, act: Act) -> None:
    """The card's waiting receipts go to its owner, where the late limit of this replay lets them.

    Which side of the period a receipt counts to is its own matter, not the card's. A card that
    has an owner changes hands by a merge, which stands for itself.
    """
    card = cast("CardState | None", world.working.state(act.stream))
    if card and card.member:
        return
    world.copy(act)
    for receipt in card.waiting if card else ():
        of_its_day = act.of(business_day(receipt))
        if of_its_day is not None:
            _give(world, of_its_day, receipt)


def _give(world: World, act: Act, receipt: bytes) -> None:
    def attribute(working: Working) -> None:
        attribute_waiting(working, act.event.member, [receipt], None)

    world.gave(act, world.decide(act, attribute))


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.MemberEnrolled: copied,
    e.MemberCompleted: copied,
    e.PersonalChanged: copied,
    e.OffersConsented: copied,
    e.IdentityLinked: copied,
    e.IdentityHeld: copied,
    e.CardLinked: linked,
    e.CardStopped: copied_of_card,
    e.CardLimited: copied_of_card,
    e.StaffCardMarked: copied_of_card,
    e.CardSeen: copied,
    e.CardOwned: owned,
    e.ProgrammePublished: made_anew,
}
