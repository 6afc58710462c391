"""Ranking by one criterion or by several together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ledger.policies.profile import Criterion, Profile, Segmented, Terms
from ledger.policies.shares import cut, places, ranked

TENTHS = tuple(f"tenth {number}" for number in range(1, 11))


def rank(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Members in the order of their places summed over the criteria, cut into tenths.

    The places of each criterion begin with 0 and equals share theirs, so each counts the same.
    """
    summed = dict.fromkeys((p.member for p in profiles), 0)
    for criterion in terms.criteria:
        value = _values(terms)[criterion]
        for member, place in places({p.member: value(p) for p in profiles}).items():
            summed[member] += place
    members = ranked(profiles, lambda p: -summed[p.member])
    return Segmented(TENTHS, cut(members, [1000] * 9, TENTHS))


def _values(terms: Terms) -> Mapping[Criterion, Callable[[Profile], int]]:
    """What each criterion looks at; frequency and quantity are of the goods asked about, if any."""
    of_goods = bool(terms.product or terms.category)
    return {
        "last": lambda p: p.last_day,
        "amount": lambda p: p.spend_minor,
        "frequency": lambda p: p.goods.receipts if of_goods else p.receipts,
        "quantity": lambda p: p.goods.quantity,
    }
