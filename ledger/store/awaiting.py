"""Commands that tasks of an event loop wait for: one wake-up brings a loop all its answers."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Sequence
from typing import Any

from ledger.store.waiting import Command


class Mail:
    """Answers on their way from the writer's thread to a loop's."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        """Bring answers to this loop."""
        self.loop = loop
        self._answered: deque[Awaited] = deque()
        self._woken = False

    def put(self, job: Awaited) -> None:
        """Bring an answer; waking the loop costs a system call, so one that is awake is left alone."""
        self._answered.append(job)
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop is closed: nobody waits any more
                self._answered.clear()

    def _deliver(self) -> None:
        self._woken = False  # first: what comes while this goes on may wake it again
        while self._answered:
            self._answered.popleft().deliver()


class Awaited:
    """One command that a task waits for."""

    __slots__ = ("answers", "commands", "error", "future", "mail")

    def __init__(self, command: Command, mail: Mail) -> None:
        """Begin to wait, in the loop."""
        self.commands: Sequence[Command] = (command,)
        self.answers: list[Any] = []
        self.error: BaseException | None = None
        self.mail = mail
        self.future: Future[Any] = mail.loop.create_future()

    def begin(self) -> bool:
        """See `Job`."""
        return not self.future.cancelled()

    def answer(self) -> None:
        """See `Job`."""
        self.mail.put(self)

    def fail(self, error: BaseException) -> None:
        """See `Job`."""
        self.error = error
        self.mail.put(self)

    def deliver(self) -> None:
        """Let the task have the answer, in the loop."""
        if self.future.done():  # cancelled, or answered before an error came
            return
        answer = self.error or self.answers[0]
        if isinstance(answer, StopIteration):  # a bug that no future takes
            answer = RuntimeError(repr(answer))
        if isinstance(answer, BaseException):
            self.future.set_exception(answer)
        else:
            self.future.set_result(answer)
