"""The heaviest buyers of a product or a category."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import cut, ranked

NAMES = ("top", "rest")


def top(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Buyers of a product by quantity; of a category, whose quantities do not add up, by spend."""
    by_quantity = bool(terms.product)
    members = ranked(profiles, lambda p: p.goods.quantity if by_quantity else p.goods.spend_minor)
    return Segmented(NAMES, cut(members, [terms.rules.top_bp], NAMES))
