"""Dividing whole points so that the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Sequence


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to the weights (none negative); the parts sum exactly.

    Each part is first floored, what is left goes one by one to the largest remainders,
    ties to the earlier part. With no weight at all the first part takes everything.
    Source: the largest remainder method (Hare quota).
    """
    whole = sum(weights)
    if total == 0 or whole == 0:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    if left:
        remainders = [total * weight % whole for weight in weights]
        # A sort keeps the order of equals, also when it is reversed.
        order = sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)
        for index in order[:left]:
            parts[index] += 1
    return parts


def part_returned(points: int, bought: int, before: int, now: int) -> int:
    """The points of a line that go back when `now` of `bought` are returned after `before`.

    Counted on the running sum, so any split of returns takes back exactly `points` in the
    end; the floor is in the member's favour until then.
    """
    return points * (before + now) // bought - points * before // bought
