"""Work on parts of the members: by this process, or by several, with the same answers in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid, StoreUnavailable
from ledger.store import helping

if TYPE_CHECKING:
    from ledger.offers.histories import Part
    from ledger.offers.plan import Plan

T = TypeVar("T")
Act = Callable[[LoyaltyLedger, "Plan", "Part"], T]
"""What is done with a part; a function of a module, so that another process finds it."""
MOST_WORKERS = 64
AHEAD = 2
"""Parts for each worker that are done and not asked for yet."""
PATIENCE_SECONDS = 10


def each(
    ledger: LoyaltyLedger, plan: Plan, parts: Sequence[Part], act: Act[T], workers: int
) -> Iterator[T]:
    """What is answered for each part, in their order.

    Raises:
        InputInvalid: the number of workers.
        StoreUnavailable: a process ended; what it had done stays done.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InputInvalid(f"From 1 to {MOST_WORKERS} workers.", field="workers")
    workers = min(workers, len(parts))
    if workers <= 1:
        return (act(ledger, plan, part) for part in parts)
    return _spread(_Crew(ledger.log.db, plan, act, workers), parts)


def _spread(crew: _Crew, parts: Sequence[Part]) -> Iterator[Any]:
    """Give parts out in their order, and answers back in it."""
    answers: dict[int, Any] = {}
    given = 0
    with closing(crew):
        for number in range(len(parts)):
            while number not in answers:
                while crew.idle and given < min(len(parts), number + crew.ahead):
                    crew.give(given, parts[given])
                    given += 1
                answers.update(crew.heard())
            yield answers.pop(number)


class _Crew:
    """Worker processes, and which part each is at."""

    def __init__(self, db: str, plan: Plan, act: Act[Any], workers: int) -> None:
        """Start them; a fresh process each, since a forked one would share connections."""
        context = get_context("spawn")
        self.ahead = workers * AHEAD
        self.idle: list[Connection] = []
        self._busy: dict[Any, int] = {}
        self._processes = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(db, plan, act, theirs), daemon=True)
            process.start()
            theirs.close()  # so that its end is heard
            self._processes.append(process)
            self.idle.append(ours)

    def give(self, number: int, part: Part) -> None:
        """Have a part done."""
        pipe = self.idle.pop()
        self._busy[pipe] = number
        with suppress(OSError):  # it died; reading from it says so
            pipe.send(part)

    def heard(self) -> Iterator[tuple[int, Any]]:
        """Wait for answers."""
        for pipe in wait(list(self._busy)):
            assert isinstance(pipe, Connection)  # noqa: S101  nothing else is waited for
            try:
                said = pipe.recv()
            except (EOFError, OSError) as gone:
                msg = "A process ended before its work was done; do the same again."
                raise StoreUnavailable(msg) from gone
            if isinstance(said, BaseException):
                raise said
            yield self._busy.pop(pipe), said
            self.idle.append(pipe)

    def close(self) -> None:
        """Let everybody go; one that is at work has nothing to lose."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(PATIENCE_SECONDS)


# In the other process.


def _serve(db: str, plan: Plan, act: Act[Any], pipe: Connection) -> None:
    """Do parts until nobody asks any more, however the asker ended."""
    helping.begin()
    with suppress(EOFError, OSError):
        try:
            with LoyaltyLedger.open(db) as ledger:
                while True:
                    pipe.send(act(ledger, plan, pipe.recv()))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # noqa: BLE001  told where somebody can act on it
            pipe.send(error)
