"""Complaints are facts; their compensation is within the programme's limit or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.commands.complaints import ResolveComplaint
from ledger.dryrun.replays.parts import a_card, copied, own_id
from ledger.dryrun.world import Act, World


def _resolved(world: World, act: Act) -> None:
    """Resolved anew, under an id of its own: the event does not carry the command's."""
    event: e.ComplaintResolved = act.event
    command = ResolveComplaint(
        card=a_card(world, act.stream),
        complaint=event.complaint,
        resolution=event.resolution,
        points=event.points,
        author=event.author,
        command_id=own_id(act),
        role=event.role,
        approved_by=event.approved_by,
        approver_role=event.approver_role,
    )
    world.decide(act, command.decide, event.points)


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.ComplaintOpened: copied,
    e.ComplaintAnswered: copied,
    e.ComplaintResolved: _resolved,
}
