"""What a member buys how often: of a product, or of a group from what is kept of its products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ledger.policies.profile import median
from ledger.policies.rhythm import LATEST, standing
from ledger.types import Day

ONCE = "once"


class Kept(NamedTuple):
    """Of a product: purchases, the first day, what was paid on all, and the latest ones."""

    purchases: int
    first_day: Day
    spend_minor: int
    latest: Sequence[tuple[int, Day, int, int]]
    """Number of the visit, day, quantity, paid; the latest eight are among them."""


class Habit(NamedTuple):
    """How often a member buys a product, or something of a group."""

    code: str
    purchases: int
    """Visits on which a product was bought; of a group, those of its products added up."""
    first_day: Day
    last_day: Day
    every_days: int
    """The middle of the latest intervals, of two the lower; 0 after one visit."""
    quantity: int
    """The middle of what is bought of it on the latest visits, of two the lower; of a group, of how
    many of its products, as their units differ."""
    paid_minor: int
    """On the last one."""
    spend_minor: int
    """On all."""
    rhythm: str
    """How it stands on the day; `once` after one visit."""


def habit(code: str, products: Sequence[Kept], today: Day, *, group: bool = False) -> Habit:
    """The habit of one product, or of several as one.

    The latest visits of a group are among the latest of its products, so it is as exact as theirs.
    """
    visits: dict[int, tuple[Day, int, int]] = {}
    for product in products:
        for number, day, quantity, paid in product.latest:
            _, before, sum_minor = visits.get(number, (day, 0, 0))
            visits[number] = (day, before + (1 if group else quantity), sum_minor + paid)
    latest = [visits[number] for number in sorted(visits)[-LATEST:]]
    every = median([late - early for (early, *_), (late, *_) in pairwise(latest)])
    last_day, _, paid_minor = latest[-1]
    return Habit(
        code,
        sum(one.purchases for one in products),
        min(one.first_day for one in products),
        last_day,
        every,
        median([quantity for _, quantity, _ in latest]),
        paid_minor,
        sum(one.spend_minor for one in products),
        standing(every, today - last_day) if len(latest) > 1 else ONCE,
    )
