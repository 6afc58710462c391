"""Usual days and hours."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import ranked
from ledger.programme import Usual
from ledger.programme.parts import ONE_BP

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BEGINS = (6, 11, 14, 18, 22)
PARTS = ("night", "morning", "midday", "afternoon", "evening")
ANY, VARIES, TOO_FEW = "any", "varies", "too few"
NAMES = (
    *(
        f"{day} {part}"
        for day in (*DAYS, ANY)
        for part in (*PARTS, ANY)
        if (day, part) != (ANY, ANY)
    ),
    VARIES,
    TOO_FEW,
)


def hours(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Members by the weekday and the part of the day on which they usually buy."""
    by_id = {p.member: p for p in profiles}
    members = ranked(profiles, lambda p: p.receipts)
    return Segmented(NAMES, {m: _usual(by_id[m].hours, terms.rules.usual) for m in members})


def _usual(counts: Mapping[int, int], rule: Usual) -> str:
    if sum(counts.values()) < rule.least_receipts:
        return TOO_FEW
    days, parts = [0] * len(DAYS), [0] * len(PARTS)
    for hour, count in counts.items():
        days[hour // 24] += count
        parts[bisect_right(BEGINS, hour % 24) % len(PARTS)] += count
    day, part = _most(DAYS, days, rule.share_bp), _most(PARTS, parts, rule.share_bp)
    return VARIES if (day, part) == (ANY, ANY) else f"{day} {part}"


def _most(names: Sequence[str], counts: Sequence[int], share_bp: int) -> str:
    """The name with most, if it has the share; of equals the first. Exact, nothing is divided."""
    most = max(counts)
    return names[counts.index(most)] if most * ONE_BP >= sum(counts) * share_bp else ANY
