"""The fitted model: how likely an item is bought next, in two parts that add up.

One part is asked of what a member bought before, the other of what it never bought. Both answer
with probabilities, so their items go into one list as they are.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from ledger.errors import InputInvalid
from ledger.forecast.moment import Moment, Rows
from ledger.forecast.pairs import Pairs
from ledger.forecast.purchases import Floats, Ints
from ledger.forecast.weighted import weighted

CHUNK = 2_000
"""Members at a time, so that memory does not grow with them."""
MILLION = 1_000_000


class Part(Struct, frozen=True, array_like=True):
    """A logistic model: each column less its centre, by its scale, times its weight."""

    names: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def probabilities(self, rows: Rows) -> Floats:
        """The probability of each row.

        Raises:
            InputInvalid: the model looks at other columns than this version has.
        """
        if tuple(rows.names) != self.names:
            raise InputInvalid(
                "The model was fitted for other columns: fit it again.", field="model"
            )
        weights = np.array(self.weights) / np.array(self.scales)
        shift = self.intercept - float(np.dot(weights, self.centres))
        return 1 / (1 + np.exp(-(weighted(rows.columns, weights) + shift)))


class Model(Struct, frozen=True, array_like=True):
    """What `fit` found: `horizon_days` is 0 for the next visit."""

    horizon_days: int
    dated: bool
    repeat: Part
    new: Part

    @property
    def digest(self) -> str:
        """SHA-256 of the model as it is recorded."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()


class Likely(NamedTuple):
    """Items by member, the likeliest first; the chance in parts of a million."""

    member: Ints
    item: Ints
    chance_ppm: Ints


def untuned(pairs: Pairs) -> Floats:
    """The chance of what was bought before, by a table that nothing was fitted for.

    A purchase is unlikely in the first quarter of a member's own interval, likeliest when it is
    about to be over, and less and less after it: long overdue mostly means lapsed.
    """
    gap, interval = pairs.gap[0], pairs.first_gap / pairs.times
    lateness = np.digitize(gap / interval, (0.25, 0.75, 1.25, 2, 4, 8))
    by_lateness = np.array((0.9, 1.1, 1.2, 1.0, 0.8, 0.5, 0.25))
    rate = (pairs.times - 0.5) / (pairs.visits + 2)
    return np.minimum(rate * by_lateness[lateness], 0.95)


def likely(model: Model | None, moment: Moment, begin: int, end: int, most: int) -> Likely:
    """The likeliest items of the members from one number up to another; `model` or the table."""
    new, pairs = moment.new(begin, end, most), moment.pairs.of(begin, end)
    if model:
        repeated = model.repeat.probabilities(moment.repeats(begin, end))
        chances = repeated, model.new.probabilities(new)
    else:
        chances = untuned(pairs), _untuned_new(moment, new)
    member = np.concatenate([pairs.member, new.member])
    item = np.concatenate([pairs.item, new.item])
    ppm = np.rint(np.concatenate(chances) * MILLION).astype(np.int64)
    return best(member, item, ppm, most)


def _untuned_new(moment: Moment, new: Rows) -> Floats:
    """Popularity, as far as the member buys what is new to it."""
    people, crowd = moment.people, moment.crowd
    share = crowd.last / max(crowd.last.sum(), 1.0)
    return share[new.item] * (people.size * (1 - people.repeats))[new.member]


def best(member: Ints, item: Ints, score: Ints, most: int) -> Likely:
    """So many items of each member with the highest scores; of equal ones the lower number first."""
    order = _ranked(member, item, score)
    member, item, score = member[order], item[order], score[order]
    first = np.searchsorted(member, member)
    kept = np.arange(len(member)) - first < most
    return Likely(member[kept], item[kept], score[kept])


def _ranked(member: Ints, item: Ints, score: Ints) -> Ints:
    """By member, score downward, item; as one number each where it is short enough: ten times faster."""
    if not len(member):
        return member
    least, items = score.max() - score, int(item.max()) + 1
    scores = int(least.max()) + 1
    if (int(member.max()) + 1) * scores * items < 2**63:
        return np.argsort((member * scores + least) * items + item)
    return np.lexsort((item, least, member))
