"""A job's stream says whose turn it is and what is done; a run's stream, how far the run is."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e
from ledger.types import Instant

REFUSALS_KEPT = 20
"""Refusals of a run that are kept by name; the others are counted."""


class Lease(Struct, frozen=True, array_like=True, gc=False):
    """A scheduler's turn at a job, and until when nobody else may take it."""

    number: int
    """Counts the turns of a job: who holds an older one has lost it."""
    due_at: Instant
    since: Instant
    by: str
    given_at: Instant
    ends_at: Instant

    def live(self, now: Instant) -> bool:
        """Whether it still holds others off.

        A lease given further ahead than it is long comes from a clock that has since gone back.
        """
        return abs(now - self.given_at) < self.ends_at - self.given_at


class JobState(Struct, frozen=True, array_like=True, gc=False):
    """A job as its stream tells it."""

    name: str = ""
    seen_at: Instant = 0
    last: Instant | None = None
    """The due instant that was done last."""
    turns: int = 0
    running: Lease | None = None


class RunState(Struct, frozen=True, array_like=True, gc=False):
    """A run as its stream tells it: the chunks up to now."""

    turn: int = 0
    given_at: Instant = 0
    ends_at: Instant = 0
    cursor: bytes = b""
    effects: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: tuple[tuple[bytes, str], ...] = ()


def evolve(state: JobState | RunState | None, event: e.Event) -> JobState | RunState | None:
    """The state after an event; the first one tells which of the two streams it is."""
    if isinstance(event, e.JobStepped):
        return _stepped(state if isinstance(state, RunState) else RunState(), event)
    known = state if isinstance(state, JobState) else JobState()
    match event:
        case e.JobSeen():
            return JobState(event.job, event.captured_at)
        case e.JobStarted():
            return replace(known, turns=known.turns + 1, running=_lease(known.turns + 1, event))
        case e.JobLeft():
            return replace(known, running=_ended(known.running))
        case e.JobDone():
            return replace(known, last=event.due_at, running=None)
        case _:
            return state


def lease_of(job: JobState, run: RunState | None) -> Lease | None:
    """The lease as the last chunk of the same turn renewed it."""
    lease = job.running
    if lease is None or run is None or run.turn != lease.number or not _open(lease):
        return lease
    return replace(lease, given_at=run.given_at, ends_at=run.ends_at)


def _lease(number: int, event: e.JobStarted) -> Lease:
    return Lease(
        number, event.due_at, event.since, event.by, event.captured_at, event.lease_until
    )  # fmt: skip


def _ended(lease: Lease | None) -> Lease | None:
    return lease and replace(lease, ends_at=lease.given_at)


def _open(lease: Lease) -> bool:
    return lease.ends_at > lease.given_at


def _stepped(run: RunState, event: e.JobStepped) -> RunState:
    return RunState(
        event.turn,
        event.captured_at,
        event.lease_until,
        event.cursor,
        run.effects + event.effects,
        run.unchanged + event.unchanged,
        run.refused + event.refused,
        (run.refusals + event.refusals)[:REFUSALS_KEPT],
    )
