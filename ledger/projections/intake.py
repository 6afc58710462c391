"""Folding rows of the log and writing what they say, with what cannot be taken set aside.

Rows are taken together. Where that fails, it is tried again by halves, until the one event is
found that the report cannot take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from eventsourcing.persistence import InterfaceError, OperationalError

from ledger.errors import LedgerError, ReportBroken
from ledger.projections.folder import Folder
from ledger.projections.parking import Parking, without
from ledger.projections.reports import Reports
from ledger.projections.schema import Projection, Said
from ledger.store.log import Log, Paged

MOST = 1_000
"""Streams a report may leave out; with more it is the report that is broken, not what it is told."""
Answer = TypeVar("Answer")
Write = Callable[[Sequence[Paged], Said], None]


class Intake:
    """Takes rows into reports."""

    def __init__(self, log: Log, reports: Reports, folder: Folder) -> None:
        """Fold with the folder, write with the reports."""
        self.parking = Parking(reports)
        self._log, self._reports, self._folder = log, reports, folder

    def blames_an_event(self, error: Exception) -> bool:
        """Whether it can be what was told that is at fault, and not the store or the caller."""
        away = (LedgerError, OperationalError, InterfaceError, MemoryError, *self._log.away)
        return not isinstance(error, away)

    def in_doubt(self, step: Callable[..., Answer]) -> Answer:
        """Do a step and, where what it was told can be at fault, do it again carefully."""
        try:
            return step(carefully=False)
        except Exception as error:
            if not self.blames_an_event(error):
                raise
        return step(carefully=True)

    def take(
        self, cursor: Any, rows: Sequence[Paged], chosen: Sequence[Projection],
        places: Mapping[str, str], after: Mapping[str, int], *, carefully: bool,
    ) -> None:  # fmt: skip
        """Take rows into the places of projections, each as far as it has not heard them.

        Raises:
            ReportBroken: it would leave out too many streams.
            Exception: what a report cannot take, unless it is to be done `carefully`.
        """
        parked = self.parking.versions(cursor, places)
        if not parked and not carefully:
            said = self._folder.fold(chosen, rows, dict(after))
            for projection in chosen:
                name = projection.name
                self._reports.write(cursor, projection, places[name], said[name])
            return
        for projection in chosen:
            name = projection.name
            self.take_carefully(
                cursor, rows, projection, places[name], after[name], parked.get(name, {}),
                self.writing(cursor, projection, places[name]),
            )  # fmt: skip

    def writing(self, cursor: Any, projection: Projection, place: str) -> Write:
        """Writing what was said of rows to a place."""
        return lambda _, said: self._reports.write(cursor, projection, place, said)

    def take_carefully(
        self, cursor: Any, rows: Sequence[Paged], projection: Projection, place: str, after: int,
        parked: dict[bytes, int], write: Write,
    ) -> None:  # fmt: skip
        """Take rows into one place; what cannot be taken is added to what is `parked`.

        Raises:
            ReportBroken: it would leave out too many streams.
        """

        def some(rows: Sequence[Paged]) -> None:
            rows = without(rows, parked)
            if not rows:
                return
            try:
                with _tried(cursor):
                    said = self._folder.fold([projection], rows, {projection.name: after})
                    write(rows, said[projection.name])
            except Exception as error:
                if not self.blames_an_event(error):
                    raise
                if len(rows) > 1:
                    some(rows[: len(rows) // 2])
                    some(rows[len(rows) // 2 :])
                    return
                if len(parked) >= MOST:
                    msg = f"`{projection.name}` leaves {MOST} streams out already: {error}"
                    raise ReportBroken(msg) from error
                parked[rows[0][1]] = rows[0][2]
                self.parking.park(cursor, projection.name, place, rows[0], error)

        some(rows)


@contextmanager
def _tried(cursor: Any) -> Iterator[None]:
    """A part of a transaction that can fail alone."""
    cursor.execute("SAVEPOINT tried")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK TO SAVEPOINT tried")
        cursor.execute("RELEASE SAVEPOINT tried")
        raise
    cursor.execute("RELEASE SAVEPOINT tried")
