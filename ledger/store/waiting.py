"""Commands that wait for the writer, and those who wait for their answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Condition, Lock
from typing import Any, Protocol

from ledger.errors import Busy, Closed
from ledger.store.working import Working


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


class Job(Protocol):
    """Commands that one caller waits for."""

    commands: Sequence[Command]
    answers: list[Any]

    def begin(self) -> bool:
        """From now on it is too late to cancel; whether nobody did."""

    def answer(self) -> None:
        """Let the caller have the answers."""

    def fail(self, error: BaseException) -> None:
        """Let the caller have an error, unless it was answered."""


class Later:
    """Commands whose answers a future holds."""

    __slots__ = ("answers", "commands", "future", "single")

    def __init__(self, commands: Sequence[Command], *, single: bool) -> None:
        """Wait for one outcome, or for a list of them."""
        self.commands = commands
        self.single = single
        self.answers: list[Any] = []
        self.future: Future[Any] = Future()

    def begin(self) -> bool:
        """See `Job`."""
        return self.future.set_running_or_notify_cancel()

    def answer(self) -> None:
        """See `Job`."""
        if not self.single:
            self.future.set_result(self.answers)
        elif isinstance(self.answers[0], BaseException):
            self.future.set_exception(self.answers[0])
        else:
            self.future.set_result(self.answers[0])

    def fail(self, error: BaseException) -> None:
        """See `Job`."""
        if not self.future.done():
            self.future.set_exception(error)


class Asked:
    """One command that a thread waits for: a lock does for it what a future costs ten times."""

    __slots__ = ("answers", "commands", "error", "lock")

    def __init__(self, command: Command) -> None:
        """Begin to wait."""
        self.commands: Sequence[Command] = (command,)
        self.answers: list[Any] = []
        self.error: BaseException | None = None
        self.lock = Lock()
        self.lock.acquire()

    def begin(self) -> bool:
        """See `Job`."""
        return True

    def answer(self) -> None:
        """See `Job`."""
        self.lock.release()

    def fail(self, error: BaseException) -> None:
        """See `Job`."""
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


class Waiting:
    """A bounded queue of jobs."""

    def __init__(self, capacity: int) -> None:
        """Hold at most so many commands."""
        self.capacity = capacity
        self.commands = 0
        self.closing = False
        self._jobs: deque[Job] = deque()
        self._changed = Condition()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._jobs)

    def put(self, job: Job) -> None:
        """Queue a job.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        with self._changed:
            if self.closing:
                raise Closed
            if self._jobs and self.commands + len(job.commands) > self.capacity:
                msg = f"{self.commands} commands wait."
                raise Busy(msg)
            self._jobs.append(job)
            self.commands += len(job.commands)
            self._changed.notify()

    def take(
        self, most: int, least: int = 1, done: Callable[[], bool] = lambda: False
    ) -> list[Job]:
        """Wait for commands, and take up to so many of them; nothing when the writer closes.

        It waits for the `least` that are worth it and, of that, only until something else is
        `done`: then it takes nothing. Whoever knows that it is done must `poke`.
        """
        jobs: list[Job] = []
        commands = 0
        with self._changed:
            while not jobs:
                while not self._enough(least):
                    if self.closing or done():
                        return []
                    self._changed.wait()
                while self._jobs and (not jobs or commands < most):
                    job = self._jobs.popleft()
                    self.commands -= len(job.commands)
                    if job.begin():
                        jobs.append(job)
                        commands += len(job.commands)
        return jobs

    def _enough(self, least: int) -> bool:
        return bool(self._jobs) and (least <= max(self.commands, 1) or self.closing)

    def poke(self, *_: Any) -> None:
        """Have whoever waits look again."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """Take no more."""
        with self._changed:
            self.closing = True
            self._changed.notify_all()
