"""Two processes on one log, each receipt sent to one of them at random, against one process.

The same number of callers in all, on two databases, round by round in turn. Members meet both
processes, so each has to see what the other wrote; at the end every receipt must be there once.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import msgspec

from bench.callers import Ours, drive, look_at
from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger
from ledger.types import Receipt

MOST, ROUND = 20_000, 2_000
CALLERS = 64
TARGET = 0.5
SEED = 1
ENDS_WITHIN_SECONDS = 30


def measure(stage: Stage) -> None:
    """The rate of two processes over that of one."""
    receipts = stage.receipts[:MOST]
    databases = [stage.database(), stage.database()]
    for database in databases:
        LoyaltyLedger.create(database, stage.text).close()
    one = [Worker(databases[0], CALLERS)]
    two = [Worker(databases[1], CALLERS // 2) for _ in range(2)]
    rng, seconds = random.Random(SEED), [0.0, 0.0]
    size = min(ROUND, max(1, len(receipts) // 4))
    try:
        for number, chunk in enumerate(chunks(receipts, size)):
            for which in (0, 1) if number % 2 else (1, 0):
                seconds[which] += _round(stage, (one, two)[which], chunk, rng)
    finally:
        for worker in (*one, *two):
            worker.close()
    stage.ratio(
        f"two processes, {CALLERS} callers in all, receipts/s", len(receipts) / seconds[1],
        len(receipts) / seconds[0], "two_processes_vs_one", whose="one process", target=TARGET,
    )  # fmt: skip
    for database in databases:
        with LoyaltyLedger.open(database) as ledger:
            look_at(stage, ledger, len(receipts))


def _round(
    stage: Stage, workers: Sequence[Worker], receipts: Sequence[Receipt], rng: random.Random
) -> float:
    """Seconds until all workers are done with what each was sent."""
    shares: list[list[Receipt]] = [[] for _ in workers]
    for receipt in receipts:
        rng.choice(shares).append(receipt)
    for worker, share in zip(workers, shares, strict=True):
        worker.give(share)
    began = time.perf_counter()
    for worker in workers:
        worker.go()
    for worker in workers:
        for error in worker.errors():
            stage.error(error)
    return time.perf_counter() - began


class Worker:
    """A process with a ledger of its own, told what to record."""

    def __init__(self, database: str, callers: int) -> None:
        """Start it; it shares nothing with this one."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(database, callers, theirs), daemon=True
        )  # fmt: skip
        self._process.start()
        theirs.close()

    def give(self, receipts: list[Receipt]) -> None:
        """Hand over the receipts of a round, and wait until they are read."""
        self._pipe.send_bytes(msgspec.msgpack.encode(receipts))
        self._pipe.recv()

    def go(self) -> None:
        """Let it begin."""
        self._pipe.send("go")

    def errors(self) -> list[str]:
        """Wait for the end of the round."""
        found: list[str] = self._pipe.recv()
        return found

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.join(ENDS_WITHIN_SECONDS)
        if self._process.is_alive():
            self._process.kill()


def work(database: str, callers: int, pipe: Connection) -> None:
    """What a worker does until its pipe is closed."""
    with LoyaltyLedger.open(database) as ledger:
        ours = Ours(ledger)
        while True:
            try:
                receipts = msgspec.msgpack.decode(pipe.recv_bytes(), type=list[Receipt])
            except EOFError:
                return
            pipe.send("read")
            pipe.recv()
            pipe.send([repr(error) for error in drive(ours, receipts, callers).errors])
