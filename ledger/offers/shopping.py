"""What is kept of some members as arrays, which what is looked at is worked out from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.forecast.pairs import NEVER, RECENT, Pairs, People, people_of
from ledger.forecast.purchases import Ints
from ledger.offers.histories import History
from ledger.policies.rhythm import LATEST, Pace, pace
from ledger.projections.habits import HEAD, TIME, VISIT, Habits
from ledger.types import Day

WORD = 4
_HEAD, _TIME = HEAD.size // WORD, TIME.size // WORD
_PAID = 3
"""The word of a head at which what was paid on the last visit begins; it has two."""
_VISIT = np.dtype([("day", "<i4"), ("size", "<i4"), ("spend", "<i8")])
SPEND_DAYS = 56
assert (RECENT, VISIT.size) == (LATEST, _VISIT.itemsize)  # noqa: S101  kept there, looked at here


class Chunk(NamedTuple):
    """Some members in the order of their ids, and what they bought."""

    members: list[bytes]
    gone: list[int]
    """1: closed, erased or merged away, and gets no list."""
    paces: list[Pace]
    items: list[str]
    """Sorted; numbers of items are places in it."""
    number: dict[str, int]
    pairs: Pairs
    people: People
    quantity: Ints
    """By pair, RECENT rows: bought on the latest visit, the one before, ...; `NEVER` as in pairs."""
    paid_minor: Ints
    """By pair: on the latest."""
    spend_minor: Ints
    """By member, in the last 56 days."""
    since: Ints
    """By member: visits after the day that was asked about."""


class Numbers:
    """Numbers items among those that are known already."""

    def __init__(self, known: Sequence[str]) -> None:
        """`known` is sorted."""
        self._items = list(known)
        self._number = {code: index for index, code in enumerate(self._items)}

    def among(self, codes: Collection[str]) -> tuple[list[str], dict[str, int]]:
        """All items, sorted, and the number of each."""
        if not (new := set(codes) - self._number.keys()):
            return self._items, self._number
        items = sorted([*self._items, *new])
        return items, {code: index for index, code in enumerate(items)}


def chunk(some: Sequence[History], numbers: Numbers, today: Day, before: Day) -> Chunk:
    """What is kept of members, on a day; `since` counts visits after the day `before`."""
    kept = [one.rhythm.habits() for one in some]
    codes = [code for one in kept for code in one.goods]
    items, number = numbers.among(codes)
    member = np.repeat(np.arange(len(kept)), [len(one.goods) for one in kept])
    item = np.array(list(map(number.__getitem__, codes)), dtype=np.int64)
    order = np.argsort(member * len(items) + item)
    visits = np.array([one.visits for one in kept], dtype=np.int64)
    pairs, quantity, paid_minor = _pairs(kept, member, item, order, visits, today)
    whose, latest = _latest(kept)

    def counted(after: Day) -> Ints:
        return np.bincount(whose, latest["day"] > after, len(kept)).astype(np.int64)

    last = np.searchsorted(whose, np.arange(len(kept)), side="right") - 1
    people = people_of(
        pairs, visits, np.array([one.first_size for one in kept], dtype=np.int64),
        latest["size"][last].astype(np.int64), today - latest["day"][last].astype(np.int64),
        (counted(today - 28), counted(today - 56)),
    )  # fmt: skip
    spend = np.zeros(len(kept), dtype=np.int64)
    lately = latest["day"] > today - SPEND_DAYS
    np.add.at(spend, whose[lately], latest["spend"][lately])
    return Chunk(
        [one.member for one in some], [one.rhythm.gone for one in some],
        [pace(one.rhythm.days) for one in some], items, number, pairs, people, quantity, paid_minor,
        spend, counted(before),
    )  # fmt: skip


def _latest(kept: Sequence[Habits]) -> tuple[Ints, npt.NDArray[np.void]]:
    """The kept visits of all, and whose each is."""
    packed = [one.latest for one in kept]
    counts = np.array(list(map(len, packed))) // VISIT.size
    return np.repeat(np.arange(len(kept)), counts), np.frombuffer(b"".join(packed), _VISIT)


def _pairs(
    kept: Sequence[Habits], member: Ints, item: Ints, order: Ints, visits: Ints, today: Day
) -> tuple[Pairs, Ints, Ints]:
    """Pairs in their order, what was bought at the latest times, what was paid the last time."""
    packed = [one for member in kept for one in member.goods.values()]
    words = np.frombuffer(b"".join(packed), "<i4")
    sizes = np.array(list(map(len, packed)), dtype=np.int64) // WORD
    begin = (np.cumsum(sizes) - sizes)[order]
    member, item, times = member[order], item[order], (sizes[order] - _HEAD) // _TIME
    back = times - 1 - np.arange(RECENT)[:, None]
    there = back >= 0
    at = begin + _HEAD + _TIME * np.maximum(back, 0)

    def column(place: Ints) -> Ints:
        return words.take(place).astype(np.int64)  # faster than by index

    known = visits[member]
    low, high = column(begin + _PAID) & (2**32 - 1), column(begin + _PAID + 1)
    pairs = Pairs(
        member, item, column(begin), known,
        np.where(there, known - column(at), NEVER), np.where(there, today - column(at + 1), NEVER),
        known - column(begin + 1), today - column(begin + 2),
    )  # fmt: skip
    return pairs, np.where(there, column(at + 2), NEVER), low | high << 32
