"""`[tiers]`: earned standing."""

from __future__ import annotations

from functools import cached_property
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

__all__ = ["Level", "Measure", "Tiers"]

Measure = Literal["points", "spend"]
SHORTEST_DAYS = {"month": 28, "quarter": 90, "year": 365, "anniversary": 365}


class Level(Part, frozen=True):
    """A tier, from so many qualifying points (or minor units of spend) in the window on."""

    name: Name
    from_points: Points
    multiplier_bp: MultiplierBp = ONE_BP


class Tiers(Part, frozen=True, dict=True):
    """Tiers by what counts in a window; a tier once reached is held until its review.

    A rolling window is the last `window_days`; a tier is held for `keep_days`, then reviewed
    every day (`continuous`) or every so many days again (`periodic`). A calendar window is
    reviewed `grace_days` after its period has ended; a tier is held over the period after the
    one it was reached in. `taken` says whether a receipt earns at the tier before it or at the
    one it leads to.
    """

    level: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=20)]
    window_days: Annotated[int, Meta(ge=0, le=MAX_WINDOW_DAYS)] = 0
    keep_days: Days = 0
    taken: Literal["before", "after"] = "before"
    measure: Measure = "points"
    window: Literal["rolling", "year", "quarter", "month", "anniversary"] = "rolling"
    review: Literal["continuous", "periodic"] = "continuous"
    grace_days: Days = 0
    downgrade: Literal["straight", "one_step"] = "straight"

    @cached_property
    def index_of(self) -> dict[str, int]:
        """The place of each tier, from 0."""
        return {level.name: index for index, level in enumerate(self.level)}


def contradictions(tiers: Tiers) -> Contradictions:
    """Find what the types cannot say."""
    yield from repeated("tiers.level", "name", (level.name for level in tiers.level))
    for index, level in enumerate(tiers.level):
        key = f"tiers.level[{index}].from_points"
        if index == 0 and level.from_points:
            yield key, "the first tier must start at 0, so that every member has one"
        if index and level.from_points <= tiers.level[index - 1].from_points:
            yield key, "tiers must rise"
    yield from _rolling(tiers) if tiers.window == "rolling" else _calendar(tiers)


def _rolling(tiers: Tiers) -> Contradictions:
    if not tiers.window_days:
        yield "tiers.window_days", "a rolling window needs its days"
    if tiers.grace_days:
        yield "tiers.grace_days", "a rolling window has `keep_days` instead"


def _calendar(tiers: Tiers) -> Contradictions:
    if tiers.window_days:
        yield "tiers.window_days", f"the window is the {tiers.window}; only a rolling one has days"
    if tiers.keep_days:
        yield "tiers.keep_days", f"a window by {tiers.window} has `grace_days` instead"
    if tiers.review != "continuous":
        yield "tiers.review", f"a window by {tiers.window} is reviewed when it has ended"
    shortest = SHORTEST_DAYS[tiers.window]
    if tiers.grace_days >= shortest:
        yield "tiers.grace_days", f"must be less than the shortest {tiers.window} ({shortest} days)"
