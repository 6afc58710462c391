"""How events change a member: one file a matter, registered here.

A fold assigns and adds; it never chooses, never refuses and reads no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger import events as e
from ledger.aggregates.member.folds import (
    allowances,
    bonuses,
    complaints,
    holders,
    holds,
    leaving,
    lists,
    membership,
    merging,
    passing,
    persons,
    points,
    reviews,
    scanning,
    tiers,
    transfers,
)
from ledger.aggregates.member.state import Member

FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    **scanning.FOLDS,
    **points.FOLDS,
    **holds.FOLDS,
    **passing.FOLDS,
    **membership.FOLDS,
    **tiers.FOLDS,
    **complaints.FOLDS,
    **reviews.FOLDS,
    **bonuses.FOLDS,
    **holders.FOLDS,
    **persons.FOLDS,
    **merging.FOLDS,
    **transfers.FOLDS,
    **leaving.FOLDS,
    **lists.FOLDS,
    **allowances.FOLDS,
}


def evolve(state: Member | None, event: e.Event) -> Member:
    """The state after an event; a member's stream begins with the enrolment."""
    if state is None:
        assert isinstance(event, e.MemberEnrolled)  # noqa: S101  nothing else comes first
        return Member(event.captured_at, event.store, event.personal, kind=event.kind)
    fold = FOLDS.get(type(event))
    return fold(state, event) if fold else state
