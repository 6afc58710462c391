"""What replays share."""

from __future__ import annotations

from ledger.dryrun.world import Act, World


def copied(world: World, act: Act) -> None:
    """A fact that no programme decides."""
    world.copy(act)


def made_anew(world: World, act: Act) -> None:
    """The outcome of an act that another event stands for."""


def a_card(world: World, member: bytes) -> str:
    """A card that the member can use, as commands take it; the last one where all are stopped."""
    cards = world.member(member).cards
    usable = [card for card in cards if not card.stopped]
    return (usable or cards)[-1].id.hex()
