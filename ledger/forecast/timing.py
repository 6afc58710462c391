"""When an item is bought again: intervals by day, shrunk to what is usual for the item.

Intervals are multiplied, not added, by what speeds them up or slows them down, so all of this is
on logarithms, and what is told is the middle: as often too early as too late.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from sklearn.linear_model import HuberRegressor

from ledger.errors import InputInvalid
from ledger.forecast.fit import ACTIVE_DAYS
from ledger.forecast.pairs import RECENT
from ledger.forecast.purchases import Floats, Ints, Purchases
from ledger.forecast.weighted import weighted

LEAST = 3
"""Intervals of its own that an item needs to be told about."""
SHRUNK = 8
"""So many intervals of the item at all members stand beside the member's own."""
NAMES = ("middle", "shrunk", "mean", "crowd", "visits", "count")
_ROUNDS = 500


class Timing(Struct, frozen=True, array_like=True):
    """The logarithm of an interval in days: the intercept, and a weight for each of `NAMES`."""

    weights: tuple[float, ...]
    intercept: float

    def days(self, columns: Floats) -> Ints:
        """The interval of each row, a day at least."""
        told = np.exp(weighted(columns, self.weights) + self.intercept)
        return np.maximum(np.rint(told), 1).astype(np.int64)


class Intervals(NamedTuple):
    """One entry an interval that ended and has `LEAST` of the same member and item before it."""

    member: Ints
    item: Ints
    begins: Ints
    ends: Ints
    """Days."""
    columns: Floats
    """What was known when it began; see `NAMES`."""

    @property
    def days(self) -> Ints:
        """How long each was."""
        return self.ends - self.begins

    def of(self, chosen: npt.NDArray[np.bool_]) -> Intervals:
        """Some of them."""
        return Intervals(*[cast("Any", column)[chosen] for column in self])


def intervals(bought: Purchases, until: int) -> Intervals:
    """All intervals; what is usual for items and members is told from those ended by a day."""
    member, item, day = _days(bought)
    same = np.zeros(len(member), bool)
    same[1:] = (member[1:] == member[:-1]) & (item[1:] == item[:-1])
    length = np.where(same, np.diff(day, prepend=0), 0)
    begin = np.flatnonzero(~same)
    place = np.arange(len(member)) - begin[np.cumsum(~same) - 1]
    logs = np.log(np.maximum(length, 1))
    crowd = _by_item(item, logs, same & (day <= until), bought.items)
    chosen = np.flatnonzero(place > LEAST)
    own = _own(logs, place, chosen)
    usual, often = crowd[item[chosen]], own[:, 2]
    columns = np.column_stack([
        own[:, 0], (often * own[:, 0] + SHRUNK * usual) / (often + SHRUNK), own[:, 1], usual,
        _visiting(bought, until)[member[chosen]], np.log(place[chosen]),
    ])  # fmt: skip
    return Intervals(
        member[chosen], item[chosen], day[chosen] - length[chosen], day[chosen], columns
    )


def _days(bought: Purchases) -> tuple[Ints, Ints, Ints]:
    """Members, items and the days they were bought on, each day once."""
    once = np.ones(len(bought.day), bool)
    columns = bought.member, bought.item, bought.day
    once[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return bought.member[once], bought.item[once], bought.day[once]


def _own(logs: Floats, place: Ints, chosen: Ints) -> Floats:
    """Middle and mean of the latest intervals before each chosen one, and how many they are."""
    back = chosen - 1 - np.arange(RECENT - 1)[:, None]
    there = np.arange(RECENT - 1)[:, None] < place[chosen] - 1
    latest = np.where(there, logs[np.maximum(back, 0)], np.nan)
    count = there.sum(axis=0)
    return np.column_stack([np.nanmedian(latest, axis=0), np.nanmean(latest, axis=0), count])


def _by_item(item: Ints, logs: Floats, known: npt.NDArray[np.bool_], items: int) -> Floats:
    """The middle of the logarithms by item; of all items where one has none."""
    if not known.any():
        return np.zeros(items)
    told = np.full(items, np.median(logs[known]))
    order = np.lexsort((logs[known], item[known]))
    which, values = item[known][order], logs[known][order]
    there, first, count = np.unique(which, return_index=True, return_counts=True)
    told[there] = (values[first + (count - 1) // 2] + values[first + count // 2]) / 2
    return told


def _visiting(bought: Purchases, until: int) -> Floats:
    """By member: the logarithm of the mean days between visits in the half year up to a day."""
    whose = np.repeat(np.arange(bought.members), bought.visits)
    known = (bought.visit_day <= until) & (bought.visit_day > until - 182)
    keys = np.unique(whose[known] * 2**20 + bought.visit_day[known])
    members, first, count = np.unique(keys >> 20, return_index=True, return_counts=True)
    days = keys & (2**20 - 1)
    mean = (days[first + count - 1] - days[first]) / np.maximum(count - 1, 1)
    told = np.full(bought.members, np.log(7.0))
    told[members[count > 1]] = np.log(np.maximum(mean[count > 1], 1))
    return told


def fit_timing(known: Intervals) -> Timing:
    """The model that fits intervals that are over.

    Raises:
        InputInvalid: there are too few.
    """
    if len(known.days) < len(NAMES) + 2:
        raise InputInvalid("There are too few intervals to fit a model on.", field="model")
    found = HuberRegressor(max_iter=_ROUNDS).fit(known.columns, np.log(known.days))
    return Timing(tuple(round(float(w), 9) for w in found.coef_), round(float(found.intercept_), 9))


def lately_begun(all_: Intervals, start: int, days: int) -> Intervals:
    """Those that ended in so many days after `start`, of items that were in use then."""
    ended = (all_.ends > start) & (all_.ends <= start + days)
    return all_.of(ended & (all_.begins > start - ACTIVE_DAYS))
