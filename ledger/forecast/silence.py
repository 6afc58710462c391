"""Weeks of which nothing is known: nobody bought anything, where on most days somebody does.

The lines are missing, or the shop was closed. What members would have bought then is not told by
their having bought nothing, so no fortnight with a day of such a week is learned from or tested.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ledger.forecast.purchases import Ints

SILENT_DAYS = 7
"""Days on end without a line of anybody. A shop that is closed on some days of a week has fewer."""


class Silence(NamedTuple):
    """The first and the last day of each silent week or more."""

    first: Ints
    last: Ints

    @classmethod
    def of(cls, days: Ints, end: int) -> Silence:
        """By the days of lines up to the end of a day; none where lines day after day are no rule."""
        known = np.unique(days[days <= end])
        if len(known) < 2 or np.median(np.diff(known)) > 1:
            return cls(known[:0], known[:0])
        edges = np.append(known, end + 1)
        silent = np.flatnonzero(np.diff(edges) > SILENT_DAYS)
        return cls(edges[silent] + 1, edges[silent + 1] - 1)

    def within(self, first: int, last: int) -> bool:
        """Whether a silent week has a day between two days, these included."""
        return bool(((self.first <= last) & (self.last >= first)).any())
