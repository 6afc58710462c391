"""`make bench`: ours next to the library's default path, in one run, chunk by chunk in turn.

Rates are of this machine and this moment; the ratio is what to look at. Errors are counted,
and any error fails the run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters import retail
from adapters.cli.commands.demo import currency_of, in_currency
from adapters.cli.files import programme_text
from adapters.records import Good
from adapters.simulate import simulate
from bench import rebuild
from bench.default_app import DefaultApp
from bench.history import LONG, ROUNDS, SHORT, History
from bench.server import new_database, postgres_server
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError
from ledger.programme import load
from ledger.store.postgres import environment
from ledger.types import Receipt

CHUNK = 250
BATCH = 1_000
OUT = Path(__file__).parent / "out" / "results.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of retail data")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append")
    options = parser.parse_args()
    count = 2_000 if options.quick else 20_000
    receipts, currency = _receipts(options.data, count)
    text = in_currency(programme_text(Path("points_as_cash")), currency)
    results: dict[str, int | float] = {"receipts": len(receipts), "errors": 0}
    with tempfile.TemporaryDirectory(prefix="ll-bench-") as folder, postgres_server() as server:
        for store in options.store or ("sqlite", "postgres"):
            run = Run(store, Path(folder), server, text, results)
            run.measure(receipts)
            run.measure_history(ROUNDS // 5 if options.quick else ROUNDS)
            rebuild.measure(run._name, text, results, run.prefix, quick=options.quick)  # noqa: SLF001
            run.close()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(f"\n{len(receipts)} receipts; errors: {results['errors']}; figures in {OUT}")
    return 1 if results["errors"] else 0


def _receipts(data: Path | None, count: int) -> tuple[list[Receipt], str]:
    if data is None:
        made = simulate(members=count // 20, weeks=60, currency="EUR")
        return list(itertools.islice(made, count)), "EUR"
    form = retail.detect(data)
    items = retail.FORMATS[form].read(data)
    good = (item.receipt for item in items if isinstance(item, Good))
    return list(itertools.islice(good, count)), currency_of(data)


class Run:
    """The measurements on one store."""

    def __init__(
        self, store: str, folder: Path, server: str, text: str, results: dict[str, int | float]
    ) -> None:
        self.store, self.folder, self.server = store, folder, server
        self.text, self.results = text, results
        self.programme = load(text)
        self.prefix = "" if store == "postgres" else "sqlite_"
        self.default = DefaultApp(self._environment())
        self.single = LoyaltyLedger.create(self._name("single"), text)
        self.batched = LoyaltyLedger.create(self._name("batched"), text)

    def measure(self, receipts: list[Receipt]) -> None:
        print(f"\n{self.store}")
        few = receipts[: len(receipts) // 4]
        theirs, ours = self._in_turn(
            few, self._through_default, self._one_by_one, CHUNK
        )  # fmt: skip
        self._tell("recorded one by one, receipts/s", len(few) / ours, len(few) / theirs,
                   "single_vs_default")  # fmt: skip
        batched = self._timed(lambda: self._in_batches(receipts))
        self._tell("ingested in batches, receipts/s", len(receipts) / batched, len(few) / theirs,
                   "ingest_vs_default")  # fmt: skip
        dry = self._timed(lambda: self.batched.simulate_programme(self.text, "all"))
        self._tell("tried under a draft, receipts/s", len(receipts) / dry, len(receipts) / batched,
                   "dryrun_vs_ingest", "ingest")  # fmt: skip
        self._replay()
        self._tell("bytes a receipt, indexes and leaf hash in", self._bytes(len(receipts)),
                   self._default_bytes(len(few)), "bytes_vs_default")  # fmt: skip
        rebuilt = self._timed(self.batched.rebuild)
        head = self.batched.log.head()
        print(f"  {'rebuilt, all reports, events/s':44}{head / rebuilt:>12,.0f}")
        self.results[self.prefix + "rebuild_events_per_s"] = round(head / rebuilt)

    def measure_history(self, rounds: int) -> None:
        """A long history next to a short one: what a command costs must not grow with it."""
        history = History(self._name("history"), rounds)
        for how, measure in (("warm", history.warm), ("cold", history.cold)):
            long, short = measure()
            print(
                f"  {f'a receipt after {LONG} others, {how}, us':44}{long * 1e6:>12,.0f}"
                f"   after {SHORT:>5} {short * 1e6:>12,.0f}   ratio {long / short:6.2f}"
            )
            self.results[f"{self.prefix}history_{LONG}_vs_{SHORT}_{how}"] = round(long / short, 3)
        self.results["errors"] += history.errors
        history.close()

    def close(self) -> None:
        self.default.close()
        self.single.close()
        self.batched.close()

    def _replay(self) -> None:
        """All events into typed objects: pages of the log against the library's notifications."""
        mapper, recorder = self.default.mapper, self.default.recorder
        log, decode = self.batched.log, self.batched.codec.decode

        def library() -> int:
            after, seen = 0, 0
            while found := recorder.select_notifications(after + 1, 5_000):
                for notification in found:
                    mapper.to_domain_event(notification)
                after, seen = found[-1].id, seen + len(found)
            return seen

        def own() -> int:
            after, seen = 0, 0
            while rows := log.page(after, 5_000):
                for row in rows:
                    decode[row[3]](row[4])
                after, seen = rows[-1][0], seen + len(rows)
            return seen

        their_rate = self._rate(library)
        our_rate = self._rate(own)
        self._tell("replayed into typed events, events/s", our_rate, their_rate,
                   "replay_vs_default")  # fmt: skip

    def _tell(
        self, what: str, ours: float, theirs: float, key: str, whose: str = "library"
    ) -> None:
        ratio = ours / theirs
        print(f"  {what:44}{ours:>12,.0f}   {whose:7} {theirs:>10,.0f}   ratio {ratio:6.2f}")
        self.results[self.prefix + key] = round(ratio, 3)

    def _in_turn(
        self, receipts: list[Receipt], first: Callable[[list[Receipt]], None],
        second: Callable[[list[Receipt]], None], size: int,
    ) -> tuple[float, float]:  # fmt: skip
        """Seconds of each on the same chunks, in turn, so that noise meets both alike."""
        one = two = 0.0
        for start in range(0, len(receipts), size):
            chunk = receipts[start : start + size]
            one += self._timed(lambda chunk=chunk: first(chunk))  # type: ignore[misc]
            two += self._timed(lambda chunk=chunk: second(chunk))  # type: ignore[misc]
        return one, two

    def _through_default(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            self.default.record(receipt, self.programme)

    def _one_by_one(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            try:
                self.single.record(receipt, history=True, enrol=True)
            except LedgerError as error:
                self._error(error)

    def _in_batches(self, receipts: list[Receipt]) -> None:
        for start in range(0, len(receipts), BATCH):
            chunk = receipts[start : start + BATCH]
            for outcome in self.batched.record_all(chunk, history=True, enrol=True):
                if isinstance(outcome, BaseException):
                    self._error(outcome)

    def _error(self, error: BaseException) -> None:
        self.results["errors"] += 1
        print(f"  error: {error}")

    @staticmethod
    def _timed(work: Callable[[], Any]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    @staticmethod
    def _rate(work: Callable[[], int]) -> float:
        began = time.perf_counter()
        seen = work()
        return seen / (time.perf_counter() - began)

    def _bytes(self, receipts: int) -> float:
        return self.batched.log.bytes_used() / receipts

    def _default_bytes(self, receipts: int) -> float:
        recorder: Any = self.default.recorder
        if self.store == "postgres":
            with recorder.datastore.get_connection() as connection:
                row = connection.execute(
                    "SELECT pg_total_relation_size(%s::regclass) AS size",
                    (f"public.{recorder.events_table_name}",),
                ).fetchone()
                return float(row["size"]) / receipts
        with sqlite3.connect(self.folder / "default.db") as connection:
            (size,) = connection.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%stored_events%'"
            ).fetchone()
            return float(size) / receipts

    def _name(self, what: str) -> str:
        if self.store == "postgres":
            return new_database(self.server)
        return str(self.folder / f"{what}.db")

    def _environment(self) -> dict[str, str]:
        if self.store == "sqlite":
            return {
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                "SQLITE_DBNAME": str(self.folder / "default.db"),
            }
        settings = environment(new_database(self.server))
        return settings | {
            "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_SCHEMA": "public",
            "POSTGRES_POOL_SIZE": "16",
        }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
