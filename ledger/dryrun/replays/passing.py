"""What time did, what jobs gave, and tiers: recorded again where this replay comes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.aggregates.member.bonuses import ENROLMENT, birthday_gift
from ledger.commands.common import member_of, rules_at
from ledger.commands.passing import GrantRebate, RecordExpiry
from ledger.commands.tiers import GrantTier
from ledger.dryrun.replays.parts import a_card, made_anew
from ledger.dryrun.world import Act, World
from ledger.store.working import Working


def _expired(world: World, act: Act) -> None:
    world.decide(act, RecordExpiry(act.stream, act.event.until).decide)


def _bonus(world: World, act: Act) -> None:
    """A birthday's points; the event tells the day, so it is repeated after an erasure too."""
    event: e.BonusGranted = act.event
    if event.rule == ENROLMENT:
        return

    def give(working: Working) -> None:
        member, at = member_of(working, act.stream), event.captured_at
        gift = birthday_gift(member, event.year, at, rules_at(working, at), working.now)
        working.emit(act.stream, gift)

    world.decide(act, give, event.points)


def _rebate(world: World, act: Act) -> None:
    event: e.RebateGranted = act.event
    world.decide(act, GrantRebate(act.stream, event.year).decide, event.points)


def _granted(world: World, act: Act) -> None:
    event: e.TierGranted = act.event
    command = GrantTier(
        a_card(world, act.stream), event.tier, event.until, event.reason, event.author,
        event.command,
    )  # fmt: skip
    world.decide(act, command.decide)


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.PointsExpired: _expired,
    e.PointsActivated: made_anew,
    e.LotsSlid: made_anew,
    e.BonusGranted: _bonus,
    e.RebateGranted: _rebate,
    e.TierChanged: made_anew,
    e.TierGranted: _granted,
    e.JobSeen: made_anew,
    e.JobStarted: made_anew,
    e.JobStepped: made_anew,
    e.JobLeft: made_anew,
    e.JobDone: made_anew,
}
