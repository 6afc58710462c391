"""What an earning rule is given, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ledger.policies.split import largest_remainder
from ledger.programme import Earn
from ledger.types import Day, Line, Tender


class Basket(NamedTuple):
    """A member's receipt as the rules see it; all values are of the captured business day."""

    earn: Earn
    lines: Sequence[Line]
    eligible_minor: Sequence[int]
    """By line: the amount that earns, after exclusions."""
    day: Day
    tier_multiplier_bp: int
    birthday: bool
    """Whether this is the receipt of the year that the birthday rule rewards."""


class Award(NamedTuple):
    """What one rule gives: its name and the points of each line."""

    rule: str
    points: list[int]


class Rule(Protocol):
    """An earning rule: the basket and the base points of each line in, awards out."""

    def __call__(self, basket: Basket, base: Sequence[int]) -> Sequence[Award]:
        """Return what the rule adds; nothing where it does not apply."""


def earns(line: Line, earn: Earn) -> bool:
    """Whether the programme lets a line earn at all."""
    return (
        line.kind == "sale"
        and line.quantity > 0
        and not line.voided
        and line.product not in earn.excluded_products
        and line.category not in earn.excluded_categories
    )


def eligible(earn: Earn, lines: Sequence[Line], tenders: Sequence[Tender]) -> list[int]:
    """The amount of each line that earns.

    Excluded tenders take their share of every line (largest remainder, rounded down in the
    programme's favour), because nobody can say which goods a voucher paid for.
    """
    amounts = [line.amount_minor if earns(line, earn) else 0 for line in lines]
    if not earn.excluded_tenders:
        return amounts
    excluded = sum(t.amount_minor for t in tenders if t.kind in earn.excluded_tenders)
    paid = sum(line.amount_minor for line in lines if line.quantity > 0 and not line.voided)
    if excluded <= 0 or paid <= 0:
        return amounts
    share = sum(amounts) * max(0, paid - excluded) // paid
    return largest_remainder(share, amounts)
