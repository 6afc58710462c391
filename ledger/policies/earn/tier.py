"""Members of a higher tier earn a multiple."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.basket import Award, Basket
from ledger.policies.split import largest_remainder
from ledger.programme import ONE_BP


def tier_points(basket: Basket, base: Sequence[int]) -> Sequence[Award]:
    """What the tier adds to the base points of the receipt (floor)."""
    extra = sum(base) * (basket.shopper.tier_multiplier_bp - ONE_BP) // ONE_BP
    if extra <= 0:
        return ()
    return (Award("tier", largest_remainder(extra, base)),)
