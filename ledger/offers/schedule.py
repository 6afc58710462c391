"""The list of each member for the next fortnight, as it is known at the end of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ledger.events import ListedLine
from ledger.forecast.features import middle_interval
from ledger.forecast.model import Likely, Model, likely
from ledger.forecast.moment import Moment
from ledger.forecast.pairs import Crowd
from ledger.forecast.purchases import Floats, Ints
from ledger.offers.shopping import EVERYBODY, Chunk, Cut, Part, lines
from ledger.policies.rhythm import rhythm, standing
from ledger.projections.catalogue import Shelf
from ledger.store.log import Log
from ledger.types import Day

MEMBERS = 2_000
"""Read at a time."""
SAMPLE = 20_000
"""Members, the first in the order of their streams, of whom it is told what all do. Streams are
hashes, so they are as good as drawn by lot."""
SPEND_DAYS = 56
NEW, ONCE = "new", "once"


class Wanted(NamedTuple):
    """What lists are asked for."""

    as_of: Day
    lines: int = 20
    from_minor: int = 0
    """What a member must have spent in the last 56 days."""
    part: Part = EVERYBODY


class MemberList(NamedTuple):
    """The list of one member."""

    member_id: bytes
    visits: int
    rhythm: str
    """Of the member's visits."""
    spend_minor: int
    """In the last 56 days."""
    lines: tuple[ListedLine, ...]


class Population(NamedTuple):
    """What all members do, by item."""

    items: list[str]
    crowd: Crowd
    last: bytes
    """The last member that is counted."""


def population(log: Log, cut: Cut, day: Day) -> Population:
    """What a sample of members does, known at the end of a day; empty where nobody buys."""
    gathered = next(lines(log, cut, SAMPLE), None)
    if gathered is None:
        nothing = np.zeros(0)
        crowd = Crowd(nothing, nothing, nothing, nothing, nothing, nothing, 1)
        return Population([], crowd, b"")
    chunk = gathered.chunk()
    return Population(chunk.items, _moment(chunk, day).crowd, chunk.members[-1])


def schedule(
    log: Log, cut: Cut, wanted: Wanted, model: Model | None, known: Population, goods: Shelf
) -> Iterator[MemberList]:
    """The lists in the order of members, some thousand members in memory at a time."""
    for gathered in lines(log, cut, MEMBERS, wanted.part):
        chunk = gathered.chunk(known.items)
        moment = _moment(chunk, wanted.as_of).among(*_among(chunk, known))
        told = likely(model, moment, 0, len(chunk.members), wanted.lines)
        yield from _lists(chunk, moment, told, wanted, goods)


def _moment(chunk: Chunk, day: Day) -> Moment:
    bought = chunk.bought
    return Moment.at(bought, bought.visits, np.full(bought.members, day), dated=True)


def _among(chunk: Chunk, known: Population) -> tuple[Crowd, Ints]:
    """The crowd under the chunk's numbers of items, and who of the chunk it counts."""
    place = np.searchsorted(np.array(chunk.items, dtype=object), known.items)

    def moved(values: Floats) -> Floats:
        wide = np.zeros(len(chunk.items))
        wide[place] = values
        return wide

    trials, repeats, last, recent, owners, adopted, members = known.crowd
    crowd = Crowd(
        moved(trials), moved(repeats), moved(last), moved(recent), moved(owners), moved(adopted),
        members,
    )  # fmt: skip
    return crowd, np.array([member <= known.last for member in chunk.members], dtype=np.int64)


def _lists(
    chunk: Chunk, moment: Moment, told: Likely, wanted: Wanted, goods: Shelf
) -> Iterator[MemberList]:
    columns = _columns(chunk, moment, told, wanted.as_of, goods)
    begins = np.searchsorted(told.member, np.arange(len(chunk.members) + 1))
    late = chunk.day > wanted.as_of - SPEND_DAYS
    spend = np.bincount(chunk.member, chunk.amount_minor * late, len(chunk.members))
    visits = _visits(chunk)
    for number, member in enumerate(chunk.members):
        if member in chunk.gone or spend[number] < wanted.from_minor:
            continue
        own = tuple(ListedLine(*row) for row in columns[begins[number] : begins[number + 1]])
        days = visits[number]
        yield MemberList(
            member, int(chunk.bought.visits[number]), rhythm(days, wanted.as_of),
            int(spend[number]), own,
        )  # fmt: skip


def _visits(chunk: Chunk) -> list[list[int]]:
    """The days of each member's visits."""
    bought = chunk.bought
    return [part.tolist() for part in np.split(bought.visit_day, bought.begins[1:-1])]


def _columns(
    chunk: Chunk, moment: Moment, told: Likely, day: Day, goods: Shelf
) -> Sequence[tuple[str, int, int, int, int, int, int, int, tuple[str, ...], str]]:
    """The lines of all lists."""
    pairs = moment.pairs
    keys = pairs.member * moment.items + pairs.item
    asked = told.member * moment.items + told.item
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    known = keys[at] == asked
    quantity, paid = _usual(chunk, asked, moment.items)
    every = np.rint(middle_interval(pairs.age)).astype(np.int64)[at]
    age = pairs.age[0][at]
    times = np.where(known, pairs.times[at], 0)
    reasons = [
        _reason(n, e, a)
        for n, e, a in zip(times.tolist(), every.tolist(), age.tolist(), strict=True)
    ]
    products = [chunk.items[item] for item in told.item]
    return list(
        zip(
            products, told.chance_ppm.tolist(),
            np.where(known, quantity, 1).tolist(), np.where(known, paid, 0).tolist(),
            times.tolist(), np.where(known, every, 0).tolist(),
            np.where(known, day - age, 0).tolist(),
            [goods.price_minor.get(product, 0) for product in products],
            [tuple(one.code for one in goods.promotions.get(p, ())) for p in products],
            reasons, strict=True,
        )
    )  # fmt: skip


def _reason(times: int, every_days: int, away_days: int) -> str:
    if not times:
        return NEW
    return ONCE if times == 1 else standing(every_days, away_days)


def _usual(chunk: Chunk, asked: Ints, items: int) -> tuple[Ints, Ints]:
    """The middle quantity of what is asked for, and what that many cost the last time."""
    keys = chunk.member * items + chunk.item
    by_quantity = np.lexsort((chunk.quantity, keys))
    first = np.searchsorted(keys[by_quantity], asked)
    count = np.searchsorted(keys[by_quantity], asked, side="right") - first
    middle = np.minimum(first + np.maximum(count - 1, 0) // 2, len(keys) - 1)
    quantity = chunk.quantity[by_quantity][middle]
    by_day = np.lexsort((chunk.day, keys))
    last = np.maximum(np.searchsorted(keys[by_day], asked, side="right") - 1, 0)
    cost, of = chunk.amount_minor[by_day][last], chunk.quantity[by_day][last]
    paid: Ints = cost * quantity // of
    return quantity, paid
