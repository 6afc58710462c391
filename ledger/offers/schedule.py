"""The list of each member for the next fortnight, as it is known at the end of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ledger.events import ListedLine
from ledger.forecast.features import middle_interval
from ledger.forecast.model import Likely, Model, likely
from ledger.forecast.moment import Moment
from ledger.forecast.pairs import Crowd, crowd_at, own_at
from ledger.forecast.population import Population, nobody
from ledger.forecast.purchases import Floats, Ints
from ledger.offers.histories import EVERYBODY, Histories, Part
from ledger.offers.shopping import Chunk, Numbers, chunk
from ledger.policies.habit import ONCE
from ledger.policies.rhythm import BOUNDS, LOST, rhythm
from ledger.projections.catalogue import Shelf
from ledger.types import Day

MEMBERS = 250
"""Read at a time."""
CROWD = 500
"""The same for the sample; always as many, as sums of fractions depend on what is added up first."""
SAMPLE = 20_000
"""Members, the first in the order of their streams, of whom it is told what all do. Streams are
hashes, so they are as good as drawn by lot."""
NEW = "new"


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


def population(histories: Histories, day: Day) -> Population:
    """What a sample of members does, known at the end of a day; added up chunk by chunk."""
    items: list[str] = []
    sums = np.zeros((len(Crowd._fields) - 1, 0))
    members: list[bytes] = []
    for some in histories.by(CROWD):
        part = chunk(some[: SAMPLE - len(members)], Numbers(items), day, day)
        members += part.members
        *columns, _ = crowd_at(part.pairs, len(part.items))
        sums = np.array(columns) + _moved(sums, items, part)
        items = part.items
        if len(members) == SAMPLE:
            break
    if not members:
        return nobody(day)
    return Population(day, items, Crowd._make([*sums, len(members)]), members[-1])


def schedule(
    histories: Histories, wanted: Wanted, model: Model | None, known: Population, goods: Shelf
) -> Iterator[MemberList]:
    """The lists in the order of members, some hundred members in memory at a time."""
    numbers = Numbers(known.items)
    *columns, counted = known.crowd
    for some in histories.by(MEMBERS, wanted.part):
        part = chunk(some, numbers, wanted.as_of, known.day)
        crowd = Crowd._make([*_moved(np.array(columns), known.items, part), counted])
        moment = _moment(part, crowd, known, wanted.as_of)
        told = likely(model, moment, 0, len(part.members), wanted.lines)
        yield from _lists(part, moment, told, wanted, goods)


def _moved(columns: Floats, items: list[str], part: Chunk) -> Floats:
    """Columns by item under the chunk's numbers."""
    if len(items) == len(part.items):
        return columns
    wide = np.zeros((len(columns), len(part.items)))
    wide[:, [part.number[item] for item in items]] = columns
    return wide


def _moment(part: Chunk, crowd: Crowd, known: Population, day: Day) -> Moment:
    """Members among a crowd that counts some of them, as they were on the crowd's day."""
    inside = np.array([member <= known.last for member in part.members], dtype=np.int64)
    own = own_at(part.pairs, inside, part.since if known.day < day else None)
    return Moment(part.pairs, part.people, crowd, len(part.items), True, own)  # noqa: FBT003


def _lists(
    part: Chunk, moment: Moment, told: Likely, wanted: Wanted, goods: Shelf
) -> Iterator[MemberList]:
    columns = _columns(part, moment, told, wanted.as_of, goods)
    begins = np.searchsorted(told.member, np.arange(len(part.members) + 1))
    visits, spend = part.people.visits.tolist(), part.spend_minor.tolist()
    for number, member in enumerate(part.members):
        if part.gone[number] or spend[number] < wanted.from_minor:
            continue
        own = tuple(ListedLine(*row) for row in columns[begins[number] : begins[number + 1]])
        stands = rhythm(part.paces[number], wanted.as_of)
        yield MemberList(member, visits[number], stands, spend[number], own)


def _columns(
    part: Chunk, moment: Moment, told: Likely, day: Day, goods: Shelf
) -> Sequence[tuple[str, int, int, int, int, int, int, int, tuple[str, ...], str]]:
    """The lines of all lists."""
    pairs = moment.pairs
    keys = pairs.member * moment.items + pairs.item
    asked = told.member * moment.items + told.item
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    known = keys[at] == asked
    quantity, paid = part.usual(at)
    every = np.rint(middle_interval(pairs.age[:, at])).astype(np.int64)
    age = pairs.age[0, at]
    times = np.where(known, pairs.times[at], 0)
    promoted = {p: tuple(one.code for one in all_) for p, all_ in goods.promotions.items()}
    products = [part.items[item] for item in told.item.tolist()]
    return list(
        zip(
            products, told.chance_ppm.tolist(),
            np.where(known, quantity, 1).tolist(), np.where(known, paid, 0).tolist(),
            times.tolist(), np.where(known, every, 0).tolist(),
            np.where(known, day - age, 0).tolist(),
            [goods.price_minor.get(product, 0) for product in products],
            [promoted.get(product, ()) for product in products],
            _reasons(times, every, age), strict=True,
        )
    )  # fmt: skip


def _reasons(times: Ints, every_days: Ints, away_days: Ints) -> list[str]:
    """How each product stands in the member's rhythm of buying it."""
    names = np.array([*[name for _, name in BOUNDS], LOST, ONCE, NEW], dtype=object)
    interval = np.maximum(every_days, 1)
    stands = sum((4 * away_days > bound * interval).astype(np.int64) for bound, _ in BOUNDS)
    few = np.where(times == 0, len(names) - 1, len(names) - 2)
    told: list[str] = names[np.where(times > 1, stands, few)].tolist()
    return told
