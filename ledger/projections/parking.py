"""What a report could not take: the member's stream is set aside from that event on, and said so.

The rest goes on. A stream that is set aside ("parked") is left out from the first event that the
report could not take to its end, so that what the report shows of the member is true as of then,
until it is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ledger.projections.reports import Reports
from ledger.store.log import Paged

REASON_CHARACTERS = 400


class Parked(NamedTuple):
    """A stream that a report left at an event, with the reason."""

    projection: str
    stream: bytes
    version: int
    position: int
    topic: str
    reason: str


def without(rows: Sequence[Paged], left_out: Mapping[bytes, int]) -> list[Paged]:
    """The rows, less those of streams that are left out from a version on."""
    return [row for row in rows if row[2] < left_out.get(row[1], row[2] + 1)]


class Parking:
    """The table of what is set aside, for each place of a projection."""

    def __init__(self, reports: Reports) -> None:
        """Say it in the dialect of the reports."""
        self._table = f"{reports.prefix}parked_stream"
        self._reports = reports

    def make(self, cursor: Any) -> None:
        """Make the table if it is missing."""
        text, number, key = (self._reports.types[name] for name in ("text", "int", "id"))
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table} (projection {text} NOT NULL,"
            f" place {text} NOT NULL, stream {key} NOT NULL, version {number} NOT NULL,"
            f" position {number} NOT NULL, topic {text} NOT NULL, reason {text} NOT NULL,"
            " PRIMARY KEY (projection, place, stream))"
        )

    def versions(self, cursor: Any, places: Mapping[str, str]) -> dict[str, dict[bytes, int]]:
        """By projection, the streams that are left out of a place, from which version on."""
        found: dict[str, dict[bytes, int]] = {}
        for one in self.parked(cursor, places):
            found.setdefault(one.projection, {})[one.stream] = one.version
        return found

    def parked(self, cursor: Any, places: Mapping[str, str]) -> list[Parked]:
        """What is left out of places, in the order of the log."""
        columns = "projection, stream, version, position, topic, reason, place"
        self._reports.do(
            cursor, f"SELECT {columns} FROM {self._table} ORDER BY position, projection"
        )
        return [Parked(*row[:-1]) for row in cursor.fetchall() if places.get(row[0]) == row[-1]]

    def park(self, cursor: Any, name: str, place: str, row: Paged, why: Exception) -> None:
        """Set a stream aside from an event on."""
        position, stream, version, topic = row[:4]
        # A database keeps no NUL in a text, and an error may quote what it could not take.
        reason = f"{type(why).__name__}: {why}".replace("\0", " ")[:REASON_CHARACTERS]
        self._reports.do(
            cursor, f"INSERT INTO {self._table} VALUES (?, ?, ?, ?, ?, ?, ?)",
            name, place, stream, version, position, topic, reason,
        )  # fmt: skip

    def release(self, cursor: Any, name: str, place: str, stream: bytes) -> None:
        """Take a stream back in."""
        self._reports.do(
            cursor, f"DELETE FROM {self._table} WHERE projection = ? AND place = ? AND stream = ?",
            name, place, stream,
        )  # fmt: skip

    def clear(self, cursor: Any, name: str, place: str) -> None:
        """A place is begun anew."""
        query = f"DELETE FROM {self._table} WHERE projection = ? AND place = ?"
        self._reports.do(cursor, query, name, place)
