"""What is kept of some members as arrays, which what is looked at is worked out from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.forecast.pairs import NEVER, RECENT, Pairs, People, people_of
from ledger.forecast.purchases import Ints
from ledger.offers.histories import History
from ledger.policies.rhythm import LATEST, Pace, pace
from ledger.projections.habits import TIME, VISIT, Habits
from ledger.types import Day

_WORDS = TIME.size // 4
_DAY, _QUANTITY, _AMOUNT = 1, 2, 3
"""Words of a `TIME` after the number of the visit; the last of them goes on in the next one."""
_VISIT = np.dtype([("day", "<i4"), ("size", "<i4"), ("spend", "<i8")])
SPEND_DAYS = 56
assert (RECENT, VISIT.size) == (LATEST, _VISIT.itemsize)  # noqa: S101  kept there, looked at here


Words = npt.NDArray[np.int32]


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
    words: Words
    """What is kept of products."""
    begin: Ints
    """By pair: the word at which its latest `TIME` begins."""
    spend_minor: Ints
    """By member, in the last 56 days."""
    since: Ints
    """By member: visits after the day that was asked about."""

    def usual(self, at: Ints) -> tuple[Ints, Ints]:
        """Of pairs, the middle of the latest quantities, and what that many cost the last time.

        Of two in the middle it is the lower; the cost is rounded down.
        """
        begin, times = self.begin[at], np.minimum(self.pairs.times[at], RECENT)
        place = np.arange(RECENT)[:, None]
        there = place < times
        each = self.words.take(np.where(there, begin - _WORDS * place, begin) + _QUANTITY)
        ranked = np.sort(np.where(there, each, np.iinfo(np.int32).max), axis=0)
        middle = np.take_along_axis(ranked, (times - 1)[None] // 2, axis=0)[0].astype(np.int64)
        low, high = (self.words.take(begin + _AMOUNT + word).astype(np.int64) for word in (0, 1))
        paid = (low & (2**32 - 1) | high << 32) * middle // each[0]
        return middle, paid


class Numbers:
    """Numbers items among those that are known already."""

    def __init__(self, known: Sequence[str]) -> None:
        """`known` is sorted."""
        self._items = list(known)
        self._number = {code: index for index, code in enumerate(self._items)}

    def of(self, codes: Sequence[str]) -> tuple[Ints, list[str], dict[str, int]]:
        """The number of each code; all items, sorted; and the number of each of those."""
        items, number = self._items, self._number
        try:
            numbers = list(map(number.__getitem__, codes))
        except KeyError:  # some are new, which is rare
            items = sorted({*items, *codes})
            number = {code: index for index, code in enumerate(items)}
            numbers = list(map(number.__getitem__, codes))
        return np.array(numbers, dtype=np.int64), items, number


def chunk(some: Sequence[History], numbers: Numbers, today: Day, before: Day) -> Chunk:
    """What is kept of members, on a day; `since` counts visits after the day `before`."""
    kept = [one.rhythm.habits() for one in some]
    codes = [code for one in kept for code in one.goods]
    item, items, number = numbers.of(codes)
    member = np.repeat(np.arange(len(kept)), [len(one.goods) for one in kept])
    order = np.argsort(member * len(items) + item, kind="stable")  # members are sorted already
    visits = np.array([one.visits for one in kept], dtype=np.int64)
    pairs, words, begin = _pairs(kept, member, item, order, visits, today)
    whose, latest = _latest(kept)

    def counted(after: Day) -> Ints:
        return np.bincount(whose, latest["day"] > after, len(kept)).astype(np.int64)

    last = np.searchsorted(whose, np.arange(len(kept)), side="right") - 1
    people = people_of(
        pairs, visits, np.array([one.first_size for one in kept], dtype=np.int64),
        latest["size"][last].astype(np.int64), today - latest["day"][last].astype(np.int64),
        (counted(today - 28), counted(today - 56)),
    )  # fmt: skip
    lately = latest["spend"] * (latest["day"] > today - SPEND_DAYS)
    spend = np.bincount(whose, lately, len(kept)).astype(np.int64)
    return Chunk(
        [one.member for one in some], [one.rhythm.gone for one in some],
        [pace(one.rhythm.days) for one in some], items, number, pairs, people, words, begin,
        spend, counted(before),
    )  # fmt: skip


def _latest(kept: Sequence[Habits]) -> tuple[Ints, npt.NDArray[np.void]]:
    """The kept visits of all, and whose each is."""
    packed = [one.latest for one in kept]
    counts = np.array(list(map(len, packed))) // VISIT.size
    return np.repeat(np.arange(len(kept)), counts), np.frombuffer(b"".join(packed), _VISIT)


def _pairs(
    kept: Sequence[Habits], member: Ints, item: Ints, order: Ints, visits: Ints, today: Day
) -> tuple[Pairs, Words, Ints]:
    """Pairs in their order, what is kept of them, and where the latest time of each begins."""
    packed = [one for member in kept for one in member.goods.values()]
    words = np.frombuffer(b"".join(packed), "<i4")
    sizes = np.array(list(map(len, packed)), dtype=np.int64) // 4
    begin = (np.cumsum(sizes) - sizes)[order]
    member, item, rows = member[order], item[order], sizes[order] // _WORDS

    def column(place: Ints) -> Ints:
        return words.take(place).astype(np.int64)  # faster than by index

    earlier = np.maximum(-column(begin), 0)  # let go: told of before the others
    rows -= earlier > 0
    begin_of_times = begin + _WORDS * (earlier > 0)
    known = visits[member]
    number, day = column(begin_of_times), column(begin_of_times + _DAY)
    before = (earlier > 0) & (column(begin + 1) < number)
    first = np.where(before, column(begin + 1), number)
    first_day = np.where(before, column(begin + 2), day)
    last = begin_of_times + _WORDS * (rows - 1)
    # Most products were bought less often than is looked at: what is there is put into its place.
    counts = np.minimum(rows, RECENT)
    pair = np.repeat(np.arange(len(rows)), counts)
    back = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = last[pair] - _WORDS * back
    gap = np.full((RECENT, len(rows)), NEVER, dtype=np.int64)
    age = gap.copy()
    gap[back, pair] = known[pair] - column(at)
    age[back, pair] = today - column(at + _DAY)
    pairs = Pairs(
        member, item, rows + earlier, known, gap, age, known - first, today - first_day
    )  # fmt: skip
    return pairs, words, last
