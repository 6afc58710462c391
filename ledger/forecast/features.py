"""What the two parts of the model look at: items bought before, and items never bought.

What all members do is told without the member itself, so that what is fitted on a member's own
past says of others what it says of this one.
"""

from __future__ import annotations

import numpy as np

from ledger.forecast.pairs import NEVER, RECENT, Crowd, Own, Pairs, People, faded, lately
from ledger.forecast.purchases import Floats, Ints

_WEIGHT = 20
"""So many chances of the average item stand beside an item's own."""
_FACTORS = (0.95, 0.85, 0.7, 0.5)
_HALF_LIVES = (14, 56, 112)
"""Days."""


def log(values: Floats | Ints, least: float = 1e-4) -> Floats:
    """The natural logarithm, of nothing below `least`."""
    return np.log(np.maximum(values, least))


def repeat_factor(pairs: Pairs, crowd: Crowd, own: Own) -> Floats:
    """How often others buy the item again, by visit."""
    trials = others(crowd.trials, pairs, own.trials)
    repeats = others(crowd.repeats, pairs, own.repeats)
    usual = crowd.repeats.sum() / max(crowd.trials.sum(), 1.0)
    return (repeats + usual * _WEIGHT) / (trials + _WEIGHT)


def others(crowd: Floats, pairs: Pairs, own: Floats) -> Floats:
    """The crowd's without the member itself; never below nothing, as a crowd can be of yesterday."""
    left: Floats = np.maximum(crowd[pairs.item] - own, 0)
    return left


def of_repeats(
    pairs: Pairs, crowd: Crowd, people: People, own: Own, *, dated: bool
) -> tuple[list[str], Floats]:
    """Names and columns of what is looked at of items bought before."""
    columns = _own(pairs) | _others(pairs, crowd, own) | _theirs(pairs, people)
    if dated:
        columns |= _by_days(pairs, people)
    return list(columns), np.stack(list(columns.values())).T  # by rows it is copied faster


def _own(pairs: Pairs) -> dict[str, Floats]:
    count, visits, gap = pairs.times, pairs.visits, pairs.gap[0]
    several, interval = count > 1, _interval(pairs.first_gap - gap, count)
    columns = {
        "count": log(count), "frequency": log(count / visits),
        "shrunk_frequency": log((count + 0.3) / (visits + 2)),
        "gap": log(gap), "gap_share": gap / visits,
        "gap_by_interval": np.where(several, gap / np.maximum(interval, 0.5), -0.5),
        "log_gap_by_interval": np.where(several, log(gap / np.maximum(interval, 0.5)), 0),
        "span": log(pairs.first_gap), "count_by_span": log(count / pairs.first_gap),
        "once": (count == 1) * 1.0, "twice": (count == 2) * 1.0,
        "once_gap": (count == 1) * log(gap),
        "last_visit": (gap == 1) * 1.0, "visit_before": (gap == 2) * 1.0,
        "last_visit_count": (gap == 1) * log(count),
        "middle_interval": log(middle_interval(pairs.gap) + 0.5),
        "second_gap": np.where(pairs.gap[1] > 0, log(pairs.gap[1]), 0),
    }  # fmt: skip
    for factor, counted in zip(_FACTORS, lately(pairs.gap, *_FACTORS), strict=True):
        most = (1 - factor**visits) / (1 - factor)
        columns[f"lately_{factor}"] = log(counted / most)
    return columns


def _others(pairs: Pairs, crowd: Crowd, own: Own) -> dict[str, Floats]:
    again = repeat_factor(pairs, crowd, own)
    interval = _interval(pairs.first_gap - pairs.gap[0], pairs.times)
    shrunk = (interval * (pairs.times - 1) + 2 / np.maximum(again, 0.01)) / (pairs.times + 1)
    last = others(crowd.last, pairs, own.last)
    recent = others(crowd.recent, pairs, own.recent)
    owners = others(crowd.owners, pairs, own.owned)
    return {
        "repeat_factor": log(again), "repeat_odds": log(again / (1 - np.minimum(again, 0.9))),
        "gap_by_shrunk_interval": log(pairs.gap[0] / shrunk),
        "popular_last": log((last + 0.1) / crowd.members),
        "popular": log((owners + 0.1) / crowd.members),
        "popular_lately": log((recent + 0.1) / crowd.members),
    }  # fmt: skip


