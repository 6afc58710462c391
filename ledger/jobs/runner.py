"""Running what is due: one turn after another, chunk by chunk, each through the writer."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from eventsourcing.persistence import InterfaceError, InternalError, OperationalError

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.errors import InputInvalid, LedgerError, ProgrammeNotInForce
from ledger.jobs.history import JobRun, JobStatus, runs_of, status_of
from ledger.jobs.job import Job
from ledger.jobs.turn import Leave, Step, TakeTurn, Turn
from ledger.offers.histories import Cut, Histories
from ledger.programme import Programme
from ledger.projections.due import Look
from ledger.projections.queries import Reader
from ledger.store.codec import Codec
from ledger.store.keys import Keys
from ledger.store.log import Log
from ledger.store.writer import Command
from ledger.types import Clock, Instant

LEASE_S = 300
"""How long a turn outlives its scheduler; every chunk renews it."""
STOPPED = "stopped"


class House(Protocol):
    """What jobs need of the ledger that they belong to."""

    log: Log
    clock: Clock
    codec: Codec
    keys: Keys

    def reading(self) -> AbstractContextManager[Reader]:
        """A reader of the reporting tables, brought up to date."""

    def programme_at(self, at: Instant) -> Rules:
        """The programme in force."""

    def histories(self, cut: Cut) -> Histories:
        """What is kept of members at a cut."""


class Failure(NamedTuple):
    """A run that could not go on; the job's next turn tries it again."""

    job: str
    due_at: Instant
    why: str
    detail: str


class Ran(NamedTuple):
    """What became of everything that was due."""

    done: list[tuple[str, e.JobDone]]
    failed: list[Failure]
    held: tuple[str, ...]
    """Jobs that are due and in another scheduler's turn."""


class Jobs:
    """The jobs of one ledger: what they are, what they did, and running what is due."""

    def __init__(
        self, house: House, jobs: Sequence[Job], submit: Callable[[Command], Future[Any]]
    ) -> None:
        """Register the jobs.

        Raises:
            ValueError: two of them have one name, or one has not one way to its commands.
        """
        self.registered = tuple(jobs)
        self.by = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._house = house
        self._submit = submit
        if len({job.name for job in jobs}) < len(jobs):
            msg = "two jobs have one name"
            raise ValueError(msg)
        for job in jobs:
            if (job.command is None) == (job.commands is None):
                msg = f"`{job.name}` needs one of `command` and `commands`"
                raise ValueError(msg)

    def run(
        self,
        names: Collection[str] = (),
        *,
        without: Collection[str] = (),
        lease_s: int = LEASE_S,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int], None] | None = None,
    ) -> Ran:
        """Run what is due now, in the order in which it was due, and return.

        `stop` is asked after every chunk; `progress` is told of the members of each. A job that
        fails is left for another time, and the others go on.

        Raises:
            InputInvalid: there is no such job.
            ProgrammeNotInForce, StoreUnavailable, Busy, Closed.
        """
        ran = Ran([], [], ())
        chosen = [job for job in self.named(names) if job.name not in without]
        while not stop():
            failed = {failure.job for failure in ran.failed}
            free = tuple(job for job in chosen if job.name not in failed)
            taken = self._submit(TakeTurn(free, self.by, lease_s)).result()
            ran = ran._replace(held=taken.held)
            if taken.turn is None:
                break
            try:
                done = self._run(taken.turn, lease_s, stop, progress)
            except (OperationalError, InterfaceError, InternalError):
                raise  # the store is away: the lease stays, and the run goes on from its chunk
            except Exception as error:
                if isinstance(error, LedgerError) and error.retryable:
                    raise
                ran.failed.append(self._fail(taken.turn, error))
            else:
                if done:
                    ran.done.append((taken.turn.job.name, done))
        return ran

    def status(self, names: Collection[str] = ()) -> list[JobStatus]:
        """Each job: when it ran last, when it is due, and who is at it.

        Raises:
            InputInvalid: there is no such job.
            ProgrammeNotInForce.
        """
        house, now = self._house, self._house.clock()
        zone = house.programme_at(now).programme.time_zone
        return [
            status_of(house.log, house.codec, house.keys, job, zone, now)
            for job in self.named(names)
        ]

    def history(self, names: Collection[str] = (), limit: int = 20) -> list[JobRun]:
        """The latest runs of each of the jobs, newest first.

        Raises:
            InputInvalid: there is no such job and never was.
        """
        house = self._house
        runs: list[JobRun] = []
        for name in names or [job.name for job in self.registered]:
            found = runs_of(house.log, house.codec, house.keys, name)
            if not found:
                self.named([name])
            runs += found
        return sorted(runs, key=lambda run: (run.started_at, run.due_at), reverse=True)[:limit]

    def named(self, names: Collection[str]) -> list[Job]:
        """The jobs of these names, or all of them.

        Raises:
            InputInvalid: there is no such job.
        """
        known = {job.name: job for job in self.registered}
        for name in names:
            if name not in known:
                msg = f"There is no job `{name}`; there are {', '.join(known) or 'none'}."
                raise InputInvalid(msg, field="name")
        return [known[name] for name in known if name in names or not names]

    def _run(
        self,
        turn: Turn,
        lease_s: int,
        stop: Callable[[], bool],
        progress: Callable[[int], None] | None,
    ) -> e.JobDone | None:
        """Work a turn off; None where it was lost to another scheduler, or given up."""
        kept: dict[str, Any] = {}
        while True:
            page, made = self._page(turn, kept)
            last = len(page) < turn.job.chunk
            stepped = self._submit(Step(turn, page, last, lease_s, made)).result()
            if stepped is None:
                self._leave(turn, "clock")
                return None
            if progress:
                progress(stepped.members)
            if stepped.done:
                done: e.JobDone = stepped.done
                return done
            turn = turn._replace(cursor=stepped.cursor)
            if stop():
                self._leave(turn, STOPPED)
                return None

    def _page(
        self, turn: Turn, kept: dict[str, Any]
    ) -> tuple[tuple[bytes, ...], tuple[Command, ...]]:
        job = turn.job
        house = self._house
        programme = self._programme(turn.due_at)
        with house.reading() as reader:
            look = Look(reader, house.log, programme, turn.due_at, kept, house.histories)
            page = tuple(job.due(look, turn.cursor, job.chunk))
            made = tuple(job.commands(look, page)) if job.commands and page else ()
        ordered = all(a < b for a, b in zip((turn.cursor, *page), page, strict=False))
        assert ordered, "`due` gives streams after the cursor, ascending"  # noqa: S101
        return page, made

    def _programme(self, due_at: Instant) -> Programme:
        """The one that was in force when a job was due; of the first day, the first."""
        try:
            return self._house.programme_at(due_at).programme
        except ProgrammeNotInForce:
            return self._house.programme_at(self._house.clock()).programme

    def _fail(self, turn: Turn, error: Exception) -> Failure:
        why = error.code if isinstance(error, LedgerError) else type(error).__name__
        self._leave(turn, why)
        return Failure(turn.job.name, turn.due_at, why, str(error))

    def _leave(self, turn: Turn, why: str) -> None:
        """Let others go on at once; nothing is recorded where they do already."""
        self._submit(Leave(turn, why)).result()
