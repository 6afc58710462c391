"""A share of the year's spend, in points."""

from __future__ import annotations

from ledger.programme import ONE_BP, Rebate


def share_bp(rebate: Rebate, tier: str) -> int:
    """The share that a tier gets, in basis points; 0 where none is said for it."""
    return next((level.share_bp for level in rebate.level if level.tier == tier), 0)


def rebate_points(rebate: Rebate, spend_minor: int, tier: str) -> int:
    """The points for a year's spend (floor, in the programme's favour)."""
    if spend_minor < max(rebate.minimum_spend_minor, 0):
        return 0
    return max(0, spend_minor) * share_bp(rebate, tier) // ONE_BP // rebate.minor_per_point
