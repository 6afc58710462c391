"""Issuing the lists of a day: part by part, with a mark of how far it came.

The mark only spares work: a list that is issued again is a repeat. It is kept in the log's own
database, so whoever puts an older copy of it back gets the older mark with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from adapters.offers.crew import each
from ledger.application import LoyaltyLedger
from ledger.application.lists import Issued
from ledger.types import date_of

if TYPE_CHECKING:
    from ledger.offers.histories import Part
    from ledger.offers.plan import MadeList, Plan


class _Kept(Struct):
    """A mark as it is written: what the parts before `done` came to."""

    members: int
    """By whose number they were cut."""
    done: int
    told: Issued


def made(ledger: LoyaltyLedger, plan: Plan, part: Part) -> list[MadeList]:
    """The lists of a part; nothing is recorded."""
    return [*ledger.made_lists(plan, part)]


def issue_part(ledger: LoyaltyLedger, plan: Plan, part: Part) -> Issued:
    """Issue the lists of a part."""
    return ledger.issue_made(plan, part)


def issue(
    ledger: LoyaltyLedger, plan: Plan, card: str = "", *, workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> tuple[Issued, int]:  # fmt: skip
    """Issue the lists of a day to all members, or to a card's holder.

    What it came to in all, and how many lists of these an earlier run, that was broken off, had
    done.

    Raises:
        CardUnknown: nobody holds the card.
        InputInvalid: the day is not over, or the number of workers.
        StoreUnavailable, Busy, Closed: nothing is lost; do the same again.
    """
    from ledger.offers.plan import parts  # noqa: PLC0415  an extra

    ledger.over(plan.ask.as_of)
    if card:
        return ledger.issue_made(plan, ledger.holder_part(card)), 0
    name = f"lists {date_of(plan.ask.as_of).isoformat()} {ledger.keys.fingerprint((*plan.ask, plan.digest)).hex()}"
    if kept := ledger.log.mark(name):
        mark = msgspec.json.decode(kept, type=_Kept)
    else:
        mark = _Kept(ledger.count_members(), 0, Issued())
    before = mark.told.issued + mark.told.repeated
    left = parts(mark.members)[mark.done :]
    for told in each(ledger, plan, left, issue_part, workers):
        mark = _Kept(mark.members, mark.done + 1, mark.told.plus(told))
        ledger.log.put_mark(name, msgspec.json.encode(mark).decode())
        if progress:
            progress(told.issued + told.repeated)
    ledger.log.put_mark(name, None)
    return mark.told, before
