"""The writer decides: one thread takes what waits, decides it in order, appends it at once.

Callers are answered only after their rows are durable. A refusal or a repeat answers its own
caller and leaves its neighbours alone. A conflict means that somebody else wrote, or that an
own commit's answer was lost: what was believed is forgotten and the batch is decided again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Condition, Lock, Thread
from typing import Any, Protocol

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from ledger.errors import Busy, Closed, LedgerError, StoreUnavailable
from ledger.store.log import Log
from ledger.store.working import Working
from ledger.types import Clock

CONFLICTS_BORNE = 200
"""Times a batch is decided again before its callers hear of it; each means another got through."""
FAILURES_BORNE = 6
FIRST_PAUSE_MS = 20


class Command(Protocol):
    """Something to decide."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The streams it will look at, as far as it can tell from what is at hand.

        Asked twice: what the first answer led to may tell the second where to look.
        """

    def decide(self, working: Working) -> Any:
        """Emit events and return the outcome.

        Raises:
            LedgerError: refused; nothing of it is recorded.
        """


class _Job:
    """Commands that one caller waits for."""

    __slots__ = ("answers", "commands", "future", "single")

    def __init__(self, commands: Sequence[Command], *, single: bool) -> None:
        self.commands = commands
        self.single = single
        self.answers: list[Any] = []
        self.future: Future[Any] = Future()

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def answer(self) -> None:
        if not self.single:
            self.future.set_result(self.answers)
        elif isinstance(self.answers[0], BaseException):
            self.future.set_exception(self.answers[0])
        else:
            self.future.set_result(self.answers[0])


class _Asked:
    """One command that a thread waits for: a lock does for it what a future costs ten times."""

    __slots__ = ("answers", "commands", "error", "lock")

    def __init__(self, command: Command) -> None:
        self.commands = (command,)
        self.answers: list[Any] = []
        self.error: BaseException | None = None
        self.lock = Lock()
        self.lock.acquire()

    def answer(self) -> None:
        self.lock.release()

    def fail(self, error: BaseException) -> None:
        if self.lock.locked():
            self.error = error
            self.lock.release()

    def wait(self) -> Any:
        """The outcome, once it is durable; its refusal is raised."""
        self.lock.acquire()
        if self.error:
            raise self.error
        if isinstance(self.answers[0], BaseException):
            raise self.answers[0]
        return self.answers[0]


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
        self._capacity = capacity
        self._batch = batch
        self._wall = wall
        self._waiting: deque[_Job | _Asked] = deque()
        self._waiting_commands = 0
        self._changed = Condition()
        self._closing = False
        self._thread: Thread | None = None

    def ask(self, command: Command) -> Any:
        """Have a command decided; waits until its outcome is durable.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
            LedgerError: it was refused.
        """
        asked = _Asked(command)
        self._enqueue(asked)
        return asked.wait()

    def submit(self, command: Command) -> Future[Any]:
        """Queue one command; the future holds its outcome or its refusal.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        job = _Job([command], single=True)
        self._enqueue(job)
        return job.future

    def submit_all(self, commands: Sequence[Command]) -> Future[list[Any]]:
        """Queue commands that are decided together; refusals stand among the outcomes.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        job = _Job(commands, single=False)
        self._enqueue(job)
        return job.future

    def close(self) -> None:
        """Take no more, answer all that wait, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _enqueue(self, job: _Job | _Asked) -> None:
        with self._changed:
            if self._closing:
                raise Closed
            if self._waiting and self._waiting_commands + len(job.commands) > self._capacity:
                msg = f"{self._waiting_commands} commands wait."
                raise Busy(msg)
            self._waiting.append(job)
            self._waiting_commands += len(job.commands)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="ledger-writer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while jobs := self._next():
            try:
                self._process(jobs)
            except BaseException as error:  # noqa: BLE001  a caller must never wait for ever
                for job in jobs:
                    job.fail(error)

    def _next(self) -> list[_Job | _Asked]:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            jobs: list[_Job | _Asked] = []
            commands = 0
            while self._waiting and (not jobs or commands < self._batch):
                job = self._waiting.popleft()
                jobs.append(job)
                commands += len(job.commands)
            self._waiting_commands -= commands
            return jobs

    def _process(self, jobs: list[_Job | _Asked]) -> None:
        conflicts = failures = 0
        while True:
            try:
                self._decide_and_append(jobs)
            except IntegrityError as error:
                conflicts += 1
                self._working.forget()
                if conflicts > CONFLICTS_BORNE:
                    raise StoreUnavailable(str(error)) from error
            except (OperationalError, InterfaceError, InternalError) as error:
                failures += 1
                self._working.forget()
                if failures > FAILURES_BORNE:
                    raise StoreUnavailable(str(error)) from error
                time.sleep((FIRST_PAUSE_MS << failures) / 1000)
            else:
                break
        for job in jobs:
            job.answer()
        if due := self._working.snapshots_due():
            self._log.put_snapshots(due)

    def _decide_and_append(self, jobs: list[_Job | _Asked]) -> None:
        working = self._working
        working.begin(self._clock())
        self._look_up([command for job in jobs for command in job.commands])
        for job in jobs:
            job.answers = [self._decide(command) for command in job.commands]
        working.settle()
        if working.rows or working.kept:
            first = self._log.append(working.rows, self._wall(), working.to_keep())
            working.keep(first)

    def _look_up(self, commands: list[Command]) -> None:
        """Two statements for the whole batch; the second only where the first led further."""
        working = self._working
        working.fetch(s for command in commands for s in command.streams(working))
        further = [
            s for command in commands for s in command.streams(working) if not working.at_hand(s)
        ]
        if further:
            working.fetch(further)

    def _decide(self, command: Command) -> Any:
        working = self._working
        mark = working.mark()
        try:
            return command.decide(working)
        except LedgerError as refusal:
            working.back_to(mark)
            return refusal
        except (IntegrityError, OperationalError, InterfaceError, InternalError):
            raise
        except Exception as bug:  # noqa: BLE001  answered to its own caller, not to the neighbours
            working.back_to(mark)
            return bug
