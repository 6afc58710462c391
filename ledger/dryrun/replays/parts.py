"""What replays share."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from ledger.aggregates.card import CardState
from ledger.aggregates.claim import Claimed
from ledger.dryrun.world import Act, World


def copied(world: World, act: Act) -> None:
    """A fact that no programme decides."""
    world.copy(act)


def made_anew(world: World, act: Act) -> None:
    """The outcome of an act that another event stands for, or of time by itself."""


def copied_of_card(world: World, act: Act) -> None:
    """A fact of one card, for whoever holds that card in this replay."""
    card = card_at(world, act.stream, act.event.card)
    holder, index = held(world, card)
    if holder:
        world.copy(act._replace(stream=holder, event=replace(act.event, card=index)))


def card_at(world: World, member: bytes, index: int) -> bytes:
    """The card that the log means by a member's index; empty where it is not told.

    Looked up under the programmes in force: a draft may refuse what moves cards.
    """
    cards = world.facts.member(member).cards
    return cards[index].id if 0 <= index < len(cards) else b""


def held(world: World, card: bytes) -> tuple[bytes, int]:
    """Who holds a card in this replay, and its index there; nobody for a card nobody has."""
    state = cast("CardState | None", world.working.state(card)) if card else None
    if state is None or not state.member:
        return b"", -1
    ids = [known.id for known in world.member(state.member).cards]
    return (state.member, ids.index(card)) if card in ids else (b"", -1)


def a_card(world: World, member: bytes) -> str:
    """A card that the member can use, as commands take it; the last one where all are stopped."""
    cards = world.facts.member(member).cards
    usable = [card for card in cards if not card.stopped]
    return (usable or cards)[-1].id.hex()


def the_card(world: World, member: bytes, index: int) -> str:
    """The card that paid, as commands take it; any of the member's where that was not kept."""
    card = card_at(world, member, index)
    return card.hex() if card else a_card(world, member)


def command_of(world: World, claim: bytes) -> str:
    """The command id that a claim stands for; one that was never used where this replay refused it."""
    known = cast("Claimed | None", world.working.state(claim))
    if known is None:
        return claim.hex()
    command: str = world.working.event(known.stream, known.version).command
    return command


def own_id(act: Act) -> str:
    """A command id for an act whose event does not carry one."""
    return f"{act.stream.hex()}/{act.version}"
