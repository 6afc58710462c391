"""`[earn]`: what a receipt earns."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta

from ledger.programme.parts import (
    ONE_BP,
    Contradictions,
    MultiplierBp,
    Name,
    Part,
    Points,
    Positive,
    listed,
    repeated,
)

__all__ = ["Birthday", "Bonus", "Earn"]


class Bonus(Part, frozen=True, rename={"from_": "from"}):
    """Extra points on listed goods, always or between two dates (both included).

    `multiplier_bp` is applied to the base points of the listed lines; `points_each` is
    added for each piece (or each line, for weighed goods).
    """

    name: Name
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    multiplier_bp: MultiplierBp = ONE_BP
    points_each: Points = 0
    from_: dt.date | None = None
    until: dt.date | None = None


class Birthday(Part, frozen=True):
    """The first receipt in the window around a member's birthday earns more, once a year."""

    days_before: Annotated[int, Meta(ge=0, le=31)] = 0
    days_after: Annotated[int, Meta(ge=0, le=31)] = 0
    multiplier_bp: MultiplierBp = ONE_BP
    points: Points = 0


class Earn(Part, frozen=True):
    """`points` for each full `per_minor` spent, counted by receipt or by line (floor)."""

    points: Positive
    per_minor: Positive
    counted_by: Literal["receipt", "line"] = "receipt"
    excluded_products: frozenset[str] = frozenset()
    excluded_categories: frozenset[str] = frozenset()
    excluded_tenders: frozenset[str] = frozenset()
    bonus: tuple[Bonus, ...] = ()
    birthday: Birthday | None = None


def contradictions(earn: Earn) -> Contradictions:
    """Find what the types cannot say."""
    yield from listed("earn.bonus", earn.bonus)
    yield from repeated("earn.bonus", "name", (bonus.name for bonus in earn.bonus))
