"""`[questions]`: by what the questions about single members are answered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.programme.parts import Part, Positive, RateBp

__all__ = ["Questions"]


class Questions(Part, frozen=True):
    """Shares are of those who are ranked; visits are for 365 days, other windows in proportion."""

    margin_bp: RateBp = 2500
    """What is left of each sale before points, discounts and compensation."""
    best_bp: RateBp = 1000
    least_complaints: Positive = 2
    fall_bp: RateBp = 5000
    usual_bp: RateBp = 8000
    least_visits: Positive = 12
    least_purchases: Positive = 3
    expiring_days: Annotated[int, Meta(ge=1, le=3660)] = 30
