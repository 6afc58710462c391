"""How often one caller may call: so many calls in a second of the clock."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable


class Pace:
    """Counts calls by caller, for the running second only: what was before it needs no room."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow so many calls of each caller in a second; the clock tells seconds."""
        self._most = most
        self._clock = clock
        self._second = 0
        self._calls: Counter[str] = Counter()

    def allows(self, caller: str) -> bool:
        """Count a call, and tell whether it is one too many."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._calls = second, Counter()
        self._calls[caller] += 1
        return self._calls[caller] <= self._most
