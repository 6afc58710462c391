"""What complaints do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.folds.points import given
from ledger.aggregates.member.state import Complaint, Member


def _opened(m: Member, event: e.ComplaintOpened) -> Member:
    opened = Complaint(event.complaint, event.receipt, event.line)
    return replace(m, complaints=(*m.complaints, opened))


def _answered(m: Member, event: e.ComplaintAnswered) -> Member:
    found = tuple(replace(c, answered=True) if c.id == event.complaint else c for c in m.complaints)
    return replace(m, complaints=found)


def _resolved(m: Member, event: e.ComplaintResolved) -> Member:
    rest = tuple(c for c in m.complaints if c.id != event.complaint)
    return replace(given(m, event, e.ORIGIN_COMPENSATION), complaints=rest)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.ComplaintOpened: _opened,
    e.ComplaintAnswered: _answered,
    e.ComplaintResolved: _resolved,
}
