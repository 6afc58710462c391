"""How each event of the log is replayed: one file a matter, registered here.

An event is a fact that is taken over (`copied`), the outcome of an act that another event
stands for, which is therefore made anew (`made_anew`), or stands for an act that is decided
again by the command that recorded it. An event that is in no file is not replayed, and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.dryrun.replays import complaints, membership, points, receipts
from ledger.dryrun.world import Act, World

REPLAYS: Mapping[type, Callable[[World, Act], None]] = {
    **membership.REPLAYS,
    **receipts.REPLAYS,
    **points.REPLAYS,
    **complaints.REPLAYS,
}
