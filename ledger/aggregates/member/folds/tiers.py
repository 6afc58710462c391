"""What changes a member's tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member
from ledger.types import Instant


def changed(m: Member, event: e.TierChanged) -> Member:
    """The member after a change of tier, or after a review that confirmed it.

    The tier before is remembered, for receipts of its time that come in late.
    """
    if event.tier == m.tier:
        return replace(m, tier_until=event.until, tier_programme=event.programme)
    before, since = (
        (m.tier, m.tier_since)
        if event.captured_at > m.tier_since
        else (m.tier_before, m.before_since)
    )
    return replace(
        m, tier=event.tier, tier_since=event.captured_at, tier_until=event.until,
        tier_before=before, before_since=since, tier_programme=event.programme,
    )  # fmt: skip


def granted(m: Member, tier: str, at: Instant, until: Instant) -> Member:
    """The member after a tier was granted; the same tier granted on keeps its beginning."""
    going_on = tier == m.granted and at <= m.granted_until
    since = m.granted_since if going_on else at
    return replace(m, granted=tier, granted_since=since, granted_until=until)


def _granted(m: Member, event: e.TierGranted) -> Member:
    return granted(m, event.tier, event.captured_at, event.until)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.TierChanged: changed,
    e.TierGranted: _granted,
}
