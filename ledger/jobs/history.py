"""What jobs did and will do, read from their streams."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from ledger import events as e
from ledger.aggregates.job import JobState, RunState, evolve, lease_of
from ledger.jobs.job import Job
from ledger.jobs.turn import next_due
from ledger.store.codec import Codec
from ledger.store.keys import Keys
from ledger.store.log import Log
from ledger.store.working import NOTHING_SINCE
from ledger.types import Instant

WAITING, DUE, RUNNING, BROKEN_OFF = "waiting", "due", "running", "broken off"


class JobStatus(NamedTuple):
    """A job at an instant."""

    job: Job
    state: str
    """`waiting`, `due`, `running` (a live lease), `broken off` (no live lease on a begun run)."""
    done_due_at: Instant | None
    """The due instant that was done last."""
    next_due_at: Instant
    by: str
    lease_until: Instant | None
    members: int
    """Worked off in the run that is under way."""


class JobRun(NamedTuple):
    """One run of a job, over all its turns."""

    job: str
    due_at: Instant
    since: Instant
    """The first due instant that it stands for; 0 for all before."""
    started_at: Instant
    ended_at: Instant | None
    turns: int
    by: str
    """Who took the last turn."""
    state: str
    """`done`, `under way`, or why it was left."""
    effects: int
    unchanged: int
    refused: int
    refusals: tuple[tuple[bytes, str], ...]


def status_of(
    log: Log, codec: Codec, keys: Keys, job: Job, zone: str, now: Instant
) -> JobStatus:  # fmt: skip
    """How a job stands; it need not have been seen by a scheduler yet."""
    state = cast("JobState | None", _state(log, codec, keys.job(job.name)))
    due_at, _ = next_due(job, state or JobState(job.name, now), zone, now)
    last = state.last if state else None
    if state is None or state.running is None:
        told = DUE if due_at <= now else WAITING
        return JobStatus(job, told, last, due_at, "", None, 0)
    run = cast("RunState | None", _state(log, codec, keys.job_run(job.name, due_at)))
    lease = lease_of(state, run)
    assert lease is not None  # noqa: S101  it is running
    told = RUNNING if lease.live(now) else BROKEN_OFF
    return JobStatus(job, told, last, due_at, lease.by, lease.ends_at, _members(run))


def runs_of(log: Log, codec: Codec, keys: Keys, name: str) -> list[JobRun]:
    """Every run of a job, oldest first."""
    runs: dict[Instant, JobRun] = {}
    for event in _events(log, codec, keys.job(name)):
        match event:
            case e.JobStarted():
                runs[event.due_at] = _begun(name, event, runs.get(event.due_at))
            case e.JobLeft():
                runs[event.due_at] = runs[event.due_at]._replace(state=event.why)
            case e.JobDone():
                runs[event.due_at] = runs[event.due_at]._replace(
                    ended_at=event.captured_at, state="done", effects=event.effects,
                    unchanged=event.unchanged, refused=event.refused, refusals=event.refusals,
                )  # fmt: skip
            case _:
                pass
    told = list(runs.values())
    if told and told[-1].ended_at is None:  # runs follow each other, so only the last can be open
        told[-1] = _so_far(log, codec, keys, told[-1])
    return told


def _begun(name: str, event: e.JobStarted, earlier: JobRun | None) -> JobRun:
    if earlier:
        return earlier._replace(turns=earlier.turns + 1, by=event.by, state="under way")
    return JobRun(
        name, event.due_at, event.since, event.captured_at, None, 1, event.by, "under way", 0, 0,
        0, (),
    )  # fmt: skip


def _so_far(log: Log, codec: Codec, keys: Keys, told: JobRun) -> JobRun:
    run = cast("RunState | None", _state(log, codec, keys.job_run(told.job, told.due_at)))
    if run is None:
        return told
    return told._replace(
        effects=run.effects, unchanged=run.unchanged, refused=run.refused, refusals=run.refusals
    )  # fmt: skip


def _members(run: RunState | None) -> int:
    return run.effects + run.unchanged + run.refused if run else 0


def _events(log: Log, codec: Codec, stream: bytes) -> list[Any]:
    found = log.load([stream], codec.shape, NOTHING_SINCE)
    return [codec.decode[topic](data) for _, _, topic, data in found.events]


def _state(log: Log, codec: Codec, stream: bytes) -> JobState | RunState | None:
    state: JobState | RunState | None = None
    for event in _events(log, codec, stream):
        state = evolve(state, event)
    return state
