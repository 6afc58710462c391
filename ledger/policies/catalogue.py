"""The catalogue as decisions see it: what a product is, what it costs in a store on a day."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from ledger.types import Day, Level, Product

MOST_PERIODS = 1_000
"""Prices of a product that are compared, and as many promotions: 19 years of weekly ones."""


class Period(Struct, frozen=True, array_like=True, gc=False):
    """What holds for some days, the last one included: a price, or a promotion by its code."""

    from_day: Day
    code: str
    until_day: Day
    price_minor: int | None
    name: str = ""
    withdrawn: bool = False
    version: int = 0
    """Of the event that said it."""

    @property
    def key(self) -> tuple[Day, str]:
        """What is said again under the same key replaces what was said before."""
        return (self.from_day, self.code)

    def on(self, day: Day) -> bool:
        """Whether it holds on a day."""
        return self.from_day <= day <= self.until_day and not self.withdrawn


Periods = tuple[Period, ...]
"""In the order of their keys, each once."""


def put(periods: Periods, one: Period) -> Periods:
    """The periods with one more, or with one replaced; the earliest goes where there are too many."""
    at = bisect_left(periods, one.key, key=lambda period: period.key)
    same = at < len(periods) and periods[at].key == one.key
    return (*periods[:at], one, *periods[at + same :])[-MOST_PERIODS:]


def said(periods: Periods, key: tuple[Day, str]) -> Period | None:
    """What was said last under a key."""
    at = bisect_left(periods, key, key=lambda period: period.key)
    return periods[at] if at < len(periods) and periods[at].key == key else None


def comparable(periods: Periods, key: tuple[Day, str]) -> bool:
    """Whether anything said under a key would still be known, so that a repeat is seen as one."""
    return len(periods) < MOST_PERIODS or key >= periods[0].key


def price_on(own: Sequence[Period], common: Sequence[Period], day: Day) -> Period | None:
    """The price on a day: a store's own before that of all stores, then the one that began last."""
    for periods in (own, common):
        for period in reversed(periods):
            if period.on(day):
                return period
    return None


def promotions_on(own: Sequence[Period], common: Sequence[Period], day: Day) -> tuple[Period, ...]:
    """The promotions on a day by their codes, each as the price is found."""
    found: dict[str, Period] = {}
    for period in (*common, *own):  # what stands later counts more
        if period.on(day):
            found[period.code] = period
    return tuple(found[code] for code in sorted(found))


class Item(NamedTuple):
    """All that is told of one product: in all stores, and in the one that is asked about."""

    product: Product | None = None
    """None where it is not in the catalogue; prices may be told all the same."""
    prices: Periods = ()
    promotions: Periods = ()
    own_prices: Periods = ()
    own_promotions: Periods = ()

    def price_on(self, day: Day) -> Period | None:
        """See `price_on`."""
        return price_on(self.own_prices, self.prices, day)

    def promotions_on(self, day: Day) -> tuple[Period, ...]:
        """See `promotions_on`."""
        return promotions_on(self.own_promotions, self.promotions, day)


NOTHING = Item()


class Catalogue(NamedTuple):
    """What is told of some products, for one store."""

    store: str
    items: Mapping[str, Item]

    def product(self, code: str) -> Product | None:
        """The product, with its brand, maker and kind of brand; None where it is unknown."""
        return self.items.get(code, NOTHING).product

    def levels(self, code: str) -> tuple[Level, ...]:
        """The groups of a product, from the nearest up; none of one that is unknown."""
        product = self.product(code)
        return product.levels if product else ()

    def within(self, code: str, level: int, group: str) -> bool:
        """Whether a product belongs to a group of a level, counted from 1."""
        levels = self.levels(code)
        return level <= len(levels) and levels[level - 1].code == group

    def price_minor(self, code: str, day: Day) -> int | None:
        """What a product costs on a day; None where nobody said."""
        found = self.items.get(code, NOTHING).price_on(day)
        return found.price_minor if found else None

    def promotions(self, code: str, day: Day) -> tuple[Period, ...]:
        """The promotions that a product is in on a day."""
        return self.items.get(code, NOTHING).promotions_on(day)
