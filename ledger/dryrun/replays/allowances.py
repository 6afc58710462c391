"""Allowances are asked for again; what was spent under them is with the other redemptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.commands.allowances import IssueAllowance
from ledger.dryrun.replays.parts import copied, made_anew
from ledger.dryrun.world import Act, World
from ledger.policies.offline import HOUR_SECONDS


def _issued(world: World, act: Act) -> None:
    event: e.AllowanceIssued = act.event
    command = IssueAllowance(
        card=event.card.hex(),
        points=event.points,
        command_id=event.command,
        hours=(event.until - event.captured_at) // HOUR_SECONDS,
        store=event.store,
    )
    world.decide(act, command.decide, event.points)


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.AllowanceIssued: _issued,
    e.AllowanceUsed: made_anew,
    e.AllowanceKeyMade: copied,
}
