"""What receipts and returns do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.folds.counting import counted
from ledger.aggregates.member.folds.lists import not_lapsed
from ledger.aggregates.member.folds.merging import counted as counted_for_card
from ledger.aggregates.member.folds.reviews import watched
from ledger.aggregates.member.state import (
    LAPSED_AFTER,
    Member,
    let_go,
    lots_with,
    put_all,
    qualify,
    spend,
    taken,
    years_with,
)
from ledger.types import Day, Instant


def _scanned(m: Member, event: e.ReceiptScanned) -> Member:
    scan, day = event.scan, event.scan.day
    years = years_with(m.years, day, scan.bought_minor)
    return _awarded(m, event.award, day, scan.captured_at, scan.store, years)


def _attributed(m: Member, event: e.ReceiptAttributed) -> Member:
    years = years_with(m.years, event.day, event.amount_minor)
    return _awarded(m, event.award, event.day, event.captured_at, event.store, years)


def _awarded(
    m: Member, award: e.Award, day: Day, captured_at: Instant, store: str,
    years: tuple[tuple[int, int], ...],
) -> Member:  # fmt: skip
    earned = sum(award.points)
    m = watched(m, award, day, captured_at, store) if award.watched else m
    m = let_go(m, captured_at - LAPSED_AFTER)
    kept = earned - award.repaid - award.review
    lots, lapsed = lots_with(m, award.activates_at, award.expires_at, e.ORIGIN_SCAN, kept)
    m = counted_for_card(m, award.card, earned)
    days, qualifying = qualify(m.days, m.qualifying, day, award.qualifying)
    return replace(  # once: a member has many fields, and this is what happens most
        m,
        years=years,
        lots=lots,
        lapsed=lapsed,
        earned=m.earned + earned,
        arrears=m.arrears - award.repaid,
        days=days,
        qualifying=qualifying,
        birthday_year=award.birthday_year or m.birthday_year,
        receipts=m.receipts + 1,
        counters=counted(m.counters, award.counted, day),
        lists=m.lists and not_lapsed(m.lists, day),
    )


def _returned(m: Member, event: e.GoodsReturned) -> Member:
    back = sum(take.points for take in event.takes)
    days, qualifying = qualify(m.days, m.qualifying, event.qualifying_day, -event.uncounted)
    return replace(
        spend(m, event.qualifying_day, -sum(event.amounts_minor)),
        lots=taken(m.lots, event.takes),
        reversed=m.reversed + back + event.arrears + event.from_review,
        in_review=m.in_review - event.from_review,
        arrears=m.arrears + event.arrears,
        days=days,
        qualifying=qualifying,
    )


def _voided(m: Member, event: e.ReturnVoided) -> Member:
    days, qualifying = qualify(m.days, m.qualifying, event.qualifying_day, event.counted)
    m = spend(m, event.qualifying_day, sum(event.amounts_minor))
    return replace(
        put_all(m, event.puts),
        reinstated=m.reinstated + event.reinstated,
        in_review=m.in_review + event.to_review,
        arrears=m.arrears - event.arrears,
        days=days,
        qualifying=qualifying,
    )


def _loose(m: Member, event: e.GoodsReturnedLoose) -> Member:
    back = sum(take.points for take in event.takes)
    days, qualifying = qualify(m.days, m.qualifying, event.day, -event.uncounted)
    return replace(
        spend(m, event.day, -event.amount_minor),
        lots=taken(m.lots, event.takes),
        reversed=m.reversed + back + event.arrears,
        arrears=m.arrears + event.arrears,
        days=days,
        qualifying=qualifying,
    )


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.ReceiptScanned: _scanned,
    e.ReceiptAttributed: _attributed,
    e.GoodsReturned: _returned,
    e.ReturnVoided: _voided,
    e.GoodsReturnedLoose: _loose,
}
