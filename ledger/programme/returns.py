"""`[returns]`: what happens to the points of goods that come back."""

from __future__ import annotations

from typing import Literal

from ledger.programme.parts import Part

__all__ = ["Returns"]


class Returns(Part, frozen=True):
    """What happens when the points of returned goods are already spent.

    `refuse` the return, `take` what is there and let the rest go, or raise `arrears` that
    later earning repays first.
    """

    when_spent: Literal["refuse", "take", "arrears"] = "arrears"
