"""The best customers who complained repeatedly."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.asking import Facts, Found, Terms, largest

FIGURES = ("spend_minor", "receipts", "complaints", "open_complaints")


def complained(facts: Sequence[Facts], terms: Terms) -> list[Found]:
    """Of the best by spend those with so many complaints in the window; who spent most first."""
    by_id = {one.member: one for one in facts}
    best = largest({one.member: one.now.spend_minor for one in facts}, terms.rules.best_bp)
    least = terms.rules.least_complaints
    return [Found(m, _figures(by_id[m])) for m in best if by_id[m].complaints >= least]


def _figures(facts: Facts) -> tuple[int, ...]:
    now = facts.now
    return (now.spend_minor, now.receipts, facts.complaints, facts.open_complaints)
