"""Makes up a plausible chain from a seed: shoppers with habits, and their receipts in order.

Nothing here is real. Only the state of the shoppers is kept, never the receipts; every number
is an integer, so that a seed means the same bytes on every machine.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from adapters.catalogue import BOTTLED, Product, card_number, catalogue
from ledger.calendar import zone_of
from ledger.types import Line, LineKind, LineRef, Receipt, Tender

_ZONE = "Europe/Berlin"
_OPENS, _CLOSES = 8, 21
_LANES = 4
_WHOLE_BP = 10_000
_DEPOSIT_MINOR = 25
_GIFT_CARD_BP = 80
_GIFT_CARDS_MINOR = (1_000, 2_500, 5_000)
_OFFER_BP = 1_500


class _Habit(NamedTuple):
    """A favourite, and after how many days it is bought again."""

    product: Product
    every_days: int


@dataclass
class _Shopper:
    """A member's card and rhythm; days count from the first day."""

    card: str
    store: int
    hour: int
    every_days: int
    next_day: int
    leaves_day: int
    habits: list[_Habit]
    due_days: list[int]


class _Visit(NamedTuple):
    """One coming to the till, before it has a number."""

    second: int
    store: int
    card: str | None
    lines: tuple[Line, ...]


def simulate(
    *,
    members: int = 300,
    weeks: int = 26,
    stores: int = 5,
    seed: int = 1,
    start: dt.date = dt.date(2025, 1, 6),
    anonymous_bp: int = 2_000,
    returns_bp: int = 150,
    currency: str = "EUR",
) -> Iterator[Receipt]:
    """Yield the receipts of a chain in the order in which they were captured.

    `anonymous_bp` of all purchases show no card (below 10,000); of `returns_bp` of them one
    line is brought back within two weeks.
    """
    if not 0 <= anonymous_bp < _WHOLE_BP:
        msg = f"anonymous_bp must be from 0 to {_WHOLE_BP - 1}"
        raise ValueError(msg)
    chain = _Chain(Random(seed), members, weeks * 7, stores)
    till = _Till(start, currency)
    coming_back: dict[int, list[_Visit]] = defaultdict(list)
    for day in range(weeks * 7):
        visits = [*chain.visits(day, anonymous_bp), *coming_back.pop(day, ())]
        for visit in sorted(visits, key=lambda one: (one.second, one.store)):
            receipt = till.receipt(day, visit, chain.rng)
            yield receipt
            if visit.lines[0].return_of is None and chain.chance(returns_bp):
                later = day + 1 + chain.rng.randrange(14)
                coming_back[later].append(_return(receipt, visit, chain.rng))


class _Chain:
    """The shoppers and what they do on a day."""

    def __init__(self, rng: Random, members: int, days: int, stores: int) -> None:
        self.rng = rng
        self._stores = stores
        self._products = catalogue(rng)
        self._shoppers = [self._shopper(index, days) for index in range(members)]
        self._anonymous_part = 0

    def visits(self, day: int, anonymous_bp: int) -> Iterator[_Visit]:
        """Yield the day's purchases, in no order."""
        count = 0
        for shopper in self._shoppers:
            if shopper.next_day == day < shopper.leaves_day:
                count += 1
                yield self._visit(shopper, day)
        # What is left of the division counts on the next day, so that the share holds.
        self._anonymous_part += count * anonymous_bp
        anonymous, self._anonymous_part = divmod(self._anonymous_part, _WHOLE_BP - anonymous_bp)
        for _ in range(anonymous):
            lines = self._lines(self._some(1 + self.rng.randrange(8)))
            yield _Visit(self._second(self._hour()), self._store(), None, lines)

    def chance(self, share_bp: int) -> bool:
        """Decide something that happens so many times in ten thousand."""
        return self.rng.randrange(_WHOLE_BP) < share_bp

    def _shopper(self, index: int, days: int) -> _Shopper:
        rng = self.rng
        every_days = 3 + rng.randrange(5) + rng.randrange(6)
        favourites = dict.fromkeys(self._some(8 + rng.randrange(12)))
        habits = [_Habit(product, 5 + rng.randrange(30)) for product in favourites]
        return _Shopper(
            card=card_number(index + 1),
            store=self._store(),
            hour=self._hour(),
            every_days=every_days,
            next_day=rng.randrange(every_days),
            # One in eight goes to another chain some day.
            leaves_day=rng.randrange(days + 1) if self.chance(1_250) else days,
            habits=habits,
            due_days=[rng.randrange(habit.every_days) for habit in habits],
        )

    def _visit(self, shopper: _Shopper, day: int) -> _Visit:
        rng = self.rng
        shopper.next_day = day + max(1, shopper.every_days - 1 + rng.randrange(3))
        wanted = self._some(rng.randrange(4))
        for i, (product, every_days) in enumerate(shopper.habits):
            if shopper.due_days[i] <= day:
                wanted.append(product)
                shopper.due_days[i] = day + max(1, every_days - 2 + rng.randrange(5))
        store = self._store() if self.chance(1_000) else shopper.store
        hour = min(_CLOSES, max(_OPENS, shopper.hour - 1 + rng.randrange(3)))
        return _Visit(self._second(hour), store, shopper.card, self._lines(wanted or self._some(1)))

    def _lines(self, wanted: list[Product]) -> tuple[Line, ...]:
        lines: list[Line] = []
        for product in dict.fromkeys(wanted):
            lines += self._sold(product)
        if self.chance(_GIFT_CARD_BP):
            value = _GIFT_CARDS_MINOR[self.rng.randrange(len(_GIFT_CARDS_MINOR))]
            lines.append(_extra(f"gift-card-{value}", 1, value, "gift_card"))
        return tuple(lines)

    def _sold(self, product: Product) -> Iterator[Line]:
        """Yield the line of a product, and the deposit on its bottles."""
        if product.unit == "gram":
            quantity = 150 + self.rng.randrange(1_200)
            full_minor = (product.price_minor * quantity + 500) // 1_000  # a price per kilogram
        else:
            quantity = 1 + min(self.rng.randrange(4), self.rng.randrange(4))
            full_minor = product.price_minor * quantity
        discount_minor = full_minor // 10 * 2 if self.chance(_OFFER_BP) else 0
        yield Line(
            product=product.code,
            quantity=quantity,
            amount_minor=full_minor - discount_minor,
            unit=product.unit,
            discount_minor=discount_minor,
            category=product.category,
        )
        if product.category in BOTTLED:
            yield _extra("deposit", quantity, quantity * _DEPOSIT_MINOR, "deposit")

    def _some(self, count: int) -> list[Product]:
        """Pick products; the smaller of two draws makes the first ones popular."""
        size = len(self._products)
        draws = (min(self.rng.randrange(size), self.rng.randrange(size)) for _ in range(count))
        return [self._products[draw] for draw in draws]

    def _store(self) -> int:
        return self.rng.randrange(self._stores)

    def _hour(self) -> int:
        return _OPENS + self.rng.randrange(_CLOSES - _OPENS + 1)

    def _second(self, hour: int) -> int:
        return hour * 3_600 + self.rng.randrange(3_600)


