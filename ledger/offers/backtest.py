"""What members bought, as a day knew it and as it went on: to tell how well the day could tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ledger.forecast.purchases import Ints, Purchases, purchases
from ledger.offers.schedule import SAMPLE
from ledger.offers.shopping import EVERYBODY, Chunk, Cut, Part, lines
from ledger.store.log import Log
from ledger.types import Day, Instant


class Past:
    """The purchases of a sample of members, whatever day is asked about."""

    def __init__(self, log: Log, cut: Cut) -> None:
        """Read all that is known by now; memory is that of a sample of members."""
        self._log = log
        self._cut = cut
        gathered = next(lines(log, cut, SAMPLE), None)
        self._all = gathered.chunk() if gathered else None

    @property
    def days(self) -> tuple[Day, Day]:
        """The first and the last day of the purchases; (0, -1) where there are none."""
        if self._all is None:
            return 0, -1
        return int(self._all.day.min()), int(self._all.day.max())

    def around(self, day: Day, until: Instant, last: Day) -> Purchases | None:
        """Up to a day what had been recorded by its end, and what was bought then up to `last`.

        What was bought by then and recorded later is neither known nor asked for. Who was gone by
        then is left out. None where nobody had bought anything.
        """
        if self._all is None:
            return None
        part = Part(EVERYBODY.after, Part.of(self._all.members[-1]).until)
        known = next(lines(self._log, Cut(self._cut.upto, until), SAMPLE, part), None)
        if known is None:
            return None
        chunk = known.chunk(self._all.items)
        before = _entries(chunk, self._all.members, chunk.bought.day <= day)
        later = self._all.bought.day
        after = _entries(self._all, self._all.members, (later > day) & (later <= last))
        member, days, basket, item = (
            np.concatenate(pair) for pair in zip(before, after, strict=True)
        )
        gone = np.searchsorted(self._all.members, sorted(chunk.gone & {*self._all.members}))
        there = ~np.isin(member, gone)
        if not there.any():
            return None
        _, member = np.unique(member[there], return_inverse=True)
        found = purchases(member, days[there], basket[there], item[there])
        return found._replace(items=len(self._all.items))


def _entries(
    chunk: Chunk, members: list[bytes], chosen: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Some of the purchases: the member's place among all, the day, the visit, the item."""
    place = {member: number for number, member in enumerate(members)}
    places = np.array([place[member] for member in chunk.members], dtype=np.int64)
    bought = chunk.bought
    return (
        places[bought.member[chosen]], bought.day[chosen], bought.visit[chosen],
        bought.item[chosen],
    )  # fmt: skip
