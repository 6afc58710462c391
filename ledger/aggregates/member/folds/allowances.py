"""What an allowance does to a member: it is known to be open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Allowance, Member


def _issued(m: Member, event: e.AllowanceIssued) -> Member:
    holding = tuple(one for one in m.allowances if one.until > event.captured_at)
    new = Allowance(event.allowance, event.card, event.points, event.until)
    return replace(m, allowances=(*holding, new))


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {e.AllowanceIssued: _issued}
