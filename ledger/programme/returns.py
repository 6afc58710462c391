"""`[returns]`: what happens to the points of goods that come back."""

from __future__ import annotations

from typing import Literal

from ledger.programme.parts import Days, Part

__all__ = ["Returns"]


class Returns(Part, frozen=True):
    """What happens when the points of returned goods are already spent.

    `refuse` the return, `take` what is there and let the rest go, or raise `arrears` that
    later earning repays first.
    """

    when_spent: Literal["refuse", "take", "arrears"] = "arrears"
    window_days: Days = 0
    """How long goods can be returned; only `lots.pending = "return_window"` looks at it."""
    without_receipt: Literal["keep", "rate"] = "rate"
    """Of goods that come back with no receipt: let the points be, or take the base rate's."""
    paid_with_points: Literal["restore", "keep"] = "restore"
    """Of a receipt that points paid in part: give back their share, or leave them redeemed."""
