"""Receipts through a program from a number of callers, threads or tasks, each call timed."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from threading import Barrier, Thread
from typing import Any, NamedTuple, Protocol

from bench.stage import Stage
from ledger.application import LoyaltyLedger
from ledger.commands.common import Outcome
from ledger.store.keys import RECEIPT
from ledger.store.log import Row
from ledger.types import Receipt

PAGE = 5_000


class Program(Protocol):
    """Something that records receipts."""

    def caller(self, number: int) -> Callable[[Receipt], Any]:
        """What caller `number` calls with each of its receipts."""

    def points(self, answer: Any) -> int:
        """The points of what a caller answered."""

    def close(self) -> None:
        """Let go of the store."""


class Driven(NamedTuple):
    """Seconds for all receipts, nanoseconds of each call, what was raised."""

    seconds: float
    took_ns: list[int]
    errors: list[Exception]


def drive(
    program: Program, receipts: Sequence[Receipt], callers: int, due: Sequence[float] = ()
) -> Driven:
    """Send receipts through as many callers, each its next one when the last is answered.

    With `due`, seconds after the start, a receipt is sent then or, if all callers are busy, as
    soon as one is free; its time counts from when it was due, so a stall is not forgotten.
    """
    if isinstance(program, Awaited):
        return asyncio.run(_drive(program.record, receipts, callers, due))
    work = iter(tuple(itertools.zip_longest(receipts, due)))  # taken by all, one at a time
    ready, began = Barrier(callers + 1), [0]
    took: list[list[int]] = [[] for _ in range(callers)]
    errors: list[Exception] = []

    def call(number: int) -> None:
        record, mine = program.caller(number), took[number]
        ready.wait()
        for receipt, at in work:
            if at is None:
                start = time.perf_counter_ns()
            else:
                start = began[0] + int(at * 1e9)
                time.sleep(max(0, start - time.perf_counter_ns()) / 1e9)
            try:
                record(receipt)
            except Exception as error:  # noqa: BLE001  every error is counted
                errors.append(error)
            mine.append(time.perf_counter_ns() - start)

    threads = [Thread(target=call, args=(number,), daemon=True) for number in range(callers)]
    for thread in threads:
        thread.start()
    began[0] = time.perf_counter_ns()
    ready.wait()
    for thread in threads:
        thread.join()
    seconds = (time.perf_counter_ns() - began[0]) / 1e9
    return Driven(seconds, [ns for mine in took for ns in mine], errors)


async def _drive(
    record: Callable[[Receipt], Awaitable[Any]], receipts: Sequence[Receipt], callers: int,
    due: Sequence[float],
) -> Driven:  # fmt: skip
    """The same by tasks of one event loop."""
    work = iter(tuple(itertools.zip_longest(receipts, due)))
    took: list[int] = []
    errors: list[Exception] = []
    began = time.perf_counter_ns()

    async def call() -> None:
        for receipt, at in work:
            if at is None:
                start = time.perf_counter_ns()
            else:
                start = began + int(at * 1e9)
                await asyncio.sleep(max(0, start - time.perf_counter_ns()) / 1e9)
            try:
                await record(receipt)
            except Exception as error:  # noqa: BLE001  every error is counted
                errors.append(error)
            took.append(time.perf_counter_ns() - start)

    await asyncio.gather(*[call() for _ in range(callers)])
    return Driven((time.perf_counter_ns() - began) / 1e9, took, errors)


def percentiles_us(took_ns: Sequence[int]) -> dict[str, float]:
    """The slowest of the fastest 50, 99 and 99.9 %."""
    ordered = sorted(took_ns)
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    return {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000
        for name, share in shares.items()
    }


class Ours:
    """The ledger, through its door."""

    def __init__(self, ledger: LoyaltyLedger) -> None:
        self.ledger = ledger
        self.batches: list[list[Row]] = []
        """What was appended, once `note` was called."""

    def caller(self, number: int) -> Callable[[Receipt], Outcome]:
        """All callers share the ledger."""
        return self._record

    def points(self, answer: Outcome) -> int:
        """The points of what a caller was answered."""
        event = self.ledger.event(answer)
        return sum(event.award.points) if hasattr(event, "award") else 0

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    def note(self) -> None:
        """Note each batch that is appended from now on."""
        append = self.ledger.log.append

        def noting(rows: Sequence[Row], *rest: Any) -> int:
            self.batches.append(list(rows))
            return append(rows, *rest)

        self.ledger.log.append = noting  # type: ignore[method-assign,assignment]

    def _record(self, receipt: Receipt) -> Outcome:
        return _new(receipt, self.ledger.record(receipt, history=True, enrol=True))


class Awaited(Ours):
    """The ledger, through its door for event loops."""

    async def record(self, receipt: Receipt) -> Outcome:
        """What each task calls with each of its receipts."""
        return _new(receipt, await self.ledger.record_async(receipt, history=True, enrol=True))


def _new(receipt: Receipt, outcome: Outcome) -> Outcome:
    if outcome.repeat:  # none was sent before
        msg = f"{receipt.key} is said to be a repeat"
        raise RuntimeError(msg)
    return outcome


def recorded(ledger: LoyaltyLedger, after: int = 0) -> int:
    """How many receipts the log holds after a position."""
    streams = set[bytes]()
    while rows := ledger.log.read(after, PAGE):
        streams.update(row.claims for row in rows if row.claims)
        streams.update(row.stream for row in rows if row.stream[0] == RECEIPT)
        after = rows[-1].position
    return len(streams)


def look_at(stage: Stage, ledger: LoyaltyLedger, expected: int, after: int = 0) -> None:
    """Every receipt is there, once, and no stream has a gap; otherwise an error."""
    found = recorded(ledger, after)
    if found != expected:
        stage.error(f"{found} receipts are recorded, {expected} were sent")
    for stream in ledger.log.broken_streams(1):
        stage.error(f"stream {stream.hex()} has a gap")
