"""What changes a member's tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member


def _changed(m: Member, event: e.TierChanged) -> Member:
    return replace(m, tier=event.tier, tier_since=event.captured_at, tier_until=event.until)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.TierChanged: _changed,
}
