"""What a command costs a member with a long history, next to one with a short one.

Warm, the member is in the writer's cache; cold, it is read from its snapshot and the events after
it. The two members are asked in turn, so that noise meets both alike, and the medians are compared.
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterator
from statistics import median

from bench.stage import Stage
from ledger.application import LoyaltyLedger
from ledger.types import Line, Receipt

LONG, SHORT = 10_000, 10
YEARS = 3
BEGAN = dt.datetime(2023, 1, 1, 8, tzinfo=dt.UTC)
BATCH = 500
ROUNDS = 200
"""Two snapshots apart: every number of events after a snapshot is met as often."""
WARMING = 4
"""Commands for others before a cold one: connections, plans and programme are no member's history."""

PROGRAMME = """
name = "history"
currency = "EUR"
time_zone = "Europe/Berlin"
[earn]
points = 1
per_minor = 100
[lots.expiry]
after = 12
round_to = "month"
[tiers]
window_days = 365
keep_days = 90
[[tiers.level]]
name = "member"
from_points = 0
[[tiers.level]]
name = "gold"
from_points = 500
multiplier_bp = 15000
"""


def measure(stage: Stage) -> None:
    """A long history next to a short one: what a command costs must not grow with it."""
    history = History(stage.database(), ROUNDS // 5 if stage.quick else ROUNDS, stage.error)
    for how, medians in (("warm", history.warm), ("cold", history.cold)):
        long, short = medians()
        stage.ratio(
            f"a receipt after {LONG} others, {how}, us", long * 1e6, short * 1e6,
            f"history_{LONG}_vs_{SHORT}_{how}", whose=f"after {SHORT}",
        )  # fmt: skip
    history.close()


class History:
    """One long member and many short ones on one log, each short one timed once."""

    def __init__(self, db: str, rounds: int, error: Callable[[object], None]) -> None:
        self.db, self.rounds, self._error = db, rounds, error
        self.now = BEGAN + dt.timedelta(days=365 * YEARS)
        self._numbers = itertools.count()
        self.ledger = LoyaltyLedger.create(db, PROGRAMME, clock=self._clock)
        self._others = (f"other{n}" for n in itertools.count())
        shorts = [f"short{n}" for n in range(2 * rounds)]
        self._preload("long", LONG)
        for card in shorts:
            self._preload(card, SHORT)
        self._shorts = iter(shorts)

    def warm(self) -> tuple[float, float]:
        """The medians of both, each member in the cache."""
        return self._medians(self.ledger for _ in range(self.rounds))

    def cold(self) -> tuple[float, float]:
        """The medians of both, each round on a ledger that was just opened."""
        return self._medians(self._opened())

    def close(self) -> None:
        self.ledger.close()

    def _opened(self) -> Iterator[LoyaltyLedger]:
        for _ in range(self.rounds):
            with LoyaltyLedger.open(self.db, clock=self._clock) as ledger:
                for card in itertools.islice(self._others, WARMING):
                    self._record(ledger, card)
                yield ledger

    def _medians(self, ledgers: Iterator[LoyaltyLedger]) -> tuple[float, float]:
        long: list[float] = []
        short: list[float] = []
        for number, ledger in enumerate(ledgers):
            self.now += dt.timedelta(hours=2)
            pair = [("long", long), (next(self._shorts), short)]
            for card, seconds in pair if number % 2 else reversed(pair):
                seconds.append(self._record(ledger, card))
        return median(long), median(short)

    def _record(self, ledger: LoyaltyLedger, card: str) -> float:
        receipt = self._receipt(card, self.now, 2_500)
        began = time.perf_counter()
        outcome = ledger.record_all([receipt], enrol=True)[0]
        seconds = time.perf_counter() - began
        self._look_at(outcome)
        return seconds

    def _preload(self, card: str, count: int) -> None:
        apart = dt.timedelta(days=365 * YEARS) / count
        receipts = (
            self._receipt(card, BEGAN + apart * n, 500 + 37 * n % 5_000) for n in range(count)
        )
        while batch := list(itertools.islice(receipts, BATCH)):
            for outcome in self.ledger.record_all(batch, history=True, enrol=True):
                self._look_at(outcome)

    def _look_at(self, outcome: object) -> None:
        if isinstance(outcome, BaseException) or outcome.repeat:  # type: ignore[attr-defined]
            self._error(outcome)

    def _receipt(self, card: str, at: dt.datetime, amount_minor: int) -> Receipt:
        return Receipt(
            store="s1", lane="1", business_date=at.date(), number=f"h{next(self._numbers)}",
            captured_at=at.replace(microsecond=0), currency="EUR",
            lines=(Line("1", 1, amount_minor),), card=card,
        )  # fmt: skip

    def _clock(self) -> int:
        return int(self.now.timestamp())