class _Till:
    """Numbers the receipts of a day and puts the stores' time on them."""

    def __init__(self, start: dt.date, currency: str) -> None:
        self._start = start
        self._currency = currency
        self._day = -1
        self._numbers: dict[tuple[str, str], int] = {}

    def receipt(self, day: int, visit: _Visit, rng: Random) -> Receipt:
        if day != self._day:
            self._day, self._numbers = day, {}
        store, lane = f"S{visit.store + 1:03d}", str(1 + rng.randrange(_LANES))
        number = self._numbers[store, lane] = self._numbers.get((store, lane), 0) + 1
        date = self._start + dt.timedelta(days=day)
        return Receipt(
            store=store,
            lane=lane,
            business_date=date,
            number=f"{number:04d}",
            captured_at=_moment(date, visit.second),
            currency=self._currency,
            lines=visit.lines,
            card=visit.card,
            cashier=f"C{1 + rng.randrange(9)}",
            tenders=_tenders(sum(line.amount_minor for line in visit.lines), rng),
        )


def _moment(date: dt.date, second: int) -> dt.datetime:
    """Find a second of a day in the stores' zone, with its offset from UTC fixed."""
    hour, rest = divmod(second, 3_600)
    clock = dt.time(hour, *divmod(rest, 60), tzinfo=zone_of(_ZONE))
    local = dt.datetime.combine(date, clock)
    return local.replace(tzinfo=dt.timezone(local.utcoffset() or dt.timedelta()))


def _tenders(total_minor: int, rng: Random) -> tuple[Tender, ...]:
    """Pay a total: in cash, by card, or a part with a gift card."""
    kind = "cash" if rng.randrange(10) < 4 else "card"
    if total_minor > 2_000 and rng.randrange(25) == 0:
        part_minor = 500 + rng.randrange(1_000)
        return (Tender("gift_card", part_minor), Tender(kind, total_minor - part_minor))
    return (Tender(kind, total_minor),)


def _return(bought: Receipt, visit: _Visit, rng: Random) -> _Visit:
    """Bring back one line of goods, all of it or, where it is counted, one piece."""
    goods = [i for i, line in enumerate(bought.lines) if line.kind == "sale"]
    index = goods[rng.randrange(len(goods))]
    line = bought.lines[index]
    quantity = 1 if line.unit == "piece" and rng.randrange(2) else line.quantity
    back = Line(
        product=line.product,
        quantity=-quantity,
        amount_minor=-(line.amount_minor * quantity // line.quantity),
        unit=line.unit,
        category=line.category,
        return_of=LineRef(
            bought.store, bought.lane, bought.business_date, bought.number, index + 1
        ),
    )
    second = rng.randrange(_OPENS * 3_600, (_CLOSES + 1) * 3_600)
    return _Visit(second, visit.store, visit.card, (back,))


def _extra(product: str, quantity: int, amount_minor: int, kind: LineKind) -> Line:
    return Line(product=product, quantity=quantity, amount_minor=amount_minor, kind=kind)
