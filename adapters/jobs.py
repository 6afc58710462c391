"""APScheduler round the ledger's jobs: it only ticks, what is due the log knows.

Every process has its own scheduler with a memory store (a shared store would fire everything
once a process). It ticks more often than any job is due and runs what is due by then, so a
tick that is late, lost or doubled changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from threading import Event

from apscheduler.schedulers.background import BackgroundScheduler
from eventsourcing.persistence import PersistenceError

from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError
from ledger.jobs.runner import LEASE_S, Ran
from ledger.types import Instant

EVERY_S = 30
REST_S = 300
"""How long a job that failed is left alone."""


class Ticker:
    """What every tick does: run what is due, and give a job that failed a rest."""

    def __init__(
        self,
        ledger: LoyaltyLedger,
        stop: Event,
        *,
        names: Collection[str] = (),
        lease_s: int = LEASE_S,
        rest_s: int = REST_S,
        progress: Callable[[int], None] | None = None,
        tell: Callable[[Ran], None] = lambda _: None,
        complain: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`tell` hears what every tick did, `complain` what kept it from doing anything."""
        self._ledger = ledger
        self._stop = stop
        self._names = names
        self._lease_s = lease_s
        self._rest_s = rest_s
        self._progress = progress
        self._tell = tell
        self._complain = complain
        self._failed_at: dict[str, Instant] = {}

    def __call__(self) -> None:
        """Run what is due; a store that is away is tried again at the next tick."""
        now = self._ledger.clock()
        # Either way round: a clock that went back must not keep a job at rest.
        resting = {n for n, at in self._failed_at.items() if abs(now - at) < self._rest_s}
        try:
            ran = self._ledger.jobs.run(
                self._names, without=resting, lease_s=self._lease_s, stop=self._stop.is_set,
                progress=self._progress,
            )  # fmt: skip
        except (LedgerError, PersistenceError) as error:
            self._complain(str(error))
            return
        self._failed_at = {n: self._failed_at[n] for n in resting}
        self._failed_at |= {failure.job: now for failure in ran.failed}
        self._tell(ran)


def run_scheduler(tick: Callable[[], None], stop: Event, every_s: int = EVERY_S) -> None:
    """Tick until told to stop; a run that is under way ends after its chunk and lets go."""
    scheduler = BackgroundScheduler(timezone=dt.UTC)
    scheduler.add_job(
        tick, "interval", seconds=every_s, next_run_time=dt.datetime.now(dt.UTC),
        max_instances=1, coalesce=True, misfire_grace_time=None,
    )  # fmt: skip
    scheduler.start()
    try:
        stop.wait()
    finally:
        stop.set()
        scheduler.shutdown(wait=True)
