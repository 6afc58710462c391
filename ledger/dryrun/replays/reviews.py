"""What people decided on receipts that waited."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events as e
from ledger.commands.review import DecideReview
from ledger.dryrun.replays.parts import made_anew
from ledger.dryrun.world import Act, World


def _reviewed(world: World, act: Act) -> None:
    event: e.ReceiptReviewed = act.event
    approve = event.decision == e.DECISION_APPROVED
    command = DecideReview(act.stream, approve, event.reason, event.author, event.command)
    world.gave(act, world.decide(act, command.decide))


REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    e.ReceiptReviewed: _reviewed,
    e.ReceiptFlagged: made_anew,
    e.ReviewApproved: made_anew,
    e.ReviewDenied: made_anew,
    e.ReviewReduced: made_anew,
}
