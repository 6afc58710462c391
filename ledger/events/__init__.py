"""Every event the ledger can store: its fields, its topic, its stream.

Events are array-like msgpack: a field is only ever appended, with a default; anything else
is a new event with a new topic. They record outcomes (which lots paid, the points of each
line, the programme version), so replaying never chooses again. `recorded_at` and the
stream's version stand beside an event in the log, not in it.

One file a matter; each lists its events, and is registered here.
"""

from __future__ import annotations

from ledger.events import (
    access,
    allowances,
    bonuses,
    campaigns,
    catalogue,
    complaints,
    holders,
    holds,
    jobs,
    keys,
    leaving,
    membership,
    merging,
    models,
    offers,
    passing,
    persons,
    points,
    pools,
    receipts,
    reviews,
    scanning,
    tiers,
    transfers,
    vouchers,
)
from ledger.events.access import *
from ledger.events.allowances import *
from ledger.events.bonuses import *
from ledger.events.campaigns import *
from ledger.events.catalogue import *
from ledger.events.complaints import *
from ledger.events.holders import *
from ledger.events.holds import *
from ledger.events.jobs import *
from ledger.events.keys import *
from ledger.events.leaving import *
from ledger.events.membership import *
from ledger.events.merging import *
from ledger.events.models import *
from ledger.events.offers import *
from ledger.events.parts import *
from ledger.events.passing import *
from ledger.events.persons import *
from ledger.events.points import *
from ledger.events.pools import *
from ledger.events.receipts import *
from ledger.events.reviews import *
from ledger.events.scanning import *
from ledger.events.tiers import *
from ledger.events.transfers import *
from ledger.events.vouchers import *

EVENTS: tuple[type[Event], ...] = (
    *scanning.EVENTS,
    *membership.EVENTS,
    *points.EVENTS,
    *holds.EVENTS,
    *passing.EVENTS,
    *vouchers.EVENTS,
    *tiers.EVENTS,
    *complaints.EVENTS,
    *reviews.EVENTS,
    *bonuses.EVENTS,
    *receipts.EVENTS,
    *keys.EVENTS,
    *jobs.EVENTS,
    *pools.EVENTS,
    *persons.EVENTS,
    *holders.EVENTS,
    *merging.EVENTS,
    *transfers.EVENTS,
    *leaving.EVENTS,
    *catalogue.EVENTS,
    *models.EVENTS,
    *campaigns.EVENTS,
    *offers.EVENTS,
    *access.EVENTS,
    *allowances.EVENTS,
)
TOPICS: dict[str, type[Event]] = {event.TOPIC: event for event in EVENTS}
