"""What is settled before something changes what counts towards a tier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ledger import events as e
from ledger.aggregates.member.standing import passed
from ledger.aggregates.programmes import Programmes
from ledger.aggregates.receipt import Back
from ledger.commands.common import member_of
from ledger.commands.goods import lines_of, scan_in
from ledger.policies.basket import eligible
from ledger.policies.split import part_returned
from ledger.programme import loaded
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant, Tender


def settle_tier(
    working: Working, stream: bytes, recorded_at: Instant | None = None, captured_at: Instant = 0
) -> int:
    """Record the reviews of a member's tier that have passed; returns the member's version.

    So a review never counts what came in after it, whether or not a job has recorded it.
    """
    now = max(working.now if recorded_at is None else recorded_at, captured_at)
    member = member_of(working, stream)
    if 0 < member.tier_until <= now:
        for event in passed(member, cast("Programmes", working.state(PROGRAMME_STREAM)), now):
            working.emit(stream, event, recorded_at)
    return working.version(stream)


def uncounted(
    working: Working, receipt: bytes, awarded: e.Award, came: Back, before: Mapping[int, int]
) -> int:
    """What returned goods counted towards a tier; -1 where that is their points."""
    programmes = cast("Programmes", working.state(PROGRAMME_STREAM))
    programme = loaded(programmes.versions[awarded.programme - 1].text)
    if programme.tiers is None or programme.tiers.measure == "points":
        return -1
    scan = scan_in(working, receipt)
    tenders = [Tender(kind, amount) for kind, amount in scan.tenders]
    amounts = eligible(programme.earn, lines_of(scan.goods), tenders)
    return sum(
        part_returned(amounts[line], scan.goods.quantities[line], before.get(line, 0), quantity)
        for line, quantity in zip(came.lines, came.quantities, strict=True)
    )
