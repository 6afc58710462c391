"""Whom a campaign addresses, as the reports know what members bought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ledger import events as e
from ledger.calendar import midnight
from ledger.policies.due import due
from ledger.policies.profile import Terms
from ledger.policies.segments.category_loyalty import category_loyalty
from ledger.programme import Programme
from ledger.projections.buying import Wanted, Who, Window, profiles, who, window_of
from ledger.projections.membership import DIM_STANDING
from ledger.projections.offer_results import Goods, receipts_with
from ledger.projections.queries import Reader
from ledger.types import Day


def addressed(
    reader: Reader, terms: e.CampaignCreated, as_of: Day, programme: Programme
) -> dict[bytes, str]:
    """The members that a campaign addresses on a day, with their cells (empty: it looks at none)."""
    if not terms.window:
        return dict.fromkeys(open_members(reader), "")
    window = window_of(terms.window, as_of)
    whose = who(reader, midnight(as_of + 1, programme.time_zone))
    found = _by_category(reader, terms, whose, window, programme) if terms.category else None
    if terms.together:
        times = _together(reader, terms, whose, window)
        habit = {member for member, often in times.items() if often >= terms.together}
        found = {
            member: found[member] if found else ""
            for member in sorted(habit if found is None else habit & found.keys())
        }
    return found or {}


def open_members(reader: Reader) -> Iterator[bytes]:
    """Everybody whose account is open, in order."""
    rows = reader.stream(
        f"SELECT member_id FROM {reader.name(DIM_STANDING)} WHERE standing = 'open'"
        " ORDER BY member_id"
    )
    return (bytes(member) for (member,) in rows)


def _by_category(
    reader: Reader, terms: e.CampaignCreated, whose: Who, window: Window, programme: Programme
) -> dict[bytes, str]:
    wanted = Wanted(goods=True, products=True, category=terms.category)
    found, shelves = profiles(reader, whose, window, programme.segments, wanted)
    buyers = [profile for profile in found if profile.goods.receipts]
    rules = Terms(
        programme.segments, window.days, category=terms.category, shelves=shelves
    )  # fmt: skip
    cells = category_loyalty(buyers, rules).of
    return {
        one.member: cells[one.member]
        for one in buyers
        if cells.get(one.member) in terms.cells
        if not terms.due_days or due(one.goods_days, window.last, terms.due_days)
    }


def _together(
    reader: Reader, terms: e.CampaignCreated, whose: Who, window: Window
) -> Counter[bytes]:
    """On how many receipts members bought something of each part of the bundle."""
    own = e.BundlePart(terms.products, terms.categories)
    whole: set[tuple[bytes, bytes]] | None = None
    for part in (own, *terms.bundle):
        pairs = set(receipts_with(reader, Goods(part.products, part.categories, *window)))
        whole = pairs if whole is None else whole & pairs
    members = (whose.root_of.get(bytes(member), bytes(member)) for member, _ in whole or ())
    return Counter(member for member in members if member not in whose.gone)
