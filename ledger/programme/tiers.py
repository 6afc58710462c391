"""`[tiers]`: earned standing."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ledger.programme.parts import (
    MAX_WINDOW_DAYS,
    ONE_BP,
    Contradictions,
    Days,
    MultiplierBp,
    Name,
    Part,
    Points,
    repeated,
)

__all__ = ["Level", "Tiers"]


class Level(Part, frozen=True):
    """A tier, from so many qualifying points in the window on."""

    name: Name
    from_points: Points
    multiplier_bp: MultiplierBp = ONE_BP


class Tiers(Part, frozen=True):
    """Tiers by qualifying points of the last `window_days`; once reached, kept for `keep_days`.

    `taken` says whether a receipt earns at the tier before it or at the one it leads to.
    """

    window_days: Annotated[int, Meta(ge=1, le=MAX_WINDOW_DAYS)]
    level: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=20)]
    keep_days: Days = 0
    taken: Literal["before", "after"] = "before"


def contradictions(tiers: Tiers) -> Contradictions:
    """Find what the types cannot say."""
    yield from repeated("tiers.level", "name", (level.name for level in tiers.level))
    for index, level in enumerate(tiers.level):
        key = f"tiers.level[{index}].from_points"
        if index == 0 and level.from_points:
            yield key, "the first tier must start at 0, so that every member has one"
        if index and level.from_points <= tiers.level[index - 1].from_points:
            yield key, "tiers must rise"
