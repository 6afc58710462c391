"""Following the log: the reporting tables are kept up to date until told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from eventsourcing.persistence import PersistenceError

from ledger.application.door import Door
from ledger.errors import LedgerError
from ledger.projections.parking import Parked
from ledger.store.bell import bell_of

POLL_MS = 1_000


class Lag(NamedTuple):
    """How far the reports have come; `seconds` is the age of the first event they lack."""

    position: int
    events: int
    seconds: int


class _Stopped(Exception):
    """In the middle of a long catching up, between two batches."""


class Following(Door):
    """Reports that follow by themselves."""

    def lag(self) -> Lag:
        """How far the reporting tables are behind the log."""
        position = min(status.position for status in self.engine.status())
        head = self.log.head()
        if not (first := self.log.read(position, 1)):
            return Lag(position, 0, 0)
        age = self.clock() - first[0].written_at // 1_000_000
        return Lag(position, head - position, max(0, age))

    def follow(
        self,
        stop: Callable[[], bool],
        *,
        poll_ms: int = POLL_MS,
        tell: Callable[[int], None] = lambda _: None,
        complain: Callable[[str], None] = lambda _: None,
        left_out: Callable[[Parked], None] = lambda _: None,
    ) -> None:
        """Keep the reporting tables up to date until `stop` says so.

        Several may follow one log: each batch is taken by one of them. `tell` hears how many
        events a batch had; `complain` what kept it from going on, which is tried again; `left_out`
        each stream that a report had to set aside, which `unpark` tries again.
        """
        known: set[Parked] = set()

        def took(events: int) -> None:
            tell(events)
            for one in self.engine.parked():
                if one not in known:
                    known.add(one)
                    left_out(one)
            if stop():
                raise _Stopped

        bell = bell_of(self.log)  # before the first look, so that nothing falls between
        try:
            while not stop():
                try:
                    self.engine.catch_up(took)
                except _Stopped:
                    return
                except (LedgerError, PersistenceError) as error:
                    complain(str(error))
                except Exception as bug:  # noqa: BLE001  a report that breaks must not end the rest
                    complain(f"{type(bug).__name__}: {bug}.")
                bell.wait(poll_ms)
        finally:
            bell.close()
