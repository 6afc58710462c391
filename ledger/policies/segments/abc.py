"""ABC by value: who makes the first 80 % of what is spent, the next 15 %, the rest."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import ranked
from ledger.programme.parts import ONE_BP

NAMES = ("A", "B", "C")


def abc(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Members by what they spent; whose spend crosses a limit is above it.

    Compared without dividing: what those before spent, against the share of what all spent.
    """
    a_bp, b_bp = terms.rules.abc_bp
    spent = {p.member: p.spend_minor for p in profiles}
    whole, before, of = sum(spent.values()), 0, {}
    for member in ranked(profiles, lambda p: p.spend_minor):
        first_a, first_b = before * ONE_BP < whole * a_bp, before * ONE_BP < whole * (a_bp + b_bp)
        of[member] = "A" if first_a else "B" if first_b else "C"
        before += spent[member]
    return Segmented(NAMES, of)
