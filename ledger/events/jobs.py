"""Jobs: their turns, the chunks of long runs, what was done."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Instant

__all__ = ["JobDone", "JobLeft", "JobSeen", "JobStarted", "JobStepped"]


class JobSeen(Event, frozen=True):
    """A scheduler met the job for the first time; what was due before is not missed."""

    TOPIC: ClassVar[str] = "job-seen"
    job: str
    captured_at: Instant


class JobStarted(Event, frozen=True):
    """A scheduler took the job's turn, to begin what was due or to go on with it."""

    TOPIC: ClassVar[str] = "job-started"
    due_at: Instant
    since: Instant
    """The first due instant that this run stands for; 0 for all before."""
    captured_at: Instant
    lease_until: Instant
    by: str


class JobStepped(Event, frozen=True):
    """One chunk of a run was worked off; it lies in the stream of the run."""

    TOPIC: ClassVar[str] = "job-stepped"
    turn: int
    captured_at: Instant
    lease_until: Instant
    cursor: bytes
    effects: int
    unchanged: int
    refused: int
    refusals: tuple[tuple[bytes, str], ...] = ()
    """Who was refused and why, as far as they are kept."""


class JobLeft(Event, frozen=True):
    """The turn was given up before the end; the next one goes on from the last chunk."""

    TOPIC: ClassVar[str] = "job-left"
    due_at: Instant
    captured_at: Instant
    why: str


class JobDone(Event, frozen=True):
    """What was due at this instant is done, with the sums of its chunks."""

    TOPIC: ClassVar[str] = "job-done"
    due_at: Instant
    captured_at: Instant
    effects: int
    unchanged: int
    refused: int
    refusals: tuple[tuple[bytes, str], ...] = ()


EVENTS: tuple[type[Event], ...] = (JobSeen, JobStarted, JobStepped, JobLeft, JobDone)
