"""`[[member_price]]`: prices that only members get."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from ledger.programme.parts import (
    Contradictions,
    Name,
    Part,
    RateBp,
    listed,
    repeated,
)

__all__ = ["MemberPrice"]


class MemberPrice(Part, frozen=True, rename={"from_": "from"}):
    """A lower price on listed goods for members (of the listed tiers, if any are)."""

    name: Name
    off_bp: RateBp
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    from_: dt.date | None = None
    until: dt.date | None = None


def contradictions(prices: Sequence[MemberPrice], tiers: Collection[str]) -> Contradictions:
    """Find what the types cannot say; `tiers` are the names of the programme's tiers."""
    yield from listed("member_price", prices)
    yield from repeated("member_price", "name", (price.name for price in prices))
    for index, price in enumerate(prices):
        for unknown in sorted(price.tiers - set(tiers)):
            yield f"member_price[{index}].tiers", f"there is no tier `{unknown}`"
