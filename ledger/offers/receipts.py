"""What a sample of members bought, receipt by receipt: to learn from, and to tell how well days told."""

from __future__ import annotations

from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.forecast.purchases import Ints, Purchases, purchases
from ledger.offers.histories import Histories
from ledger.offers.schedule import SAMPLE
from ledger.types import Day, Instant


class Receipts(NamedTuple):
    """One entry a line that was bought."""

    items: list[str]
    """Sorted."""
    member: Ints
    """From 0, in the order of ids; all of them have lines."""
    day: Ints
    recorded_at: Ints
    basket: Ints
    """The place of the receipt in the member's stream."""
    item: Ints
    """Its place in `items`."""

    def all(self) -> Purchases:
        """Everything."""
        return self._chosen(np.ones(len(self.day), bool))

    def around(self, day: Day, until: Instant, last: Day) -> Purchases | None:
        """Up to a day what had been recorded by an instant, and what was bought then up to `last`.

        What was bought by then and recorded later is neither known nor asked for. None where
        nothing was known.
        """
        known = (self.day <= day) & (self.recorded_at <= until)
        if not known.any():
            return None
        return self._chosen(known | ((self.day > day) & (self.day <= last)))

    def _chosen(self, there: npt.NDArray[np.bool_]) -> Purchases:
        _, member = np.unique(self.member[there], return_inverse=True)
        found = purchases(member, self.day[there], self.basket[there], self.item[there])
        return found._replace(items=len(self.items))


def receipts(histories: Histories) -> Receipts | None:
    """The sample's; None where nobody bought anything. Memory is that of the sample."""
    codes: list[str] = []
    told: list[tuple[int, int, int, int, int]] = []  # member, day, recorded at, place, lines
    members = groupby(histories.receipts(), key=itemgetter(0))
    for number, (_, own) in enumerate(islice(members, SAMPLE)):
        for place, (_, one, recorded_at) in enumerate(own):
            told.append((number, one.day, recorded_at, place, len(one.codes)))
            codes += one.codes
    if not told:
        return None
    items = sorted(set(codes))
    numbers = {code: index for index, code in enumerate(items)}
    item = np.array(list(map(numbers.__getitem__, codes)), dtype=np.int64)
    rows = np.array(told, dtype=np.int64)
    lines = np.repeat(rows[:, :4], rows[:, 4], axis=0)
    member, day, recorded_at, basket = lines.T
    return Receipts(items, member, day, recorded_at, basket, item)
