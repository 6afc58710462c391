"""Who is worth a call."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.asking import Facts, Figure, Found, Terms, decline, largest

FIGURES = (
    "why", "spend_before_minor", "spend_minor", "last_day", "open_complaints", "consent",
)  # fmt: skip
COMPLAINS = "open complaint"


def call(facts: Sequence[Facts], terms: Terms) -> list[Found]:
    """The best by spend, now or a year before, who stopped, fell or have an open complaint.

    Who spent most in either of the two windows first; of equals the lower id.
    """
    best_bp = terms.rules.best_bp
    best = {*largest({one.member: one.now.spend_minor for one in facts}, best_bp)}
    best |= {*largest({one.member: one.before.spend_minor for one in facts}, best_bp)}
    found = [(one, _why(one, terms)) for one in facts if one.member in best]
    worth = [(one, why) for one, why in found if why]
    worth.sort(key=lambda pair: (-_size_minor(pair[0]), pair[0].member))
    return [Found(one.member, _figures(one, why)) for one, why in worth]


def _why(facts: Facts, terms: Terms) -> str:
    complains = COMPLAINS if facts.open_complaints else ""
    return ", ".join(filter(None, (decline(facts, terms.rules.fall_bp), complains)))


def _size_minor(facts: Facts) -> int:
    return max(facts.now.spend_minor, facts.before.spend_minor)


def _figures(facts: Facts, why: str) -> tuple[Figure, ...]:
    before, now = facts.before, facts.now
    return (
        why, before.spend_minor, now.spend_minor, max(now.last_day, before.last_day),
        facts.open_complaints, facts.consent,
    )  # fmt: skip
