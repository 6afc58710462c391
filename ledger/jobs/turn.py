"""Taking a job's turn, working off a chunk of it, leaving it: commands for the writer.

The version of the job's stream elects: of two schedulers that take a turn at once, one is
decided again and finds the other's lease. A chunk's effects and its step are appended
together, so they happen once, and whoever goes on begins behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

from eventsourcing.persistence import PersistenceError

from ledger import events as e
from ledger.aggregates.job import REFUSALS_KEPT, JobState, Lease, RunState, lease_of
from ledger.commands.common import rules_at
from ledger.errors import LedgerError
from ledger.jobs.job import Job, command_id
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.store.writer import Command
from ledger.types import Instant


class Turn(NamedTuple):
    """A job's turn as its holder knows it."""

    job: Job
    due_at: Instant
    number: int
    cursor: bytes
    """The last stream of the last chunk; empty at the beginning."""


class Taken(NamedTuple):
    """What taking a turn led to."""

    turn: Turn | None
    held: tuple[str, ...]
    """Jobs that are due and in somebody else's turn."""


class Stepped(NamedTuple):
    """Where a run stands after a chunk."""

    cursor: bytes
    members: int
    done: e.JobDone | None


def next_due(job: Job, state: JobState, zone: str, now: Instant) -> tuple[Instant, Instant]:
    """The instant to run next, which may lie ahead, and the first one that it stands for."""
    if state.running:
        return state.running.due_at, state.running.since
    if job.catch_up == "each":
        due_at = job.schedule.next_after(
            state.seen_at if state.last is None else state.last, zone
        )  # fmt: skip
        return due_at, due_at
    if state.last is None:
        return job.schedule.last_until(now, zone), 0
    first = job.schedule.next_after(state.last, zone)
    return max(first, job.schedule.last_until(now, zone)), first


