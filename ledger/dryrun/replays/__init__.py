"""How each event of the log is replayed: one file a matter, registered here.

An event is a fact that is taken over (`copied`), the outcome of an act that another event
stands for, which is therefore made anew (`made_anew`), or stands for an act that is decided
again by the command that recorded it. An event that is in no file is not replayed, and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.dryrun.replays import (
    allowances,
    catalogue,
    complaints,
    holds,
    membership,
    merging,
    passing,
    points,
    receipts,
    returns,
    reviews,
)
from ledger.dryrun.replays.parts import copied, copied_of_card
from ledger.dryrun.world import Act, World

WHENEVER = frozenset({
    copied, copied_of_card, membership.linked, membership.owned, merging.merged, merging.parted,
    merging.closed,
})  # fmt: skip
"""Replays of what must be known of receipts that came in after the period."""
REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    **membership.REPLAYS,
    **receipts.REPLAYS,
    **returns.REPLAYS,
    **reviews.REPLAYS,
    **points.REPLAYS,
    **holds.REPLAYS,
    **allowances.REPLAYS,
    **passing.REPLAYS,
    **merging.REPLAYS,
    **complaints.REPLAYS,
    **catalogue.REPLAYS,
}
