"""Loyalty in a category: to which kind of brand, and how much a member uses."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import cut, ranked
from ledger.programme.audience import CELLS, USAGES
from ledger.programme.parts import ONE_BP

KINDS = ("own", "national")


def category_loyalty(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Buyers of a category by the kind of brand they spend most on, and by how much they spend."""
    spent = {p.member: _spent(p, terms) for p in profiles}
    buyers = [p for p in profiles if sum(spent[p.member].values()) > 0]
    rules = terms.rules.loyalty
    members = ranked(buyers, lambda p: sum(spent[p.member].values()))
    usage = cut(members, [rules.heavy_bp, rules.medium_bp], USAGES)
    of = {m: f"{_loyal(spent[m], rules.loyal_bp)} {usage[m]}" for m in members}
    return Segmented(CELLS, of)


def _spent(profile: Profile, terms: Terms) -> dict[str, int]:
    """What a member spent in the category, by kind of brand."""
    found: dict[str, int] = {}
    for product, bought in profile.products.items():
        shelf = terms.shelves.get(product)
        if shelf is not None and shelf.category == terms.category:
            found[shelf.kind] = found.get(shelf.kind, 0) + bought.spend_minor
    return found


def _loyal(spent: dict[str, int], loyal_bp: int) -> str:
    """The kind that has at least the programme's share of what is known; exact, not divided."""
    known = sum(spent.get(kind, 0) for kind in KINDS)
    if not known:
        return "unknown"
    loyal = (kind for kind in KINDS if spent.get(kind, 0) * ONE_BP >= known * loyal_bp)
    return next(loyal, "switcher")
