"""What an earning rule is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ledger.policies.split import largest_remainder
from ledger.programme import ONE_BP, Earn, Rate
from ledger.types import Day, Line, Tender

ALL = "all"
"""The name under which all points of a member are counted by day."""


class Given(Struct, frozen=True, gc=False):
    """What a rule gave a member before: on the day of the receipt, and in all."""

    day: int = 0
    ever: int = 0


class Shopper(Struct, frozen=True, gc=False):
    """What the rules may know of a member."""

    tier: str = ""
    tier_index: int = 0
    """Counted from 0, the first tier."""
    tier_multiplier_bp: int = ONE_BP
    birthday: bool = False
    """Whether this is the receipt of the year that the birthday rule rewards."""
    receipts: int = 0
    """Recorded before this one."""
    earned: int = 0
    """Points earned before, in all."""
    given: Mapping[str, Given] = {}
    """By rule, where a limit asks for it."""
    budgets: Mapping[str, int] = {}
    """What is left of the budget of a bonus, by its name."""


class Basket(Struct, frozen=True, gc=False):
    """A member's receipt as the rules see it; all values are of the captured business day."""

    earn: Earn
    lines: Sequence[Line]
    eligible_minor: Sequence[int]
    """By line: the amount that earns, after exclusions."""
    day: Day
    shopper: Shopper = Shopper()
    hour: int = 0
    """Of the store's clock."""
    store: str = ""
    offers: Sequence[Award] = ()
    """What offers add, beside all rules and caps."""

    @property
    def weekday(self) -> int:
        """From 1, Monday, to 7."""
        return weekday_of(self.day)


class Award(Struct, frozen=True, gc=False):
    """What one rule gives: its name and the points of each line."""

    rule: str
    points: list[int]


class Rule(Protocol):
    """An earning rule: the basket and the base points of each line in, awards out."""

    def __call__(self, basket: Basket, base: Sequence[int]) -> Sequence[Award]:
        """Return what the rule adds; nothing where it does not apply."""


def weekday_of(day: Day) -> int:
    """From 1, Monday, to 7."""
    return (day + 3) % 7 + 1


def earns(line: Line, earn: Earn) -> bool:
    """Whether the programme lets a line earn at all."""
    return (
        line.kind == "sale"
        and line.quantity > 0
        and not line.voided
        and line.product not in earn.excluded_products
        and line.category not in earn.excluded_categories
    )


def lists(part: Rate, line: Line) -> bool:
    """Whether the goods of a line stand in one of the lists."""
    return (
        line.product in part.products
        or line.category in part.categories
        or line.brand in part.brands
    )


def eligible(earn: Earn, lines: Sequence[Line], tenders: Sequence[Tender]) -> list[int]:
    """The amount of each line that earns, with or without its discount.

    Excluded tenders take their share of every line (largest remainder, rounded down in the
    programme's favour), because nobody can say which goods a voucher paid for.
    """
    gross = earn.amounts == "gross"
    amounts = [
        line.amount_minor + (line.discount_minor if gross else 0) if earns(line, earn) else 0
        for line in lines
    ]
    return _without_excluded(earn, lines, tenders, amounts) if earn.excluded_tenders else amounts


def _without_excluded(
    earn: Earn, lines: Sequence[Line], tenders: Sequence[Tender], amounts: list[int]
) -> list[int]:
    excluded = sum(t.amount_minor for t in tenders if t.kind in earn.excluded_tenders)
    paid = sum(line.amount_minor for line in lines if line.quantity > 0 and not line.voided)
    if excluded <= 0 or paid <= 0:
        return amounts
    share = sum(amounts) * max(0, paid - excluded) // paid
    return largest_remainder(share, amounts)


def cut(points: list[int], most: int) -> list[int]:
    """No more than so many points, in the proportion in which the lines had them."""
    return largest_remainder(most, points) if sum(points) > most else points
