"""Where a dry run writes: a temporary database that nobody else can open and that ends with it.

It holds what the log held when the period began (side 0), and what each replay decides since.
Personal fields stay encrypted in it; their keys stay in the ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ledger.store.keys import MEMBER, RECEIPT
from ledger.store.log import Claimed, Loaded, Row, Snapshot

BEFORE, CURRENT, DRAFT = 0, 1, 2
"""The sides: what was recorded before, and the two replays."""
_TABLES = (
    "CREATE TABLE events (stream BLOB, side INTEGER, version INTEGER, topic TEXT, state BLOB,"
    " PRIMARY KEY (stream, side, version)) WITHOUT ROWID",
    "CREATE TABLE claims (claimed BLOB, side INTEGER, stream BLOB, version INTEGER,"
    " PRIMARY KEY (claimed, side)) WITHOUT ROWID",
    "CREATE TABLE snapshots (stream BLOB, side INTEGER, version INTEGER, state BLOB,"
    " PRIMARY KEY (stream, side)) WITHOUT ROWID",
)


class MemberEvent(NamedTuple):
    """An event of a member, and the side it is on."""

    stream: bytes
    side: int
    topic: str
    state: bytes


class Scratch:
    """The temporary database: SQLite unlinks its file as soon as it is open."""

    def __init__(self) -> None:
        """Make empty tables."""
        self._connection = sqlite3.connect("", isolation_level=None)
        self.cursor = self._connection.cursor()
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            self.cursor.execute(f"PRAGMA {pragma}")
        for table in _TABLES:
            self.cursor.execute(table)

    def append(self, side: int, rows: Sequence[Row]) -> None:
        """Add events."""
        if not rows:
            return
        self.cursor.execute("BEGIN")
        self.cursor.executemany(
            "INSERT INTO events VALUES (?1, ?5, ?2, ?3, ?4)", [(*row[:4], side) for row in rows]
        )
        self.cursor.executemany(
            "INSERT INTO claims VALUES (?, ?, ?, ?)",
            [(row.claims, side, row.stream, row.version) for row in rows if row.claims],
        )
        self.cursor.execute("COMMIT")

    def members(self) -> Iterator[MemberEvent]:
        """The events of all members: a member's together, side by side, in order."""
        rows = self._connection.execute(
            "SELECT stream, side, topic, state FROM events WHERE stream >= ? AND stream < ?"
            " ORDER BY stream, side, version",
            (bytes([MEMBER]), bytes([MEMBER + 1])),
        )
        return map(MemberEvent._make, rows)

    def close(self) -> None:
        """Let go of it; nothing of it is left."""
        self._connection.close()


class View:
    """One side and what lies before it, as far as deciding needs a log."""

    def __init__(self, scratch: Scratch, side: int) -> None:
        """Look at one side."""
        self._scratch = scratch
        self._cursor = scratch.cursor
        self._side = side

    def append(self, rows: Sequence[Row]) -> None:
        """Add what was decided."""
        self._scratch.append(self._side, rows)

    def load(self, streams: Sequence[bytes], _shape: str, _since: int) -> Loaded:
        """See `Log`."""
        found = Loaded(0, [], [], [], [])
        for stream in streams:
            after = 0
            if stream[0] == MEMBER and (snapshot := self._snapshot(stream)):
                found.snapshots.append((stream, *snapshot))
                after = snapshot[0]
            if stream[0] == RECEIPT:
                found.claims.extend(self._claims(stream))
            found.events.extend(self._events(stream, after))
        return found

    def event(self, stream: bytes, version: int) -> tuple[str, bytes] | None:
        """See `Log`."""
        found: tuple[str, bytes] | None = self._cursor.execute(
            "SELECT topic, state FROM events WHERE stream = ? AND side IN (0, ?) AND version = ?",
            (stream, self._side, version),
        ).fetchone()
        return found

    def put_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """See `Log`."""
        self._cursor.executemany(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)",
            [(s.stream, self._side, s.version, s.state) for s in snapshots],
        )

    def _snapshot(self, stream: bytes) -> tuple[int, bytes] | None:
        found: tuple[int, bytes] | None = self._cursor.execute(
            "SELECT version, state FROM snapshots WHERE stream = ? AND side = ?",
            (stream, self._side),
        ).fetchone()
        return found

    def _claims(self, stream: bytes) -> list[Claimed]:
        rows = self._cursor.execute(
            "SELECT c.claimed, c.stream, c.version, e.topic, e.state FROM claims c"
            " JOIN events e USING (stream, side, version) WHERE c.claimed = ? AND c.side IN (0, ?)",
            (stream, self._side),
        )
        return list(map(Claimed._make, rows))

    def _events(self, stream: bytes, after: int) -> list[Any]:
        return self._cursor.execute(
            "SELECT stream, version, topic, state FROM events WHERE stream = ?"
            " AND side IN (0, ?) AND version > ? ORDER BY side, version",
            (stream, self._side, after),
        ).fetchall()
