"""Prices that only members get."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.periods import in_period
from ledger.programme import ONE_BP, MemberPrice
from ledger.types import Day, Line


def member_discount(prices: Sequence[MemberPrice], line: Line, tier: str, day: Day) -> int:
    """How much less a member pays for a line, in minor units.

    The best of the prices that apply, counted on the full price and rounded down in the
    programme's favour; what the line already carries as a discount is counted against it.
    """
    if line.quantity <= 0 or line.voided:
        return 0
    full = line.amount_minor + line.discount_minor
    best = max((p.off_bp for p in prices if _applies(p, line, tier, day)), default=0)
    return max(0, full * best // ONE_BP - line.discount_minor)


def _applies(price: MemberPrice, line: Line, tier: str, day: Day) -> bool:
    listed = line.product in price.products or line.category in price.categories
    return listed and (not price.tiers or tier in price.tiers) and in_period(price, day)
