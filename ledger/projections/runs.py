"""What is known of an unfinished rebuild, so that another process can go on with it.

A rebuild is a *run* over *parts* of the log; each part's cursor moves in the transaction that
writes the rows. Whoever goes on with a run gives it a new number, and so shuts out everybody
who still works under the old one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ledger.errors import RebuildOvertaken
from ledger.projections.reports import Reports
from ledger.projections.schema import Projection

Place = tuple[bytes, int]


class Run(NamedTuple):
    """One rebuild: its number, the head it reads up to, and the places it builds in."""

    number: int
    head: int
    places: Mapping[str, str]


def new_number() -> int:
    """A number for a run; counted ones could come back to somebody who slept through a run."""
    return secrets.randbits(62) + 1


class Part(NamedTuple):
    """A part of the log: the last (stream, version) that is written, and whether that was all."""

    number: int
    after: Place
    done: bool


class Runs:
    """The two tables of unfinished rebuilds."""

    def __init__(self, reports: Reports) -> None:
        """Say it in the dialect of the reports."""
        self._runs = f"{reports.prefix}rebuild_run"
        self._parts = f"{reports.prefix}rebuild_part"
        self._reports = reports

    def make(self, cursor: Any) -> None:
        """Make the tables if they are missing."""
        text, number, key = (self._reports.types[name] for name in ("text", "int", "id"))
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self._runs} (projection {text} PRIMARY KEY,"
            f" run {number} NOT NULL, place {text} NOT NULL, shape {number} NOT NULL,"
            f" head {number} NOT NULL)"
        )
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self._parts} (run {number} NOT NULL,"
            f" part {number} NOT NULL, stream {key} NOT NULL, version {number} NOT NULL,"
            f" done {number} NOT NULL, PRIMARY KEY (run, part))"
        )

    def unfinished(
        self, cursor: Any, chosen: Sequence[Projection], places: Mapping[str, str]
    ) -> Run | None:
        """The run that built just these, in today's shapes and in these places."""
        self._reports.do(cursor, f"SELECT run, projection, place, shape, head FROM {self._runs}")
        found = cursor.fetchall()
        wanted = {(p.name, places[p.name], p.shape) for p in chosen}
        for number in {row[0] for row in found}:
            mine = [row for row in found if row[0] == number]
            if {row[1:4] for row in mine} == wanted and self.parts(cursor, number):
                return Run(number, mine[0][4], places)
        return None

    def take_over(self, cursor: Any, run: Run) -> Run:
        """Go on with a run under a new number."""
        number = new_number()
        for table in (self._parts, self._runs):
            self._reports.do(
                cursor, f"UPDATE {table} SET run = ? WHERE run = ?", number, run.number
            )
        return run._replace(number=number)

    def begin(self, cursor: Any, chosen: Sequence[Projection], run: Run) -> None:
        """Begin a run; whatever other run had to do with these projections ends."""
        for projection in chosen:
            self._reports.do(
                cursor, f"SELECT run FROM {self._runs} WHERE projection = ?", projection.name
            )
            for (old,) in cursor.fetchall():
                self.end(cursor, old)
            values = (projection.name, run.number, run.places[projection.name], projection.shape)
            self._reports.do(
                cursor, f"INSERT INTO {self._runs} VALUES (?, ?, ?, ?, ?)", *values, run.head
            )

    def plan(self, cursor: Any, run: Run, parts: Sequence[Part]) -> None:
        """Say what is to be read."""
        for number, (stream, version), _ in parts:
            row = (run.number, number, stream, version)
            self._reports.do(cursor, f"INSERT INTO {self._parts} VALUES (?, ?, ?, ?, 0)", *row)

    def end(self, cursor: Any, number: int) -> None:
        """Forget a run."""
        for table in (self._parts, self._runs):
            self._reports.do(cursor, f"DELETE FROM {table} WHERE run = ?", number)

    def check(self, cursor: Any, run: Run) -> None:
        """Make sure that nobody else began, or went on, after this run.

        Raises:
            RebuildOvertaken: somebody did.
        """
        self._reports.do(cursor, f"SELECT count(*) FROM {self._runs} WHERE run = ?", run.number)
        if cursor.fetchone()[0] != len(run.places):
            raise RebuildOvertaken(", ".join(f"`{name}`" for name in run.places))

    def hold(self, cursor: Any, run: Run) -> None:
        """The same, and keep it so until the transaction ends.

        Raises:
            RebuildOvertaken: somebody did.
        """
        self._reports.do(cursor, f"UPDATE {self._runs} SET run = run WHERE run = ?", run.number)
        if cursor.rowcount != len(run.places):
            raise RebuildOvertaken(", ".join(f"`{name}`" for name in run.places))

    def parts(self, cursor: Any, number: int) -> list[Part]:
        """The parts of a run and how far each has come."""
        self._reports.do(
            cursor,
            f"SELECT part, stream, version, done FROM {self._parts} WHERE run = ? ORDER BY part",
            number,
        )
        return [Part(part, (s, v), bool(done)) for part, s, v, done in cursor.fetchall()]

    def move(self, cursor: Any, number: int, before: Part, after: Part) -> bool:
        """Move a part's cursor; False where it is not where it was."""
        self._reports.do(
            cursor,
            f"UPDATE {self._parts} SET stream = ?, version = ?, done = ? WHERE run = ?"
            " AND part = ? AND stream = ? AND version = ? AND done = 0",
            *after.after, int(after.done), number, before.number, *before.after,
        )  # fmt: skip
        return bool(cursor.rowcount)

    def building(self, cursor: Any, projection: Projection, place: str) -> int:
        """The number of the run that builds a projection in a place; 0 where there is none."""
        self._reports.do(
            cursor, f"SELECT max(run) FROM {self._runs} WHERE projection = ? AND place = ?",
            projection.name, place,
        )  # fmt: skip
        return int(cursor.fetchone()[0] or 0)
