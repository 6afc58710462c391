"""Ways of making lists: the model, and what it is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ledger.forecast.fit import Lesson
from ledger.forecast.measures import Lists, compared
from ledger.forecast.model import CHUNK, Likely, Model, best, likely
from ledger.forecast.moment import Moment
from ledger.forecast.purchases import Ints

Way = Callable[[int, int], Likely]
"""The lists of the members from one number up to another."""
MOST = 20


def ways(moment: Moment, model: Model, seed: int) -> dict[str, Way]:
    """Each under its name."""
    return {
        "model": partial(likely, model, moment, most=MOST),
        "untuned": partial(likely, None, moment, most=MOST),
        "frequency": partial(_frequency, moment),
        "random": partial(_random, moment, seed),
    }


def tried(
    lesson: Lesson, model: Model, members: Ints, seed: int
) -> Iterator[tuple[str, Likely, Lists]]:
    """Every way's lists of all members, and how those of some compare with what they bought."""
    moment = lesson.moment
    for name, way in ways(moment, model, seed).items():
        lists = every(moment, way)
        yield name, lists, compared(lists, members, lesson.truth, moment.items, MOST)


def every(moment: Moment, way: Way) -> Likely:
    """The lists of all members."""
    members = len(moment.people.visits)
    parts = [way(begin, begin + CHUNK) for begin in range(0, members, CHUNK)]
    return Likely(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _frequency(moment: Moment, begin: int, end: int) -> Likely:
    """What a member bought most often, of equals the latest."""
    pairs = moment.pairs.of(begin, end)
    often = pairs.times * (int(pairs.gap[0].max(initial=0)) + 1) - pairs.gap[0]
    return best(pairs.member, pairs.item, often, MOST)


def _random(moment: Moment, seed: int, begin: int, end: int) -> Likely:
    """Items that a member bought, in an order drawn by lot."""
    pairs = moment.pairs.of(begin, end)
    drawn = np.random.default_rng((seed, begin)).permutation(len(pairs.item))
    return best(pairs.member, pairs.item, drawn, MOST)
