"""The largest of a year before who stopped or fell."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.asking import Facts, Figure, Found, Terms, decline, largest

FIGURES = (
    "how", "lost_minor", "spend_before_minor", "spend_minor", "receipts_before", "receipts",
    "last_day",
)  # fmt: skip


def fallen(facts: Sequence[Facts], terms: Terms) -> list[Found]:
    """Of the best by spend a year before those who stopped or fell, who lost most first."""
    by_id = {one.member: one for one in facts}
    best = largest({one.member: one.before.spend_minor for one in facts}, terms.rules.best_bp)
    found = [(by_id[m], decline(by_id[m], terms.rules.fall_bp)) for m in best]
    fell = [(one, how) for one, how in found if how]
    fell.sort(key=lambda pair: (-_lost_minor(pair[0]), pair[0].member))
    return [Found(one.member, _figures(one, how)) for one, how in fell]


def _lost_minor(facts: Facts) -> int:
    return facts.before.spend_minor - facts.now.spend_minor


def _figures(facts: Facts, how: str) -> tuple[Figure, ...]:
    before, now = facts.before, facts.now
    last_day = max(now.last_day, before.last_day)
    return (
        how, _lost_minor(facts), before.spend_minor, now.spend_minor, before.receipts,
        now.receipts, last_day,
    )  # fmt: skip
