"""Who is one member with whom, and who left: it holds under any programme, and so do their cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.commands.leaving import CloseMember
from ledger.commands.merge import Merge, Unmerge
from ledger.dryrun.replays.parts import a_card, command_of, copied, made_anew
from ledger.dryrun.world import Act, World


def merged(world: World, act: Act) -> None:
    """Done whenever it was: receipts of the period that came in later know only the one member."""
    event: e.MergedAway = act.event
    command = Merge(
        a_card(world, act.stream), a_card(world, event.into), event.reason, event.author,
        event.command,
    )  # fmt: skip
    world.decide(act, command.decide)


def parted(world: World, act: Act) -> None:
    """As merging."""
    event: e.MergeUndone = act.event
    command = Unmerge(command_of(world, event.merge), event.author, event.command)
    world.decide(act, command.decide)


def closed(world: World, act: Act) -> None:
    """The points go where that is of the period; the cards are stopped anyway."""
    event: e.MemberClosed = act.event
    if act.day <= act.period.last:
        card = a_card(world, act.stream)
        command = CloseMember(card, event.reason, event.author, event.command)
        world.decide(act, command.decide, sum(take.points for take in event.takes))
    for index, card_of in enumerate(world.member(act.stream).cards):
        if not card_of.stopped:
            stopped = e.CardStopped(event.captured_at, index, event.reason)
            world.copy(act._replace(event=stopped))


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.MergedAway: merged,
    e.MergedIn: made_anew,
    e.MergeUndone: parted,
    e.PartedAgain: made_anew,
    e.MemberClosed: closed,
    e.MemberErased: copied,
}
