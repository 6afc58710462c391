"""`[earn]`: what a receipt earns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Annotated, Literal

from msgspec import Meta

from ledger.programme import expressions
from ledger.programme.expressions import Expression
from ledger.programme.parts import (
    ONE_BP,
    Contradictions,
    MultiplierBp,
    Name,
    Part,
    Points,
    Positive,
    repeated,
)
from ledger.types import Day

__all__ = ["Birthday", "Bonus", "Caps", "Earn", "Rate", "Welcome"]

Weekday = Annotated[int, Meta(ge=1, le=7)]
"""1 is Monday."""


class Rate(Part, frozen=True):
    """Another base rate for the lines that it fits; of several that fit, the first."""

    name: Name
    points: Points
    per_minor: Positive
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()


class Bonus(Part, frozen=True, rename={"from_": "from"}):
    """Extra points where every condition holds, on the listed goods or on all that earn.

    `multiplier_bp` is applied to the base points of these lines; `points_each` is added for
    each piece (or each line, for weighed goods), `points` once. With a budget it is a campaign.
    """

    name: Name
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    multiplier_bp: MultiplierBp = ONE_BP
    points_each: Points = 0
    from_: dt.date | None = None
    until: dt.date | None = None
    brands: frozenset[str] = frozenset()
    everything: bool = False
    stores: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    weekdays: frozenset[Weekday] = frozenset()
    from_hour: Annotated[int, Meta(ge=0, le=23)] = 0
    until_hour: Annotated[int, Meta(ge=1, le=24)] = 24
    first_purchase: bool = False
    minimum_minor: Points = 0
    points: Points = 0
    exclusive: Annotated[str, Meta(max_length=64)] = ""
    max_points_receipt: Positive | None = None
    max_points_day: Positive | None = None
    max_points_member: Positive | None = None
    budget_points: Positive | None = None

    @property
    def lists_goods(self) -> bool:
        """Whether it is for some goods only."""
        return bool(self.products or self.categories or self.brands)

    @property
    def rule(self) -> str:
        """Its name among the rules of an award."""
        return f"bonus:{self.name}"

    @property
    def limited(self) -> bool:
        """Whether it matters what it gave before, which no condition can tell."""
        return self.max_points_day is not None or self.max_points_member is not None


class Birthday(Part, frozen=True):
    """The first receipt in the window around a member's birthday earns more, once a year.

    `gift_points` are given on the day itself, without a receipt.
    """

    days_before: Annotated[int, Meta(ge=0, le=31)] = 0
    days_after: Annotated[int, Meta(ge=0, le=31)] = 0
    multiplier_bp: MultiplierBp = ONE_BP
    points: Points = 0
    gift_points: Points = 0


class Caps(Part, frozen=True):
    """The most that may be earned: on a receipt, on a day, by a member for ever."""

    receipt: Positive | None = None
    day: Positive | None = None
    member: Positive | None = None


class Welcome(Part, frozen=True):
    """Points for joining."""

    points: Positive


class Earn(Part, frozen=True, dict=True):
    """`points` for each full `per_minor` spent, counted by receipt or by line (floor)."""

    points: Positive
    per_minor: Positive
    counted_by: Literal["receipt", "line"] = "receipt"
    excluded_products: frozenset[str] = frozenset()
    excluded_categories: frozenset[str] = frozenset()
    excluded_tenders: frozenset[str] = frozenset()
    bonus: tuple[Bonus, ...] = ()
    birthday: Birthday | None = None
    amounts: Literal["net", "gross"] = "net"
    minimum_minor: Points = 0
    rate: tuple[Rate, ...] = ()
    caps: Caps = Caps()
    enrolment: Welcome | None = None
    expression: tuple[Expression, ...] = ()

    @cached_property
    def bonuses_on(self) -> dict[Day, tuple[Bonus, ...]]:
        """A memory of which bonuses a day has, kept by who asks for them."""
        return {}

    @cached_property
    def campaigns(self) -> tuple[Bonus, ...]:
        """The bonuses that have a budget."""
        return tuple(bonus for bonus in self.bonus if bonus.budget_points is not None)

    @cached_property
    def limited(self) -> tuple[Bonus, ...]:
        """The bonuses of which it matters what they gave before."""
        return tuple(bonus for bonus in self.bonus if bonus.limited)

    @cached_property
    def counts_days(self) -> bool:
        """Whether it matters what was earned on a day before."""
        asked = any("earned_today" in one.points for one in self.expression)
        return self.caps.day is not None or asked


def contradictions(earn: Earn, tiers: Collection[str]) -> Contradictions:
    """Find what the types cannot say; `tiers` are the names of the programme's tiers."""
    yield from repeated("earn.bonus", "name", (bonus.name for bonus in earn.bonus))
    yield from repeated("earn.rate", "name", (rate.name for rate in earn.rate))
    yield from _unknown_tiers("earn.bonus", [bonus.tiers for bonus in earn.bonus], tiers)
    yield from _unknown_tiers("earn.rate", [rate.tiers for rate in earn.rate], tiers)
    for index, bonus in enumerate(earn.bonus):
        for key, complaint in _wrong_bonus(bonus):
            yield f"earn.bonus[{index}]{key}", complaint
    for index, rate in enumerate(earn.rate):
        if not (rate.products or rate.categories or rate.brands or rate.stores or rate.tiers):
            yield f"earn.rate[{index}]", "says nothing of the lines that it is for"
    yield from expressions.contradictions(earn.expression)


def _unknown_tiers(
    key: str, named: Sequence[frozenset[str]], tiers: Collection[str]
) -> Contradictions:
    for index, names in enumerate(named):
        for unknown in sorted(names - set(tiers)):
            yield f"{key}[{index}].tiers", f"there is no tier `{unknown}`"


def _wrong_bonus(bonus: Bonus) -> Contradictions:
    conditions = (
        bonus.stores, bonus.tiers, bonus.weekdays, bonus.first_purchase, bonus.minimum_minor,
        bonus.from_hour, bonus.until_hour != 24, bonus.from_, bonus.until, bonus.everything,
    )  # fmt: skip
    if not bonus.lists_goods and not any(conditions):
        yield "", "lists no goods and has no condition; `everything = true` means all goods"
    if bonus.lists_goods and bonus.everything:
        yield ".everything", "contradicts the listed goods"
    if bonus.from_ and bonus.until and bonus.from_ > bonus.until:
        yield ".until", "is before `from`"
    if bonus.from_hour == bonus.until_hour:
        yield ".until_hour", "is `from_hour`; leave both out for the whole day"
