"""What every part of the door stands on: a log, a clock, a writer, the reporting tables."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.state import Member
from ledger.aggregates.programmes import Programmes
from ledger.application.codec import codec
from ledger.calendar import local_day, midnight
from ledger.commands.common import Outcome, personal_of
from ledger.jobs import JOBS
from ledger.jobs.job import Job
from ledger.jobs.runner import Jobs
from ledger.offers.histories import Cut, Histories
from ledger.projections import PROJECTIONS
from ledger.projections.engine import Engine
from ledger.projections.queries import Reader
from ledger.projections.rhythm import RHYTHM
from ledger.store.keys import (
    PROGRAMME_STREAM,
    Keys,
)
from ledger.store.log import Log
from ledger.store.opening import SECRET
from ledger.store.signer import Signer
from ledger.store.vault import Vault
from ledger.store.working import Cache, Working
from ledger.store.writer import Command, Writer
from ledger.types import Clock, Day, Instant, Personal

CACHED_STREAMS = 200_000


def wall_clock() -> Instant:
    """The real time."""
    return time.time_ns() // 1_000_000_000


class Door:
    """One log, behind one queue."""

    def __init__(self, log: Log, clock: Clock = wall_clock, jobs: Sequence[Job] = JOBS) -> None:
        """Stand before an open log; `open` and `create` are the usual ways in."""
        self.log = log
        self.clock = clock
        self.codec = codec()
        self.keys = Keys(bytes.fromhex(log.setting(SECRET) or ""))
        self.vault = Vault(log)
        self.signer = Signer(log)
        self.engine = Engine(log, self.codec, self.keys, PROJECTIONS)
        cache = Cache(CACHED_STREAMS)
        working = Working(log, self.codec, self.keys, cache, self.vault)
        self._writer = Writer(log, working, clock)
        self.jobs = Jobs(self, jobs, self._writer.submit)

    def event(self, outcome: Outcome) -> Any:
        """The event that an outcome points at."""
        if (event := self.event_at_hand(outcome)) is not None:
            return event
        found = self.log.event(outcome.stream, outcome.version)
        assert found is not None, "an outcome points at an event"  # noqa: S101
        return self.codec.decode[found[0]](found[1])

    def event_at_hand(self, outcome: Outcome) -> Any | None:
        """The same where it was recorded here just now, without asking the store."""
        row = self._writer.latest.of(outcome.stream, outcome.version)
        return self.codec.decode[row.topic](row.state) if row else None

    def programme_at(self, at: Instant) -> Rules:
        """The programme in force at an instant.

        Raises:
            ProgrammeNotInForce.
        """
        return Rules(*cast("Programmes", self._state(PROGRAMME_STREAM)).at(at))

    @contextmanager
    def reading(self, *, catch_up: bool = True) -> Iterator[Reader]:
        """A reader of the reporting tables, brought up to the head of the log first, or as they are."""
        if catch_up:
            self.engine.catch_up()
        with self.log.transaction(commit=False) as cursor:
            yield Reader(self.engine.reports, cursor, self.engine.projections)

    def histories(self, cut: Cut) -> Histories:
        """What is kept of members, from rows and log; where rows are missing, from the log alone."""
        self.engine.catch_up()
        left_out = any(one.projection == RHYTHM.name for one in self.engine.parked())
        as_they_are = partial(self.reading, catch_up=False)
        return Histories(self.log, cut, None if left_out else as_they_are)

    def current_day(self) -> Day:
        """The day in the programme's zone."""
        now = self.clock()
        return local_day(now, self.programme_at(now).programme.time_zone)

    def end_of(self, day: Day) -> Instant:
        """The last instant of a day of the programme's zone."""
        return midnight(day + 1, self.programme_at(self.clock()).programme.time_zone) - 1

    def holder_of(self, card: str) -> bytes | None:
        """The member's stream of whoever holds a card; None where nobody does."""
        owner = self._state(self.keys.card(card))
        return bytes(owner.member) if owner and owner.member else None

    def _do(self, command: Command) -> Outcome:
        return cast("Outcome", self._writer.ask(command))

    def _state(self, stream: bytes) -> Any:
        """A stream's state as the log has it now."""
        return self._fresh().state(stream)

    def _fresh(self) -> Working:
        """A view of the log with nothing read yet."""
        return Working(self.log, self.codec, self.keys, Cache(1), self.vault)

    def _personal(self, stream: bytes, state: Member) -> Personal | None:
        if not self.vault.available:
            return None
        return personal_of(self._fresh(), stream, state)
