"""Bundles: which lines of a receipt stand together, a piece of each part to a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Taken(NamedTuple):
    """So many pieces of a line stand in bundles, as this part of them."""

    line: int
    part: int
    pieces: int


def bundled(
    pieces: Sequence[int], parts: Sequence[Sequence[int]], count: int, most: int
) -> list[Taken]:
    """The lines of as many whole bundles as there are, `most` at most; empty where there is none.

    `pieces` are those of each line, `parts` what it may be of the `count` parts. A line is one part
    only: of those that it may be, the one with the fewest pieces so far (of equals, the earlier).
    """
    found = [0] * count
    chosen: list[int | None] = []
    for number, may in zip(pieces, parts, strict=True):
        part = min(may, key=lambda one: (found[one], one)) if may else None
        chosen.append(part)
        if part is not None:
            found[part] += number
    left = [min(*found, most)] * count
    taken = []
    for line, part in enumerate(chosen):
        if part is not None and (takes := min(pieces[line], left[part])) > 0:
            left[part] -= takes
            taken.append(Taken(line, part, takes))
    return taken
