"""What fraud limits and reviews do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.seen import MOST_CASHIERS, counted, visited
from ledger.aggregates.member.state import Member, put, qualify
from ledger.types import Day, Instant


def watched(m: Member, award: e.Award, day: Day, captured_at: Instant, store: str) -> Member:
    """The member after a receipt was counted for the fraud limits."""
    return replace(
        m,
        counts=counted(m.counts, day, award.card, sum(award.points)),
        visits=visited(m.visits, captured_at, store),
        in_review=m.in_review + award.review,
    )


def _approved(m: Member, event: e.ReviewApproved) -> Member:
    m = put(m, event.activates_at, event.expires_at, e.ORIGIN_SCAN, event.points - event.repaid)
    days, qualifying = qualify(m.days, m.qualifying, event.qualifying_day, event.qualifying)
    return replace(
        m,
        in_review=m.in_review - event.points,
        arrears=m.arrears - event.repaid,
        days=days,
        qualifying=qualifying,
    )


def _denied(m: Member, event: e.ReviewDenied) -> Member:
    return replace(m, in_review=m.in_review - event.points, reversed=m.reversed + event.points)


def _marked(m: Member, event: e.StaffCardMarked) -> Member:
    if not event.cashier:
        return replace(m, cashiers=())
    return replace(m, cashiers=(*m.cashiers, event.cashier)[-MOST_CASHIERS:])


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.ReviewApproved: _approved,
    e.ReviewDenied: _denied,
    e.StaffCardMarked: _marked,
}
