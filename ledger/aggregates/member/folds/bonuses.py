"""What points without a receipt do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member, put


def _granted(m: Member, event: e.BonusGranted) -> Member:
    kept = event.points - event.repaid
    m = put(m, event.activates_at, event.expires_at, e.ORIGIN_BONUS, kept)
    return replace(
        m,
        earned=m.earned + event.points,
        arrears=m.arrears - event.repaid,
        birthday_gift_year=max(event.year, m.birthday_gift_year),
    )


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.BonusGranted: _granted,
}
