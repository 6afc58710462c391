"""Receipts one by one and in batches, tried, replayed and rebuilt, next to the library's default."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.default_app import DefaultApp
from bench.duckdb_check import measure as measure_duckdb
from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError
from ledger.types import Receipt

MOST = 20_000
CHUNK = 250
BATCH = 1_000
PAGE = 5_000


def measure(stage: Stage) -> None:
    """Print and keep the figures."""
    run = Ingest(stage)
    run.measure(stage.receipts[:MOST])
    run.close()


class Ingest:
    """The measurements on one store."""

    def __init__(self, stage: Stage) -> None:
        """Make a log for each."""
        self.stage = stage
        settings = stage.library_settings(stage.database())
        self.default = DefaultApp(settings, stage.programme)
        self.single = LoyaltyLedger.create(stage.database(), stage.text)
        self.batched = LoyaltyLedger.create(stage.database(), stage.text)

    def measure(self, receipts: list[Receipt]) -> None:
        """Each in turn."""
        tell = self.stage.ratio
        few = receipts[: len(receipts) // 4]
        theirs, ours = self._in_turn(few)
        tell("recorded one by one, receipts/s", len(few) / ours, len(few) / theirs,
             "single_vs_default")  # fmt: skip
        batched = _timed(lambda: self._in_batches(receipts))
        tell("ingested in batches, receipts/s", len(receipts) / batched, len(few) / theirs,
             "ingest_vs_default")  # fmt: skip
        dry = _timed(lambda: self.batched.simulate_programme(self.stage.text, "all"))
        tell("tried under a draft, receipts/s", len(receipts) / dry, len(receipts) / batched,
             "dryrun_vs_ingest", whose="ingest")  # fmt: skip
        self._replay(len(receipts), len(few))
        rebuilt = _timed(self.batched.rebuild)
        head = self.batched.log.head()
        print(f"  {'rebuilt, all reports, events/s':44}{head / rebuilt:>12,.0f}")
        self.stage.figure("rebuild_events_per_s", head / rebuilt)
        measure_duckdb(self.batched, self.stage.results, self.stage.prefix)

    def close(self) -> None:
        """Close all three."""
        self.default.close()
        self.single.close()
        self.batched.close()

    def _replay(self, ours: int, theirs: int) -> None:
        """All events into typed objects: pages of the log against the library's notifications.

        By the receipts in them: the library's log has two events for each, a receipt's and its
        claim's, the ledger's has one that is both.
        """
        mapper, recorder = self.default.mapper, self.default.recorder
        log, decode = self.batched.log, self.batched.codec.decode

        def library() -> int:
            after, seen = 0, 0
            while found := recorder.select_notifications(after + 1, PAGE):
                for notification in found:
                    mapper.to_domain_event(notification)
                after, seen = found[-1].id, seen + len(found)
            return seen

        def own() -> int:
            after, seen = 0, 0
            while rows := log.page(after, PAGE):
                for row in rows:
                    decode[row[3]](row[4])
                after, seen = rows[-1][0], seen + len(rows)
            return seen

        events, by_library = _rate(own), _rate(library)
        print(f"  {'replayed into typed events, events/s':44}{events[0]:>12,.0f}"
              f"   library     {by_library[0]:>10,.0f}")  # fmt: skip
        self.stage.ratio("replayed into typed events, receipts/s", ours / events[1],
                         theirs / by_library[1], "replay_vs_default")  # fmt: skip

    def _in_turn(self, receipts: list[Receipt]) -> tuple[float, float]:
        """Seconds of each on the same chunks, in turn, so that noise meets both alike."""
        theirs = ours = 0.0
        for chunk in chunks(receipts, CHUNK):
            theirs += _timed(lambda chunk=chunk: self._through_default(chunk))  # type: ignore[misc]
            ours += _timed(lambda chunk=chunk: self._one_by_one(chunk))  # type: ignore[misc]
        return theirs, ours

    def _through_default(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            self.default.record(receipt)

    def _one_by_one(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            try:
                self.single.record(receipt, history=True, enrol=True)
            except LedgerError as error:
                self.stage.error(error)

    def _in_batches(self, receipts: list[Receipt]) -> None:
        for chunk in chunks(receipts, BATCH):
            for outcome in self.batched.record_all(chunk, history=True, enrol=True):
                if isinstance(outcome, BaseException):
                    self.stage.error(outcome)


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rate(work: Callable[[], int]) -> tuple[float, float]:
    """Events a second, and seconds in all."""
    began = time.perf_counter()
    seen = work()
    seconds = time.perf_counter() - began
    return seen / seconds, seconds