class TakeTurn(NamedTuple):
    """Take the turn that was due first among these jobs."""

    jobs: tuple[Job, ...]
    by: str
    lease_s: int

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme and the jobs, and the runs that are under way."""
        keys = working.keys
        yield PROGRAMME_STREAM
        for job in self.jobs:
            stream = keys.job(job.name)
            yield stream
            state = cast("JobState | None", working.known(stream))
            if state and state.running:
                yield keys.job_run(job.name, state.running.due_at)

    def decide(self, working: Working) -> Taken:
        """Record the turn, and first of all that a job was seen.

        Raises:
            ProgrammeNotInForce: there is no programme, so no time zone.
        """
        now = working.now
        zone = rules_at(working, now).programme.time_zone
        held: list[str] = []
        best: tuple[Instant, Instant, Job] | None = None
        for job in self.jobs:
            state = self._seen(working, job)
            due_at, since = next_due(job, state, zone, now)
            if due_at > now:
                continue
            lease = lease_of(state, _run(working, job, due_at)) if state.running else None
            if lease and lease.by != self.by and lease.live(now):
                held.append(job.name)
            elif best is None or due_at < best[0]:
                best = due_at, since, job
        return Taken(best and self._start(working, *best), tuple(held))

    def _seen(self, working: Working, job: Job) -> JobState:
        stream = working.keys.job(job.name)
        if working.state(stream) is None:
            working.emit(stream, e.JobSeen(job.name, working.now))
        return cast("JobState", working.state(stream))

    def _start(self, working: Working, due_at: Instant, since: Instant, job: Job) -> Turn:
        stream, now = working.keys.job(job.name), working.now
        working.emit(stream, e.JobStarted(due_at, since, now, now + self.lease_s, self.by))
        state = cast("JobState", working.state(stream))
        run = _run(working, job, due_at)
        return Turn(job, due_at, state.turns, run.cursor if run else b"")


class Step(NamedTuple):
    """Work off a chunk: the commands of its members, and the step that says so."""

    turn: Turn
    members: tuple[bytes, ...]
    last: bool
    lease_s: int
    made: tuple[Command, ...] = ()
    """The members' commands, where the job makes those of a page at once."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The job, the run, and what the members' commands will look at."""
        name = self.turn.job.name
        yield working.keys.job(name)
        yield working.keys.job_run(name, self.turn.due_at)
        for index in range(len(self.members)):
            yield from self._streams(index, working)

    def decide(self, working: Working) -> Stepped | None:
        """Decide the members one by one; None where the turn is lost, or no longer due.

        A refusal or a bug takes back what its own member began, and is counted.
        """
        turn = self.turn
        if _held(working, turn) is None or working.now < turn.due_at:
            return None  # a clock that went back: nothing happens before its time
        stream = working.keys.job_run(turn.job.name, turn.due_at)
        run = _run(working, turn.job, turn.due_at)
        if run and run.cursor != turn.cursor:
            return Stepped(run.cursor, 0, None)  # a former holder's last chunk came in after all
        working.emit(stream, self._work(working))
        cursor = self.members[-1] if self.members else turn.cursor
        done = self._done(working, stream) if self.last else None
        return Stepped(cursor, len(self.members), done)

    def _work(self, working: Working) -> e.JobStepped:
        turn, now = self.turn, working.now
        effects = 0
        refusals: list[tuple[bytes, str]] = []
        for index, member in enumerate(self.members):
            before = working.mark()
            try:
                self._command(index).decide(working)
            except PersistenceError:
                raise
            except Exception as error:  # noqa: BLE001  one member's trouble is not the others'
                working.back_to(before)
                refusals.append((member, _code(error)))
            else:
                effects += working.mark() > before
        cursor = self.members[-1] if self.members else turn.cursor
        unchanged = len(self.members) - effects - len(refusals)
        return e.JobStepped(
            turn.number, now, now + self.lease_s, cursor, effects, unchanged, len(refusals),
            tuple(refusals[:REFUSALS_KEPT]),
        )  # fmt: skip

    def _command(self, index: int) -> Command:
        if self.made:
            return self.made[index]
        job, due_at, member = self.turn.job, self.turn.due_at, self.members[index]
        assert job.command is not None  # noqa: S101  a job has one of the two
        return job.command(member, due_at, command_id(job.name, due_at, member))

    def _streams(self, index: int, working: Working) -> Iterator[bytes]:
        """What a member's command will look at; one that cannot say is told of when it is decided."""
        try:
            yield from tuple(self._command(index).streams(working))
        except PersistenceError:
            raise
        except Exception:  # noqa: BLE001  raised here, it would hit everybody in the batch
            return

    def _done(self, working: Working, stream: bytes) -> e.JobDone:
        run = cast("RunState", working.state(stream))
        done = e.JobDone(
            self.turn.due_at, working.now, run.effects, run.unchanged, run.refused, run.refusals
        )
        working.emit(working.keys.job(self.turn.job.name), done)
        return done


class Leave(NamedTuple):
    """Give a turn up before its end, so that the next one can be taken at once."""

    turn: Turn
    why: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The job."""
        return (working.keys.job(self.turn.job.name),)

    def decide(self, working: Working) -> None:
        """Record it, unless somebody else has taken the turn."""
        if _held(working, self.turn):
            left = e.JobLeft(self.turn.due_at, working.now, self.why)
            working.emit(working.keys.job(self.turn.job.name), left)


def _held(working: Working, turn: Turn) -> Lease | None:
    """The lease of a turn while nobody took a later one."""
    state = cast("JobState | None", working.state(working.keys.job(turn.job.name)))
    lease = state.running if state else None
    return lease if lease and lease.number == turn.number else None


def _run(working: Working, job: Job, due_at: Instant) -> RunState | None:
    return cast("RunState | None", working.state(working.keys.job_run(job.name, due_at)))


def _code(error: Exception) -> str:
    """A refusal's code or a bug's class: the log must not keep what a message may hold."""
    return error.code if isinstance(error, LedgerError) else type(error).__name__
