"""`[rebate]`: a share of the year's spend, given in points after the year."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from msgspec import Meta

from ledger.programme.parts import Contradictions, Name, Part, Positive, RateBp, repeated

__all__ = ["Rebate", "RebateLevel"]


class RebateLevel(Part, frozen=True):
    """The share that a tier gets; `tier` is left out where the programme has no tiers."""

    share_bp: RateBp
    tier: Name = ""


class Rebate(Part, frozen=True, kw_only=True):
    """Share of a calendar year's spend, less returns, one point for each full `minor_per_point`.

    Given once a year, from `after_days` after its end on, at the tier of its last instant.
    """

    minor_per_point: Positive
    level: Annotated[tuple[RebateLevel, ...], Meta(min_length=1)]
    minimum_spend_minor: Annotated[int, Meta(ge=0)] = 0
    after_days: Annotated[int, Meta(ge=0, le=300)] = 0


def contradictions(rebate: Rebate, tiers: Collection[str]) -> Contradictions:
    """Find what the types cannot say; `tiers` are the names of the programme's tiers."""
    yield from repeated("rebate.level", "tier", (level.tier for level in rebate.level))
    for index, level in enumerate(rebate.level):
        if tiers and level.tier not in tiers:
            yield f"rebate.level[{index}].tier", f"there is no tier `{level.tier}`"
        if not tiers and level.tier:
            yield f"rebate.level[{index}].tier", "the programme has no tiers"
