"""The writer decides: one thread takes what waits, decides it in order, appends it at once.

Callers are answered only after their rows are durable. A refusal or a repeat answers its own
caller and leaves its neighbours alone. A conflict means that somebody else wrote, or that an
own commit's answer was lost: what was believed is forgotten and the batch is decided again.

Few commands are decided together, one batch after another: a batch costs nearly the same whether
it is large or small, so whoever was just answered is given a moment to come back. Of many, such as
an import's, the next batch is decided while one is being made durable, on the state that it leaves.
If it fails, both are decided again: nobody has been told anything by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from threading import Lock, Thread
from typing import Any, NamedTuple

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from ledger.errors import Closed, LedgerError, StoreUnavailable
from ledger.store.latest import Latest
from ledger.store.log import Log, Snapshot
from ledger.store.waiting import MANY, Asked, Command, Job, Later, Waiting
from ledger.store.working import Batch, Torn, Working
from ledger.types import Clock

__all__ = ["Command", "Writer"]

CONFLICTS_BORNE = 200
"""Times a batch is decided again before its callers hear of it; each means another got through."""
BATCHES_IN_TURNS = 32
"""Batches after a conflict before which this process waits for its turn."""
BATCHES_IN_DOUBT = 64
"""Batches after a conflict, or a repeat, that are looked up whatever is at hand."""
BELIEVED_US = 20_000
"""How long after a look-up what is at hand is decided on: longer than a few batches take, shorter
than anybody notices."""
FAILURES_BORNE = 6
FIRST_PAUSE_MS = 20
_STORE = (IntegrityError, OperationalError, InterfaceError, InternalError)


class _Flight(NamedTuple):
    """A batch on its way to the log, and those who wait for it."""

    jobs: list[Job]
    commands: int
    batch: Batch
    believed: bool
    appended: Future[int]


class Writer:
    """Decides and appends for every caller of one log in this process."""

    def __init__(
        self,
        log: Log,
        working: Working,
        clock: Clock,
        *,
        capacity: int = 10_000,
        batch: int = 512,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """Hold at most `capacity` waiting commands and decide up to `batch` at once."""
        self._log = log
        self._working = working
        self._clock = clock
        self._batch = batch
        self._wall = wall
        self._waiting = Waiting(capacity)
        self.latest = Latest()
        self._in_turns = 0
        self._doubting = 0
        self._believed = False
        """Whether the latest batch took something for new without looking."""
        self._looked = False
        """Whether the latest batch was looked up for, if only for what has changed."""
        self._looked_at = 0
        self._looked_second = 0
        self._expected = 1
        """Commands that may be there in a moment: whoever was just answered is back then."""
        self._thread: Thread | None = None
        self._starting = Lock()
        self._appender = ThreadPoolExecutor(1, "ledger-append")
        self._aside = ThreadPoolExecutor(1, "ledger-snapshots")
        self._due: dict[bytes, Snapshot] = {}
        """Snapshots that wait for those before them to be taken; the latest of each stream."""
        self._taken: Future[None] = Future()
        self._taken.set_result(None)

    def ask(self, command: Command) -> Any:
        """Have a command decided; waits until its outcome is durable.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
            LedgerError: it was refused.
        """
        asked = Asked(command)
        self.put(asked)
        return asked.wait()

    def submit(self, command: Command) -> Future[Any]:
        """Queue one command; the future holds its outcome or its refusal.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        later = Later([command], single=True)
        self.put(later)
        return later.future

    def submit_all(self, commands: Sequence[Command]) -> Future[list[Any]]:
        """Queue commands that are decided together; refusals stand among the outcomes.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        later = Later(commands, single=False)
        self.put(later)
        return later.future

    def close(self) -> None:
        """Take no more, answer all that wait, and stop."""
        self._waiting.close()
        if self._thread is not None:
            self._thread.join()
        self._appender.shutdown()
        self._aside.shutdown()
        if self._due:
            with suppress(*_STORE):
                self._log.put_snapshots(list(self._due.values()))

    def put(self, job: Job) -> None:
        """Queue a job, whoever waits for it.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        self._waiting.put(job)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="ledger-writer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        finally:  # however it ended, nobody waits for ever
            for job in self._waiting.end():
                job.fail(Closed())

    def _work(self) -> None:
        flight: _Flight | None = None
        while True:
            if flight is None:
                if not (jobs := self._waiting.gather(self._batch, self._expected)):
                    return
            else:
                jobs = self._waiting.take(self._batch, flight.commands, flight.appended.done)
            try:
                flight = self._next(flight, jobs)
            except BaseException as bug:
                self._fail(jobs, bug)  # they are in no queue any more
                raise

    def _next(self, flight: _Flight | None, jobs: list[Job]) -> _Flight | None:
        """Decide a batch while the one before is in flight, land that one, send this one off."""
        if _commands(jobs) < MANY or self._in_turns:  # not worth it, or others write as well
            self._land(flight)
            self._process(jobs)
            return None
        try:
            batch = self._decided(jobs)
        except BaseException as error:  # noqa: BLE001  read anew, it may go well; if not, it is told
            self._land(flight)
            if isinstance(error, _STORE):
                self._process(jobs)
            else:
                self._fail(jobs, error)
            return None
        if not self._land(flight):
            self._process(jobs)
            return None
        if batch.empty:
            self._answer(jobs)
            return None
        appended = self._appender.submit(self._append, batch)
        appended.add_done_callback(self._waiting.poke)
        self._working.go_on_after(batch)
        return _Flight(jobs, _commands(jobs), batch, self._believed, appended)

    def _append(self, batch: Batch) -> int:
        first = self._log.append(batch.rows, self._wall(), batch.kept)
        self.latest.add(batch.rows)
        return first

    def _land(self, flight: _Flight | None) -> bool:
        """Wait until a batch is durable and answer for it; whether what came after it holds."""
        if flight is None:
            return True
        try:
            self._working.landed(flight.batch, flight.appended.result())
        except _STORE as error:
            if isinstance(error, IntegrityError):
                self._conflicted(believed=flight.believed)
            self._working.forget()
            self._process(flight.jobs)
            return False
        except BaseException as error:  # noqa: BLE001  a caller must never wait for ever
            self._working.forget()
            self._fail(flight.jobs, error)
            return False
        self._doubting = max(0, self._doubting - 1)
        self._answer(flight.jobs)
        self._take_snapshots(flight.batch)
        return True

    def _process(self, jobs: list[Job]) -> None:
        """Decide and append one batch, as often as it takes, with nothing in flight."""
        if not jobs:
            return
        try:
            batch = self._settled(jobs)
        except BaseException as error:  # noqa: BLE001  a caller must never wait for ever
            self._working.forget()
            self._fail(jobs, error)
            return
        self._in_turns = max(0, self._in_turns - 1)
        self._doubting = max(0, self._doubting - 1)
        self._answer(jobs)
        self._take_snapshots(batch)

    def _conflicted(self, *, believed: bool) -> None:
        """Look again before deciding and, where that was done, take turns with whoever else writes."""
        if not believed:
            self._in_turns = BATCHES_IN_TURNS
        self._doubting = BATCHES_IN_DOUBT

    def _settled(self, jobs: list[Job]) -> Batch:
        conflicts = failures = 0
        while True:
            try:
                with self._log.turn() if self._in_turns else nullcontext():
                    batch = self._decided(jobs)
                    if not batch.empty:
                        first = self._append(batch)
                        self._working.go_on_after(batch)
                        self._working.landed(batch, first)
                    return batch
            except IntegrityError as error:
                conflicts += 1
                self._conflicted(believed=self._believed)
                self._working.forget()
                if conflicts > CONFLICTS_BORNE:
                    raise StoreUnavailable(str(error)) from error
            except (OperationalError, InterfaceError, InternalError) as error:
                failures += 1
                self._working.forget()
                if failures > FAILURES_BORNE:
                    raise StoreUnavailable(str(error)) from error
                time.sleep((FIRST_PAUSE_MS << failures) / 1000)

    def _answer(self, jobs: list[Job]) -> None:
        self._expected = _commands(jobs) + self._waiting.commands
        for job in jobs:
            job.answer()

    @staticmethod
    def _fail(jobs: list[Job], error: BaseException) -> None:
        for job in jobs:
            job.fail(error)

    def _take_snapshots(self, batch: Batch) -> None:
        """They only spare reading: whoever waits does not wait for them, nor fail with them."""
        self._due.update((one.stream, one) for one in self._working.snapshots_due(batch))
        if self._due and self._taken.done():
            due = list(self._due.values())
            with suppress(RuntimeError):  # the interpreter is ending: they are taken at the close
                self._taken = self._aside.submit(self._log.put_snapshots, due)
                self._due = {}

    def _decided(self, jobs: list[Job]) -> Batch:
        working = self._working
        commands = [command for job in jobs for command in job.commands]
        working.begin(self._clock())
        new = self._look_up(commands)
        self._believed = bool(new)
        for job in jobs:
            job.answers = [self._decide_surely(command, new) for command in job.commands]
        working.settle()
        return working.batch()

    def _look_up(self, commands: list[Command]) -> set[bytes]:
        """Look up what is missing; returns the streams that are taken for new instead.

        Two statements for the whole batch: the second only where the first led further, none
        where nothing is missing but what the commands should begin and the last look was just now.
        Then what a decision only reads is this old at most; it names the versions that it rests on
        otherwise, so where one has changed since, or is not new, appending is a conflict.
        """
        working, since = self._working, self._wall() - self._looked_at
        just = 0 <= since <= BELIEVED_US  # a clock can be put back
        missing, leading = self._missing(commands)
        begun: set[bytes] = set()
        if not self._doubting and (just or len(commands) >= MANY):
            begun = {_begins(command) for command in commands}
        others = [stream for stream in missing if stream not in begun]
        at_hand = begun and just and b"" not in begun and self._in_force(commands)
        self._looked = bool(others or not at_hand)
        if self._looked:
            now = self._wall()
            working.fetch(others)
            if further := [s for s in self._missing(leading)[0] if s not in begun]:
                working.fetch(further)
            self._looked_at, self._looked_second = now, working.now
        new = {stream for stream in missing if stream in begun}
        working.expect_new(new)
        return new

    def _in_force(self, commands: list[Command]) -> bool:
        """Whether the programmes at hand are those that decide.

        One that was published since the last look takes effect later than that second.
        """
        looked = self._looked_second
        return self._working.now <= looked and all(c.as_of <= looked for c in commands)  # type: ignore[attr-defined]

    def _missing(self, commands: list[Command]) -> tuple[list[bytes], list[Command]]:
        """The streams that are not at hand, and the commands that they may lead further.

        What a command should begin leads nowhere.
        """
        working = self._working
        found: list[bytes] = []
        leading = []
        for command in commands:
            try:
                missing = working.missing(command.streams(working))
            except LedgerError:
                continue  # its own caller is refused when it is decided
            if missing:
                found += missing
                if missing != [_begins(command)]:
                    leading.append(command)
        return found, leading

    def _decide_surely(self, command: Command, new: set[bytes]) -> Any:
        """Decide; that it is a repeat, or refused, is told of what is there now.

        Raises:
            Torn: it was not new, or is refused on what is a moment old: all is to be looked up.
        """
        answer, begins = self._decide(command), _begins(command)
        if begins in new and getattr(answer, "repeat", True) and not self._working.version(begins):
            new.discard(begins)
            if not self._looked or self._working.version_now(begins):
                self._doubting = BATCHES_IN_DOUBT
                raise Torn("others may have been decided as if it were new")
        if getattr(answer, "repeat", False):
            self._doubting = BATCHES_IN_DOUBT  # where one is sent again, others are
        return answer

    def _decide(self, command: Command) -> Any:
        working = self._working
        mark = working.mark()
        try:
            return command.decide(working)
        except LedgerError as refusal:
            working.back_to(mark)
            return refusal
        except _STORE:
            raise
        except Exception as bug:  # noqa: BLE001  answered to its own caller, not to the neighbours
            working.back_to(mark)
            return bug


def _begins(command: Command) -> bytes:
    """The stream that a command should begin; empty for one that need not begin any."""
    stream: bytes = getattr(command, "begins", b"")
    return stream


def _commands(jobs: list[Job]) -> int:
    return sum(len(job.commands) for job in jobs)
