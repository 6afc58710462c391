"""Tills that send one receipt at a time: ours, the library's default, and a hand-written program.

Every program records the same receipts in the same order of rounds, a round at 1, 4, 16 or 64
callers, each on a database of its own, one after another, so that noise meets all alike. Ours is
called by threads and by tasks of one event loop; the others wait for a database in their own
threads, and nothing is gained there. The ceiling is the log alone: the rows of ours, called by
threads, in the same batches, with nothing decided.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.callers import Awaited, Driven, Ours, Program, drive, look_at, percentiles_us
from bench.default_app import DefaultApp
from bench.handwritten import Handwritten, HandwrittenSQLite
from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger
from ledger.types import Receipt

MOST, ROUND, WARM = 40_000, 2_000, 100
CALLERS = (1, 4, 16, 64)
MANY = CALLERS[-1]
OURS, AWAITED, DEFAULT = "ours", "ours, awaited", "default"
BY_LINE, BY_RECEIPT = "handwritten", "handwritten, one movement"
TARGETS = {
    "postgres": {"default": 12.0, "4": 1.3, "64": 3.0, "bytes": 0.38},
    "sqlite": {"default": 8.0, "bytes": 0.3},
}


def measure(stage: Stage) -> None:
    """Print receipts a second by callers, and the ratios."""
    race = Race(stage)
    few, rest = stage.receipts[:WARM], stage.receipts[WARM:MOST]
    race.compare(few)
    size = min(ROUND, max(1, len(rest) // (2 * len(CALLERS))))
    for number, chunk in enumerate(chunks(rest, size)):
        race.round(number, chunk)
    race.tell()
    race.tell_bytes(len(few) + len(rest))
    for ours in (race.ours, race.awaited):
        look_at(stage, ours.ledger, len(few) + len(rest))
    race.close()


class Race:
    """The programs, their databases, and the seconds each took."""

    def __init__(self, stage: Stage) -> None:
        """Open everything."""
        self.stage = stage
        self.ours = Ours(LoyaltyLedger.create(stage.database(), stage.text))
        self.ours.note()
        self.awaited = Awaited(LoyaltyLedger.create(stage.database(), stage.text))
        self.default = DefaultApp(stage.library_settings(stage.database()), stage.programme)
        self.programs: dict[str, Program] = {
            OURS: self.ours, AWAITED: self.awaited, DEFAULT: self.default,
            **handwritten(stage, MANY),
        }  # fmt: skip
        self.bare = LoyaltyLedger.create(stage.database(), stage.text)
        self.seconds: dict[tuple[str, int], float] = defaultdict(float)
        self.receipts: dict[int, int] = defaultdict(int)
        self.took: dict[str, list[int]] = defaultdict(list)
        self.cpu = [0.0, 0.0]

    def compare(self, receipts: list[Receipt]) -> None:
        """Warm everything, and see that all programs give each receipt the same points."""
        for receipt in receipts:
            given = {n: p.points(p.caller(0)(receipt)) for n, p in self.programs.items()}
            if len(set(given.values())) > 1:
                self.stage.error(f"{receipt.key} earns {given}")
        self._append_bare()

    def round(self, number: int, receipts: list[Receipt]) -> None:
        """The same receipts through every program, each round another one first."""
        callers = CALLERS[number % len(CALLERS)]
        self.receipts[callers] += len(receipts)
        names = list(self.programs)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if name == OURS and callers == MANY:
                with self._counting_cpu():
                    driven = drive(self.ours, receipts, callers)
            else:
                driven = drive(self.programs[name], receipts, callers)
            self._note(name, callers, driven)
            if name == OURS:
                self.seconds["bare", callers] += self._append_bare()

    def tell(self) -> None:
        """Print and keep the figures."""
        stage, rate = self.stage, self._rate
        print("  receipts/s by callers" + "".join(f"{callers:>12}" for callers in CALLERS))
        for name in (*self.programs, "bare"):
            print(f"    {name:28}" + "".join(f"{rate(name, c):>12,.0f}" for c in CALLERS))
            for callers in CALLERS:
                key = name.replace(", ", "_").replace(" ", "_")
                stage.figure(f"online_{key}_{callers}_per_s", rate(name, callers))
        self._ratios()
        for name, took in self.took.items():
            found = percentiles_us(took)
            shown = "   ".join(f"{share} {us:>9,.0f}" for share, us in found.items())
            print(f"  {f'us a receipt, {MANY} callers, {name}':58}{shown}")
        for share, us in percentiles_us(self.took[AWAITED]).items():
            stage.figure(f"online_{share}_us", us)
        own, server = (1e6 * seconds / self.receipts[MANY] for seconds in self.cpu)
        print(
            f"  CPU us a receipt, {MANY} callers: this process {own:,.0f}, the server {server:,.0f}"
        )
        stage.figure("online_cpu_us", own)
        stage.figure("online_server_cpu_us", server)
        print(f"  commands of the default that were decided again: {self.default.conflicts}")

    def tell_bytes(self, receipts: int) -> None:
        """Print and keep what a receipt takes on disk: both have recorded the same ones."""
        self.stage.ratio(
            "bytes a receipt, indexes and leaf hash in", self.ours.ledger.log.bytes_used() / receipts,
            self.default.bytes_used() / receipts, "bytes_vs_default",
            target=TARGETS[self.stage.store]["bytes"],
        )  # fmt: skip

    def close(self) -> None:
        """Close everything."""
        for program in reversed(self.programs.values()):
            program.close()
        self.bare.close()

    def _ratios(self) -> None:
        rate, stage, aims = self._rate, self.stage, TARGETS[self.stage.store]
        best = max(rate(DEFAULT, callers) for callers in CALLERS)
        stage.ratio(f"{MANY} callers, the default at its best", self._ours(MANY), best,
                    "online_vs_default", target=aims["default"])  # fmt: skip
        for callers in (4, MANY):
            for name, key in ((BY_LINE, "handwritten"), (BY_RECEIPT, "handwritten_slim")):
                stage.ratio(f"{callers} callers, {name}", self._ours(callers), rate(name, callers),
                            f"online_vs_{key}_{callers}", whose="handwritten",
                            target=aims.get(str(callers)) if name == BY_LINE else None)  # fmt: skip
        stage.ratio(f"{MANY} callers, bare rows in the same batches", rate(OURS, MANY),
                    rate("bare", MANY), "online_vs_ceiling", whose="bare")  # fmt: skip

    def _ours(self, callers: int) -> float:
        """By threads or by tasks, whichever suits it, as the default has its number of callers."""
        return max(self._rate(name, callers) for name in (OURS, AWAITED))

    def _rate(self, name: str, callers: int) -> float:
        return self.receipts[callers] / self.seconds[name, callers]

    def _note(self, name: str, callers: int, driven: Driven) -> None:
        self.seconds[name, callers] += driven.seconds
        if callers == MANY:
            self.took[name] += driven.took_ns
        for error in driven.errors:
            self.stage.error(error)

    def _append_bare(self) -> float:
        """Seconds for the rows that ours appended since the last time."""
        batches, self.ours.batches = self.ours.batches, []
        began = time.perf_counter()
        for rows in batches:
            self.bare.log.append(rows, 0)
        return time.perf_counter() - began

    @contextmanager
    def _counting_cpu(self) -> Iterator[None]:
        before = time.process_time(), self._server_cpu()
        yield
        self.cpu[0] += time.process_time() - before[0]
        self.cpu[1] += self._server_cpu() - before[1]

    def _server_cpu(self) -> float:
        """Seconds of CPU that the server's processes have used; 0 where there are none to see."""
        if self.stage.store == "sqlite" or not Path("/proc").is_dir():
            return 0.0
        with psycopg.connect(self.stage.server) as connection:
            pids = [row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity")]
            own = connection.info.backend_pid
        ticks = (_ticks(pid) for pid in pids if pid != own)
        return sum(ticks) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(after_name[11]) + int(after_name[12])


def handwritten(stage: Stage, callers: int) -> dict[str, Program]:
    """Both variants, a movement a line first."""
    if stage.store == "sqlite":
        return {
            BY_LINE: HandwrittenSQLite(stage.database(), stage.programme),
            BY_RECEIPT: HandwrittenSQLite(stage.database(), stage.programme, lines=False),
        }
    database = stage.database()
    by_line = Handwritten(database, stage.programme, callers)
    slim = Handwritten(database, stage.programme, callers, lines=False, sharing=by_line)
    return {BY_LINE: by_line, BY_RECEIPT: slim}
