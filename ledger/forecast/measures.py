"""How good lists are: what of the next purchases was on them, and how high."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.forecast.model import MILLION, Likely
from ledger.forecast.purchases import Floats, Ints


class Lists(NamedTuple):
    """One row a member: which places of its list were bought, and how much it bought in all."""

    hits: npt.NDArray[np.bool_]
    """Members x places."""
    bought: Ints
    """Different items that each bought."""

    def recall(self, k: int) -> Floats:
        """By member: the share of what it bought that is among the first k."""
        return self.hits[:, :k].sum(axis=1) / np.maximum(self.bought, 1)

    def ndcg(self, k: int) -> Floats:
        """By member: discounted gain of the first k over that of all it bought, ideally placed."""
        worth = 1 / np.log2(np.arange(2, max(self.bought.max(initial=0), k) + 2))
        ideal = np.concatenate([[0], np.cumsum(worth)])[self.bought]
        return self.hits[:, :k] @ worth[:k] / np.maximum(ideal, worth[-1])

    def hit(self, k: int) -> Floats:
        """By member: 1 if anything it bought is among the first k, else 0."""
        return np.asarray(self.hits[:, :k].any(axis=1), dtype=np.float64)

    def precision(self, k: int) -> Floats:
        """By member: the share of the first k places that it bought; empty places are none."""
        return self.hits[:, :k].sum(axis=1) / k


def compared(likely: Likely, members: Ints, truth: Ints, items: int, places: int) -> Lists:
    """Lists of members against what they bought, see `Purchases.keys`."""
    row = np.searchsorted(members, likely.member)
    asked = row < len(members)
    asked[asked] = members[row[asked]] == likely.member[asked]
    place = np.arange(len(likely.member)) - np.searchsorted(likely.member, likely.member)
    kept = asked & (place < places)
    hits = np.zeros((len(members), places), bool)
    keys = likely.member[kept] * items + likely.item[kept]
    hits[row[kept], place[kept]] = np.isin(keys, truth)
    bounds = np.searchsorted(truth, np.stack([members, members + 1]) * items)
    return Lists(hits, bounds[1] - bounds[0])


def calibration_error_ppm(chance_ppm: Ints, bought: npt.NDArray[np.bool_], groups: int = 10) -> int:
    """By how much the chances of alike items miss the share that was bought, on average."""
    order = np.argsort(chance_ppm, kind="stable")
    parts = np.array_split(order, groups)
    missed = [
        abs(int(chance_ppm[p].sum()) - MILLION * int(bought[p].sum())) for p in parts if len(p)
    ]
    return sum(missed) // max(len(order), 1)
