"""What receipts and returns do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.folds.merging import counted
from ledger.aggregates.member.state import LAPSED_AFTER, Member, let_go, put, qualify, taken
from ledger.types import Day, Instant


def _scanned(m: Member, event: e.ReceiptScanned) -> Member:
    return _awarded(m, event.award, event.scan.day, event.scan.captured_at)


def _attributed(m: Member, event: e.ReceiptAttributed) -> Member:
    return _awarded(m, event.award, event.day, event.captured_at)


def _awarded(m: Member, award: e.Award, day: Day, captured_at: Instant) -> Member:
    earned = sum(award.points)
    m = let_go(m, captured_at - LAPSED_AFTER)
    m = put(m, award.activates_at, award.expires_at, e.ORIGIN_SCAN, earned - award.repaid)
    m = counted(m, award.card, earned)
    days, qualifying = qualify(m.days, m.qualifying, day, award.qualifying)
    return replace(
        m,
        earned=m.earned + earned,
        arrears=m.arrears - award.repaid,
        days=days,
        qualifying=qualifying,
        birthday_year=award.birthday_year or m.birthday_year,
    )


def _returned(m: Member, event: e.GoodsReturned) -> Member:
    back = sum(take.points for take in event.takes)
    days, qualifying = qualify(m.days, m.qualifying, event.qualifying_day, -sum(event.points))
    return replace(
        m,
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
}
