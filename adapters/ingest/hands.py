"""Who decides what is fed: this process, or several, each with the members that are its own."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from threading import Thread
from typing import Any, NamedTuple, Protocol

import msgspec

from adapters.ingest.tally import Told
from adapters.pos import ndjson
from adapters.records import Bad, Found, Good, Unread
from adapters.rejects import refused
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError, StoreUnavailable

BATCH = 1_000
DEATHS_BORNE = 3
"""Times the process of one hand may end before the import does."""
GARBAGE = 50_000
"""Objects before the collector looks in a process that only decides."""


class How(NamedTuple):
    """How receipts are taken in; see `LoyaltyLedger.record`."""

    history: bool
    enrol: bool
    batch: int


class Hand(Protocol):
    """Takes portions in, one after another."""

    def take(self, portion: Sequence[Found]) -> Callable[[], Told]:
        """Begin with a portion; what is returned waits until it is durable.

        Raises:
            StoreUnavailable, Busy, Closed: nothing is lost; feed the same again.
        """


class Here:
    """This process: the next portion is read while one is being decided."""

    def __init__(self, ledger: LoyaltyLedger, how: How) -> None:
        """Feed an open ledger."""
        self._ledger = ledger
        self._how = how

    def take(self, portion: Sequence[Found]) -> Callable[[], Told]:
        """See `Hand`."""
        items = [ndjson.parse(found) if isinstance(found, Unread) else found for found in portion]
        good = [item for item in items if isinstance(item, Good)]
        bad = [item for item in items if isinstance(item, Bad)]
        how = self._how
        sent = self._ledger.record_later(
            [item.receipt for item in good], history=how.history, enrol=how.enrol
        )
        return lambda: _told(good, bad, sent)


class Away:
    """A process of its own with its own ledger on the same log.

    Should it end, another is started and given again what was not answered: what is durable of
    it is a repeat.
    """

    def __init__(self, db: str, how: How) -> None:
        """Start it."""
        self._named = (db, how)
        self._deaths = 0
        self._pool = self._started()
        self._asked: dict[int, tuple[list[Found], Future[Told]]] = {}
        self._count = 0

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_serve, initargs=self._named
        )

    def take(self, portion: Sequence[Found]) -> Callable[[], Told]:
        """See `Hand`."""
        number = self._count
        self._count += 1
        self._ask(number, [_light(found) for found in portion])
        return lambda: self._answer(number)

    def _ask(self, number: int, portion: list[Found]) -> None:
        try:
            self._asked[number] = portion, self._pool.submit(_take, portion)
        except BrokenProcessPool as broken:  # told when the answer is waited for
            lost: Future[Told] = Future()
            lost.set_exception(broken)
            self._asked[number] = portion, lost

    def _answer(self, number: int) -> Told:
        while True:
            try:
                told = self._asked[number][1].result()
            except BrokenProcessPool as broken:
                self._begin_again(broken)
            else:
                del self._asked[number]
                return told

    def _begin_again(self, broken: BrokenProcessPool) -> None:
        self._deaths += 1
        self._pool.shutdown()
        if self._deaths > DEATHS_BORNE:
            msg = f"A process of the import ended {self._deaths} times; feed the same again."
            raise StoreUnavailable(msg) from broken
        self._pool = self._started()
        for number, (portion, _) in sorted(self._asked.items()):
            self._ask(number, portion)

    def close(self) -> None:
        """Let it go; what it was not given yet is not begun."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def hands(ledger: LoyaltyLedger, how: How, workers: int) -> Iterator[list[Hand]]:
    """As many hands as are asked for; one is this process."""
    if workers == 1:
        yield [Here(ledger, how)]
        return
    away = [Away(ledger.log.db, how) for _ in range(workers)]
    try:
        yield [*away]
    finally:
        for hand in away:
            hand.close()


def _told(good: list[Good], bad: list[Bad], sent: Future[list[Any]]) -> Told:
    """Wait for the answers to a portion.

    Raises:
        BaseException: what is no refusal, as it came.
    """
    recorded = repeated = 0
    rejected = [(item, "not a receipt") for item in bad]
    for item, outcome in zip(good, sent.result(), strict=True):
        if isinstance(outcome, LedgerError):
            rejected.append((refused(item, str(outcome), outcome.field), outcome.code))
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome.repeat:
            repeated += 1
        else:
            recorded += 1
    return Told(recorded, repeated, rejected)


def _light(found: Found) -> Found:
    """What travels to another process: bytes, which cost less than what they mean."""
    if isinstance(found, Good):
        return Unread(found.place, msgspec.json.encode(found.receipt), ended=True)
    return found


# In the other process.

_here: list[tuple[Here, int]] = []


def _serve(db: str, how: How) -> None:
    """Open the log; end with the process that asked for it, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it decides
    parent = parent_process()
    assert parent is not None  # noqa: S101  it was started by one
    Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    _here.append((Here(LoyaltyLedger.open(db), how), how.batch))


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _take(portion: list[Found]) -> Told:
    """Take a portion in by batches, reading the next one while one is being decided."""
    here, batch = _here[0]
    source = iter(portion)
    answers = []
    while some := list(islice(source, batch)):
        answers.append(here.take(some))
    parts = [answer() for answer in answers]
    return Told(
        sum(part.recorded for part in parts),
        sum(part.repeated for part in parts),
        [one for part in parts for one in part.refused],
    )
