"""Base points: so many for each full amount spent."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.split import largest_remainder
from ledger.programme import Earn


def base_points(earn: Earn, eligible_minor: Sequence[int]) -> list[int]:
    """The base points of each line (floor, in the programme's favour).

    Counted by receipt, the receipt's points are divided among its lines by amount, so that
    a partial return knows what each line earned.
    """
    if earn.counted_by == "line":
        return [amount // earn.per_minor * earn.points for amount in eligible_minor]
    total = sum(eligible_minor) // earn.per_minor * earn.points
    return largest_remainder(total, eligible_minor)
