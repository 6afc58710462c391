"""Who decides what is fed: this process, or several, each with the members that are its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Protocol

import msgspec

from adapters.ingest.tally import Told
from adapters.pos import ndjson
from adapters.records import Bad, Found, Good, Unread
from adapters.rejects import refused
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError, StoreUnavailable
from ledger.store import helping

BATCH = 1_000
DEATHS_BORNE = 3
"""Times the process of one hand may end before the import does."""


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
        self._closing = False
        self._asked: SimpleQueue[tuple[list[Found], Future[Told]] | None] = SimpleQueue()
        self._start()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        context = get_context("spawn")  # a forked process would share connections
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(*self._named, theirs), daemon=True)
        self.process.start()
        theirs.close()  # so that its end is heard

    def take(self, portion: Sequence[Found]) -> Callable[[], Told]:
        """See `Hand`."""
        told: Future[Told] = Future()
        self._asked.put(([_light(found) for found in portion], told))
        return told.result

    def _run(self) -> None:
        while (asked := self._asked.get()) and not self._closing:
            portion, told = asked
            try:
                told.set_result(self._told(portion))
            except Exception as error:  # noqa: BLE001  it is raised where the answer is waited for
                told.set_exception(error)
        self._pipe.close()

    def _told(self, portion: list[Found]) -> Told:
        while True:
            try:
                self._pipe.send(portion)
                said: Told | Exception = self._pipe.recv()
            except (EOFError, OSError) as gone:
                self._begin_again(gone)
                continue
            if isinstance(said, Exception):
                raise said
            return said

    def _begin_again(self, gone: Exception) -> None:
        self._deaths += 1
        if self._deaths > DEATHS_BORNE:
            msg = f"A process of the import ended {self._deaths} times; feed the same again."
            raise StoreUnavailable(msg) from gone
        self._pipe.close()
        self.process.join()
        self._start()

    def close(self) -> None:
        """Let it go after the portion it is at; what else it was given is not begun."""
        self._closing = True
        self._asked.put(None)
        self._thread.join()
        self.process.join()


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
    recorded = repeated = recorded_minor = repeated_minor = 0
    rejected = [(item, "not a receipt") for item in bad]
    for item, outcome in zip(good, sent.result(), strict=True):
        if isinstance(outcome, LedgerError):
            rejected.append((refused(item, str(outcome), outcome.field), outcome.code))
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome.repeat:
            repeated += 1
            repeated_minor += _amount(item)
        else:
            recorded += 1
            recorded_minor += _amount(item)
    return Told(recorded, repeated, rejected, recorded_minor, repeated_minor)


def _amount(good: Good) -> int:
    """What was paid on a receipt, as the reports sum it."""
    return sum(line.amount_minor for line in good.receipt.lines if not line.voided)


def _light(found: Found) -> Found:
    """What travels to another process: bytes, which cost less than what they mean."""
    if isinstance(found, Good):
        return Unread(found.place, msgspec.json.encode(found.receipt), ended=True)
    return found


# In the other process.


def _serve(db: str, how: How, pipe: Any) -> None:
    """Take portions in until nobody sends any more, however the sender ended."""
    helping.begin()
    with suppress(EOFError, OSError):
        try:
            ledger = LoyaltyLedger.open(db)
        except Exception as error:  # noqa: BLE001  told in place of the first answer
            pipe.recv()
            pipe.send(error)
            return
        with ledger:
            here = Here(ledger, how)
            while True:
                pipe.send(_outcome(here, pipe.recv(), how.batch))


def _outcome(here: Here, portion: list[Found], batch: int) -> Told | Exception:
    try:
        return _take(here, portion, batch)
    except Exception as error:  # noqa: BLE001  told where somebody can act on it
        return error


def _take(here: Here, portion: list[Found], batch: int) -> Told:
    """Take a portion in by batches, reading the next one while one is being decided."""
    source = iter(portion)
    answers = []
    while some := list(islice(source, batch)):
        answers.append(here.take(some))
    parts = [answer() for answer in answers]
    return Told(
        sum(part.recorded for part in parts),
        sum(part.repeated for part in parts),
        [one for part in parts for one in part.refused],
        sum(part.recorded_minor for part in parts),
        sum(part.repeated_minor for part in parts),
    )
