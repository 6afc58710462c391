"""Whether a command or a rebuild costs more as the log grows, up to ten million events.

One log of 10^4 events is recorded, and the larger ones hold it many times over. On each the same
commands are timed, in turn with the same on a log of 10^4 events; a quarter of the members are
in the log already. Rebuilds run in processes of their own, in turn with that of the reference.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

from adapters.simulate import simulate
from bench import preload
from bench.apart import apart
from bench.callers import Ours, Program, drive, look_at
from bench.default_app import DefaultApp
from bench.online import MANY, ROUND
from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger
from ledger.types import Receipt

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
REFERENCE = 100_000
"""What rebuilds of larger logs are compared with; the smallest, where there is no larger one."""
COMMANDS, QUICK = 40_000, 2_000
DEFAULT_PART = 20
"""The library takes one of so many, and only up to `DEFAULT_MOST` events: it is slow."""
DEFAULT_MOST = 100_000
KNOWN, MEMBERS = 500, 2_000
LATER = dt.timedelta(days=7)
"""After the last receipt of the log, so that no receipt is met twice."""
ROUNDS = 2
SHORT_RUNS = 10
"""Of the smaller log, before and after each of the larger: one alone meets a fast moment or a slow."""
TARGET = 1.3


def measure(stage: Stage) -> None:
    """Print and keep the ratios of each size to the smallest, or to the reference."""
    growth = Growth(stage)
    growth.default()
    for size in growth.sizes[1:]:
        growth.grown(size)
    growth.close()


class Growth:
    """The log that all others hold, and what is done on each."""

    def __init__(self, stage: Stage) -> None:
        """Record it."""
        self.stage = stage
        self.sizes = [size for size in SIZES if size <= stage.largest]
        self.least = self.sizes[0]
        self.reference = REFERENCE if stage.largest > REFERENCE else self.least
        made = simulate(members=KNOWN, weeks=60, currency=stage.currency)
        self.before = list(itertools.islice(made, self.least))  # an event each, or more
        start = self.before[-1].business_date + LATER
        made = simulate(members=MEMBERS, weeks=60, seed=2, start=start, currency=stage.currency)
        self.commands = list(itertools.islice(made, QUICK if stage.quick else COMMANDS))
        whole = stage.database()
        stage.results["errors"] += preload.record(whole, stage.text, self.before)
        self.source = self._made(self.least, whole)
        stage.drop(whole)

    def default(self) -> None:
        """The library's application at two sizes, the smaller recorded and the larger copied."""
        stage, databases = self.stage, [self.stage.database() for _ in range(2)]
        size = min(DEFAULT_MOST, self.sizes[-1])
        small, large = (
            DefaultApp(stage.library_settings(database), stage.programme) for database in databases
        )
        for receipt in self.before:
            small.record(receipt)
        preload.multiply_default(small, large, size)
        few = self.commands[: len(self.commands) // DEFAULT_PART]
        self._tell("growth_default", size, len(few), self._in_turn((small, large), few))
        for app, database in ((small, databases[0]), (large, databases[1])):
            app.close()
            stage.drop(database)

    def grown(self, size: int) -> None:
        """A rebuild and the commands on a log of this size, which is deleted then."""
        large = self._made(size, self.source)
        if size > self.reference:
            self._rebuild(size, large)
        self._record(size, large)
        self.stage.drop(large)

    def close(self) -> None:
        """Delete what is left."""
        self.stage.drop(self.source)

    def _made(self, size: int, source: str) -> str:
        database = self.stage.database()
        preload.multiply(source, database, self.stage.text, size)
        return database

    def _rebuild(self, size: int, large: str) -> None:
        """Time an event takes, in the mean: a long run meets all moments of a machine, as many short do."""
        stage, small = self.stage, self._made(self.reference, self.source)
        told: dict[str, list[dict[str, Any]]] = {small: [], large: []}
        for database in (small, *[large, small] * ROUNDS):
            for _ in range(SHORT_RUNS if database == small else 1):
                told[database].append(apart("rebuild", database))
        peak = {db: max(run["peak_mb"] for run in runs) for db, runs in told.items()}
        for database, events in ((small, self.reference), (large, size)):
            if {run["events"] for run in told[database]} != {events}:
                stage.error(f"a log of {events} events has another number")
            if len({run["digest"] for run in told[database]}) > 1:
                stage.error(f"two rebuilds of {events} events differ")
            stage.figure(f"rebuild_peak_mb_{_named(events)}", peak[database])
        ns_large, ns_small = (
            1e9 * sum(run["seconds"] for run in runs) / sum(run["events"] for run in runs)
            for runs in (told[large], told[small])
        )
        stage.ratio(f"rebuilt, {_named(size)} events, ns an event", ns_large, ns_small,
                    f"rebuild_growth_{_named(self.reference)}_{_named(size)}",
                    whose=f"at {_named(self.reference)}", target=TARGET)  # fmt: skip
        peaks = ", ".join(
            f"{_named(events)} events {peak[db]:,} MB"
            for db, events in ((small, self.reference), (large, size))
        )
        print(f"    most memory: {peaks}", flush=True)
        stage.drop(small)

    def _record(self, size: int, large: str) -> None:
        small = self._made(self.least, self.source)
        programs = tuple(Ours(LoyaltyLedger.open(database)) for database in (small, large))
        seconds = self._in_turn(programs, self.commands)
        self._tell("growth_commands", size, len(self.commands), seconds)
        for program, events in zip(programs, (self.least, size), strict=True):
            look_at(self.stage, program.ledger, len(self.commands), after=events)
            program.close()
        self.stage.drop(small)

    def _in_turn(
        self, programs: Sequence[Program], receipts: Sequence[Receipt]
    ) -> tuple[float, float]:
        """Seconds of each on the same receipts, round by round, so that noise meets both alike."""
        seconds = [0.0, 0.0]
        size = min(ROUND, max(1, len(receipts) // 4))
        for number, chunk in enumerate(chunks(receipts, size)):
            for which in (0, 1) if number % 2 else (1, 0):
                driven = drive(programs[which], chunk, MANY)
                seconds[which] += driven.seconds
                for error in driven.errors:
                    self.stage.error(error)
        return seconds[0], seconds[1]

    def _tell(self, key: str, size: int, count: int, seconds: tuple[float, float]) -> None:
        what = key.rpartition("_")[2]
        self.stage.ratio(f"{what}, {_named(size)} events, receipts/s", count / seconds[1],
                         count / seconds[0], f"{key}_{_named(self.least)}_{_named(size)}",
                         whose=f"at {_named(self.least)}")  # fmt: skip


def _named(size: int) -> str:
    """A power of ten as figures are named."""
    return f"1e{len(str(size)) - 1}"
