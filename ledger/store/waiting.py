"""Commands that wait for the writer, and those who wait for their answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Condition, Lock
from typing import Any, Protocol

from ledger.errors import Busy, Closed
from ledger.store.working import Working

GATHER_MS = 1
"""How long a batch waits for those who were just answered; a commit takes about as long."""
MANY = 256
"""Commands of which one half is worth deciding while the other is in flight."""


class Command(Protocol):
    """Something to decide."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The streams it will look at, as far as it can tell from what is at hand.

        Asked twice: what the first answer led to may tell the second where to look. A command
        may have `begins`, the one of them that does not exist unless it is sent again, and `as_of`.
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
        self._enough = 0
        """Commands that the writer waits for; 0 while it does not wait."""
        self._lock = Lock()
        self._changed = Condition(self._lock)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._jobs)

    def put(self, job: Job) -> None:
        """Queue a job.

        Raises:
            Busy: the queue is full.
            Closed: the writer is shutting down.
        """
        with self._lock:
            if self.closing:
                raise Closed
            if self._jobs and self.commands + len(job.commands) > self.capacity:
                msg = f"{self.commands} commands wait."
                raise Busy(msg)
            self._jobs.append(job)
            self.commands += len(job.commands)
            if self._enough and self._there(self._enough):  # waking it costs more than queueing
                self._changed.notify()

    def gather(self, most: int, least: int) -> list[Job]:
        """Wait a moment for the `least`, or else for any command; nothing when the writer closes.

        Of many it takes one half and leaves the other to be decided meanwhile.
        """
        jobs: list[Job] = []
        with self._lock:
            while not jobs:
                self._wait(min(most, least), GATHER_MS)
                self._wait(1)
                if not self._jobs:
                    return []
                half = self.commands if self.commands < MANY else (self.commands + 1) // 2
                jobs = self._taken(min(most, half))
        return jobs

    def take(self, most: int, least: int, done: Callable[[], bool]) -> list[Job]:
        """Wait for the `least` that are worth it, and take up to so many commands.

        It waits only until something else is `done`: then it takes nothing. Whoever knows that
        it is done must `poke`.
        """
        with self._lock:
            self._enough = least
            self._changed.wait_for(lambda: self.closing or self._there(least) or done())
            self._enough = 0
            return self._taken(most) if self._there(least) or self.closing else []

    def _wait(self, least: int, at_most_ms: int | None = None) -> None:
        seconds = None if at_most_ms is None else at_most_ms / 1000
        self._enough = least
        self._changed.wait_for(lambda: self.closing or self._there(least), seconds)
        self._enough = 0

    def _there(self, least: int) -> bool:
        return bool(self._jobs) and least <= max(self.commands, 1)

    def _taken(self, most: int) -> list[Job]:
        jobs: list[Job] = []
        commands = 0
        while self._jobs and (not jobs or commands < most):
            job = self._jobs.popleft()
            self.commands -= len(job.commands)
            if job.begin():
                jobs.append(job)
                commands += len(job.commands)
        return jobs

    def poke(self, *_: Any) -> None:
        """Have the writer look again."""
        with self._lock:
            self._changed.notify()

    def close(self) -> None:
        """Take no more."""
        with self._lock:
            self.closing = True
            self._changed.notify_all()

    def end(self) -> list[Job]:
        """Take no more, and give back what nobody will take."""
        with self._lock:
            self.closing = True
            return self._taken(self.commands + 1)