def _theirs(pairs: Pairs, people: People) -> dict[str, Floats]:
    whose = pairs.member
    return {
        "visits": log(pairs.visits), "size": log(people.size[whose]),
        "last_size": log(people.last_size[whose]), "items": log(people.items[whose]),
        "repeats": people.repeats[whose],
    }  # fmt: skip


def _by_days(pairs: Pairs, people: People) -> dict[str, Floats]:
    age, whose = pairs.age[0], pairs.member
    interval = _interval(pairs.first_age - age, pairs.times)
    several = pairs.times > 1
    columns = {
        "age": np.log1p(age),
        "interval_days": np.where(several, np.log1p(interval), 0),
        "age_by_interval": np.where(several, log((age + 3) / (interval + 3)), 0),
        "not_due": np.where(several, np.clip(interval - age, 0, 28), 0) / 28,
        "away": np.log1p(people.away[whose]),
        "visits_28": np.log1p(people.lately[whose]),
        "visits_56": np.log1p(people.lately_56[whose]),
    }
    ages = np.arange(pairs.age.max(initial=0) + 1)
    worths = faded(pairs.age, *[0.5 ** (ages / days) for days in _HALF_LIVES])
    for days, counted in zip(_HALF_LIVES, worths, strict=True):
        columns[f"lately_{days}_days"] = log(counted)
    return columns


def _interval(span: Ints, count: Ints) -> Floats:
    """The mean interval; 0 after one purchase."""
    return np.where(count > 1, span / np.maximum(count - 1, 1), 0)


def middle_interval(gap: Ints) -> Floats:
    """The median of the latest intervals, the lower of two; 0 where there is none."""
    several = np.flatnonzero(gap[1] > NEVER)
    some = gap[:, several]
    intervals = np.where(some[1:] > NEVER, some[1:] - some[:-1], np.iinfo(np.int64).max)
    intervals.sort(axis=0)
    there = (some[1:] > NEVER).sum(axis=0)
    middle = np.zeros(gap.shape[1])
    middle[several] = np.take_along_axis(intervals, (there - 1)[None] // 2, axis=0)[0]
    return middle


def of_new(
    member: Ints, item: Ints, crowd: Crowd, people: People, *, dated: bool
) -> tuple[list[str], Floats]:
    """Names and columns of what is looked at of items that a member never bought."""
    new = people.size * (1 - people.repeats)
    columns = {
        "adopted": log(adoption(crowd)[item], 1e-6),
        "popular_lately": log(crowd.recent[item] / crowd.members, 1e-6),
        "popular": log(crowd.owners[item] / crowd.members, 1e-6),
        "visits": log(people.visits[member]), "size": log(people.size[member]),
        "last_size": log(people.last_size[member]), "items": log(people.items[member]),
        "repeats": people.repeats[member], "new": log(new[member], 0.05),
    }  # fmt: skip
    if dated:
        columns |= {
            "away": np.log1p(people.away[member]),
            "visits_28": np.log1p(people.lately[member]),
            "visits_56": np.log1p(people.lately_56[member]),
        }
    return list(columns), np.stack(list(columns.values())).T  # by rows it is copied faster


def adoption(crowd: Crowd) -> Floats:
    """Of those who had not bought an item, the share who lately did."""
    lately_ = crowd.recent / crowd.members
    return (crowd.adopted + lately_) / (crowd.members - crowd.owners + crowd.adopted + 5)


assert RECENT > 2  # noqa: S101  two gaps are looked at by themselves
