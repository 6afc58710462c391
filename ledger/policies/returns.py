"""What goods that come back without a receipt had earned, as nobody can know it exactly."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.programme import Earn
from ledger.types import Line


def loose_points(earn: Earn, lines: Sequence[Line]) -> int:
    """The points that lines of such amounts earn at the base rate; excluded goods had none."""
    amounts = _amounts(earn, lines)
    counted = amounts if earn.counted_by == "line" else [sum(amounts)]
    return sum(amount // earn.per_minor * earn.points for amount in counted)


def loose_amount(earn: Earn, lines: Sequence[Line]) -> int:
    """The amount of such lines that had earned."""
    return sum(_amounts(earn, lines))


def _amounts(earn: Earn, lines: Sequence[Line]) -> list[int]:
    return [
        -line.amount_minor
        for line in lines
        if line.product not in earn.excluded_products
        and line.category not in earn.excluded_categories
    ]


def share(points: int, part_minor: int, whole_minor: int) -> int:
    """The points that belong to a part of an amount (floor; all of them for all of it)."""
    if whole_minor <= 0:
        return 0
    return points * min(part_minor, whole_minor) // whole_minor
