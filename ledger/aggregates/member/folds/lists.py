"""What lists of offers do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member, OfferList
from ledger.types import Day

DAY_SECONDS = 86_400


def not_lapsed(lists: tuple[OfferList, ...], day: Day) -> tuple[OfferList, ...]:
    """The lists without those that no receipt can use any more."""
    if all(one.kept_until >= day for one in lists):
        return lists
    return tuple(one for one in lists if one.kept_until >= day)


def _issued(m: Member, event: e.ListIssued) -> Member:
    lists = not_lapsed(m.lists, event.captured_at // DAY_SECONDS)
    if not event.offers:
        return replace(m, lists=lists)
    one = OfferList(
        event.barcode, event.offers, event.from_day, event.until_day, event.kept_until
    )  # fmt: skip
    return replace(m, lists=(*lists, one))


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {e.ListIssued: _issued}
