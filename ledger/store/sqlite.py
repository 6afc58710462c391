"""The log on one SQLite file: write-ahead logging, and each commit on disk before its answer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Condition
from typing import Any, cast
from uuid import UUID

from eventsourcing import sqlite as library
from eventsourcing.persistence import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
    Tracking,
)

from ledger.store import sqlite_sql as sql
from ledger.store.keys import RECEIPT
from ledger.store.leaf import leaf_hash
from ledger.store.log import (
    CHANGES_TOLD,
    DESTROYED,
    Claimed,
    Kept,
    Loaded,
    Row,
    Stored,
    row_of,
)
from ledger.store.sqlite_beside import SQLiteBeside
from ledger.store.sqlite_scans import SQLiteScans

LOCK_TIMEOUT_SECONDS = 60
STATEMENTS = 256
"""Kept by a connection, ready to run: to read and plan one takes longer than to run most of them."""
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",  # a destroyed key must be gone
    "cache_size=-65536",
    "wal_autocheckpoint=4000",  # pages, 16 MB: rows that are written again are copied once
)
MAX_VARIABLES = 512
"""Streams looked up in one statement, a power of two; old builds of SQLite take 999 variables."""


class Pool(library.SQLiteConnectionPool):
    """Connections on which an acknowledged commit survives a power cut."""

    def _create_connection(self) -> library.SQLiteConnection:
        """As the library does, whose connections keep one statement: `True` is a number there."""
        try:
            connection = sqlite3.connect(
                self.db_name,
                uri=True,
                check_same_thread=False,
                isolation_level=None,
                cached_statements=STATEMENTS,
                timeout=LOCK_TIMEOUT_SECONDS,
            )
        except sqlite3.Error as error:
            raise InterfaceError(str(error)) from error
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.DatabaseError as error:
            raise DatabaseError(str(error)) from error
        connection.row_factory = sqlite3.Row
        return library.SQLiteConnection(sqlite_conn=connection, max_age=self.max_age)


class Datastore(library.SQLiteDatastore):
    """The library's datastore over our pool."""

    def __init__(self, db_name: str, **kwargs: Any) -> None:
        super().__init__(db_name, **kwargs)
        self.pool.close()
        self.pool = Pool(
            db_name=db_name, lock_timeout=LOCK_TIMEOUT_SECONDS, pool_timeout=LOCK_TIMEOUT_SECONDS
        )


class SQLiteLog(SQLiteScans, SQLiteBeside, library.SQLiteProcessRecorder):
    """The library's process recorder with leaf hashes, ordered ids and batch statements."""

    is_postgres = False
    db = ""
    away = (sqlite3.OperationalError,)

    def __init__(self, datastore: library.SQLiteDatastore, **kwargs: Any) -> None:
        """Nobody uses it yet."""
        super().__init__(datastore, **kwargs)
        self._idle = Condition()
        self._busy = 0
        self._closed = False

    def construct_create_table_statements(self) -> list[str]:
        """Our tables, then the library's tracking table."""
        tracking = [s for s in super().construct_create_table_statements() if "tracking" in s]
        return [*sql.TABLES, *tracking]

    def append(
        self,
        rows: Sequence[Row],
        written_at: int,
        kept: Sequence[Kept] = (),
    ) -> int:
        """Append in one immediate transaction; see `Log`."""
        with self.transaction(commit=True) as cursor:
            first = self._append(cursor, rows, written_at, kept)
        if any(one.key == DESTROYED for one in kept):
            self._empty_wal()
        return first

    def _empty_wal(self) -> None:
        """What was destroyed still stands in older pages of the write-ahead file: empty it.

        Readers may hold it back; then the next one does it.
        """
        with self._in_use(), self.datastore.get_connection(commit=False) as connection:
            connection.cursor().sqlite_cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _append(
        self,
        cursor: sqlite3.Cursor,
        rows: Sequence[Row],
        written_at: int,
        kept: Sequence[Kept] = (),
    ) -> int:
        for one in kept:
            if one.key == DESTROYED:
                cursor.execute("DELETE FROM personal_keys WHERE originator_id = ?", one[:1])
            else:
                cursor.execute(sql.KEEP, one)
        first = _head(cursor) + 1
        cursor.executemany(sql.INSERT, _numbered(first, rows, written_at))
        return first

    def load(self, streams: Sequence[bytes], shape: str, since: int) -> Loaded:
        """Read in one transaction; see `Log`."""
        with self.transaction(commit=False) as cursor:
            head = _head(cursor)
            changed = _changed(cursor, since) if head - since <= CHANGES_TOLD else None
            found = Loaded(head, changed, [], [], [])
            for start in range(0, len(streams), MAX_VARIABLES):
                _load_some(cursor, streams[start : start + MAX_VARIABLES], shape, found)
            return found

    def turn(self) -> AbstractContextManager[None]:
        """See `Log`; the file's lock is waited for by chance, and no better courtesy is known."""
        return nullcontext()

    def event(self, stream: bytes, version: int) -> tuple[str, bytes] | None:
        """See `Log`."""
        with self.transaction(commit=False) as cursor:
            row = cursor.execute(
                "SELECT topic, state FROM stored_events"
                " WHERE originator_id = ? AND originator_version = ?",
                (stream, version),
            ).fetchone()
            return cast("tuple[str, bytes] | None", row)

    def read(self, after: int, limit: int) -> list[Stored]:
        """See `Log`."""
        with self.transaction(commit=False) as cursor:
            return [Stored(*row) for row in cursor.execute(sql.READ, (after, limit))]

    def page(
        self, after: int, limit: int, cursor: Any = None
    ) -> list[tuple[int, bytes, int, str, bytes, int]]:
        """See `Log`."""
        with nullcontext(cursor) if cursor else self.transaction(commit=False) as reading:
            rows: list[tuple[int, bytes, int, str, bytes, int]] = reading.execute(
                sql.PAGE, (after, limit)
            ).fetchall()
            return rows

    def streams(
        self, kind: int, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, int, str, bytes]]:
        """See `Log`."""
        with self.transaction(commit=False) as cursor:
            return cursor.execute(
                "SELECT originator_id, originator_version, notification_id, topic, state"
                " FROM stored_events WHERE (originator_id, originator_version) > (?, ?)"
                " AND originator_id < ? ORDER BY originator_id, originator_version LIMIT ?",
                (*after, bytes([kind + 1]), limit),
            ).fetchall()

    def broken_streams(self, limit: int) -> list[bytes]:
        """See `Log`."""
        with self.transaction(commit=False) as cursor:
            return [row[0] for row in cursor.execute(sql.BROKEN, (limit,))]

    def receipts(self, after: bytes, limit: int) -> list[bytes]:
        """See `Log`."""
        query = (
            f"SELECT {sql.BEGUN} FROM stored_events WHERE ({sql.BEGINS}) AND {sql.BEGUN} > ?"
            " ORDER BY 1 LIMIT ?"
        )
        with self.transaction(commit=False) as cursor:
            return [row[0] for row in cursor.execute(query, (after, limit))]

    def head(self) -> int:
        """See `Log`."""
        with self.transaction(commit=False) as cursor:
            return _head(cursor)

    def renew(self) -> None:
        """See `Log`."""
        if self._value(sql.HAS_COLUMN, "claims") is None:
            with self.transaction(commit=True) as cursor:
                if cursor.execute(sql.HAS_COLUMN, ("claims",)).fetchone() is None:
                    cursor.execute("ALTER TABLE stored_events ADD COLUMN claims BLOB")
                    cursor.execute(sql.BEGINS_INDEX)
        if self._value(sql.HAS_TABLE, "access_log") is None:
            with self.transaction(commit=True) as cursor:
                cursor.execute(sql.ACCESS_LOG)

    def _value(self, query: str, parameter: object) -> Any:
        with self.transaction(commit=False) as cursor:
            row = cursor.execute(query, (parameter,)).fetchone()
            return row[0] if row else None

    def bytes_used(self) -> int:
        """See `Log`; pages in use, by SQLite's own page statistics where they are built in."""
        with self.transaction(commit=False) as cursor:
            row = cursor.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'stored_events%'"
            ).fetchone()
            return int(row[0])

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[sqlite3.Cursor]:
        """One transaction, as a cursor that gives tuples; errors as the library's."""
        with self._in_use(), self.datastore.get_connection(commit=commit) as connection:
            cursor = connection.cursor().sqlite_cursor
            cursor.row_factory = None
            try:
                cursor.execute("BEGIN IMMEDIATE" if commit else "BEGIN")
                try:
                    yield cursor
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit() if commit else connection.rollback()
            except sqlite3.IntegrityError as error:
                raise IntegrityError(str(error)) from error
            except sqlite3.OperationalError as error:
                raise OperationalError(str(error)) from error
            except sqlite3.DatabaseError as error:
                raise DatabaseError(str(error)) from error
            finally:
                cursor.close()

    def track(self, cursor: Any, names: Sequence[str], position: int) -> None:
        """See `Log`."""
        for name in names:
            self._insert_tracking(cursor, Tracking(name, position))

    def untrack(self, cursor: Any, name: str) -> None:
        """See `Log`."""
        cursor.execute("DELETE FROM tracking WHERE application_name = ?", (name,))

    def tracked(self, cursor: Any) -> dict[str, int]:
        """See `Log`."""
        cursor.execute("SELECT application_name, notification_id FROM tracking")
        return dict(cursor.fetchall())

    def close(self) -> None:
        """Close every connection, once nobody is reading or writing on it any more."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: not self._busy)
        self.datastore.close()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Closing a connection under another thread's statement would end the process."""
        with self._idle:
            if self._closed:
                msg = "the log is closed"
                raise OperationalError(msg)
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    # What the library itself calls: the same table through its own types.

    def _insert_events(
        self, c: library.SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        now = time.time_ns() // 1000
        rows = [row_of(event, now // 1_000_000) for event in stored_events]
        first = self._append(c.sqlite_cursor, rows, now)
        tracking: Tracking | None = kwargs.get("tracking")
        if tracking is not None:
            self._insert_tracking(c, tracking)
        return list(range(first, first + len(rows)))

    def convert_originator_id(self, originator_id: str | bytes) -> UUID | str:
        """The library's id from the stored bytes."""
        assert isinstance(originator_id, bytes)  # noqa: S101  our column is a BLOB
        if self.datastore.originator_id_type == "text":
            return originator_id.decode()
        return UUID(bytes=originator_id)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The library's read of one stream."""
        stream = originator_id.encode() if isinstance(originator_id, str) else originator_id.bytes
        query = (
            "SELECT originator_version, topic, state FROM stored_events WHERE originator_id = ?"
            " AND originator_version > ? AND originator_version <= ?"
            f" ORDER BY originator_version {'DESC' if desc else 'ASC'} LIMIT ?"
        )
        bounds = (stream, gt or 0, _MAX if lte is None else lte, -1 if limit is None else limit)
        with self.transaction(commit=False) as cursor:
            return [StoredEvent(originator_id, *row) for row in cursor.execute(query, bounds)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The library's read of the log."""
        after = (start or 0) - (1 if inclusive_of_start and start else 0)
        named = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        query = (
            "SELECT originator_id, originator_version, topic, state, notification_id"
            f" FROM stored_events WHERE notification_id > ? AND notification_id <= ?{named}"
            " ORDER BY notification_id LIMIT ?"
        )
        bounds = (after, _MAX if stop is None else stop, *topics, limit)
        with self.transaction(commit=False) as cursor:
            return [
                Notification(self.convert_originator_id(stream), *rest)
                for stream, *rest in cursor.execute(query, bounds)
            ]


class Factory(library.SQLiteFactory):
    """The library's factory with our datastore and recorder; `SQLITE_DBNAME` names the file."""

    process_recorder_class = SQLiteLog
    application_recorder_class: type[library.SQLiteApplicationRecorder] = SQLiteLog

    def __init__(self, env: Any) -> None:
        """Open the file that the environment names."""
        super().__init__(env)
        self.datastore.close()
        self.datastore = Datastore(self.datastore.pool.db_name)


_MAX = 2**63 - 1


def _head(cursor: sqlite3.Cursor) -> int:
    return int(
        cursor.execute("SELECT coalesce(max(notification_id), 0) FROM stored_events").fetchone()[0]
    )


def _numbered(first: int, rows: Sequence[Row], written_at: int) -> Iterator[tuple[object, ...]]:
    """Rows with their place in the log and their leaf hash, in the order of the columns."""
    for index, row in enumerate(rows, first):
        stream, version, topic, state, recorded_at, claims = row
        leaf = leaf_hash(
            index, stream, version, topic.encode(), recorded_at, written_at, state, claims
        )
        yield index, stream, version, topic, recorded_at, written_at, leaf, state, claims or None


def _filled(streams: Sequence[bytes]) -> list[bytes | None]:
    """Streams and as many of none as make it a power of two.

    A statement that the connection knows already is not read and planned again, which takes longer
    than to look a few streams up; and there are few numbers of streams.
    """
    size = len(streams)
    return [*streams, *[None] * ((1 << (size - 1).bit_length()) - size)] if size else []


def _changed(cursor: sqlite3.Cursor, since: int) -> list[tuple[bytes, int]]:
    return cursor.execute(
        "SELECT originator_id, originator_version FROM stored_events WHERE notification_id > ?",
        (since,),
    ).fetchall()


def _load_some(cursor: sqlite3.Cursor, some: Sequence[bytes], shape: str, found: Loaded) -> None:
    streams = _filled(some)
    marks = ",".join("?" * len(streams))
    found.snapshots.extend(
        cursor.execute(
            "SELECT originator_id, originator_version, state FROM stored_snapshots"
            f" WHERE topic = ? AND originator_id IN ({marks})",
            (shape, *streams),
        )
    )
    found.events.extend(
        cursor.execute(
            # Streams first, so that each is read from its snapshot on and never from its beginning.
            f"WITH w(id) AS (VALUES {','.join(['(?)'] * len(streams))})"
            " SELECT e.originator_id, e.originator_version, e.topic, e.state"
            " FROM w CROSS JOIN stored_events e ON e.originator_id = w.id"
            " AND e.originator_version > coalesce((SELECT s.originator_version"
            " FROM stored_snapshots s WHERE s.originator_id = w.id AND s.topic = ?), 0)"
            " ORDER BY 1, 2",
            (*streams, shape),
        )
    )
    if receipts := _filled([stream for stream in some if stream[0] == RECEIPT]):
        found.claims.extend(
            Claimed(*row)
            for row in cursor.execute(
                f"WITH w(id) AS (VALUES {','.join(['(?)'] * len(receipts))})"
                " SELECT w.id, e.originator_id, e.originator_version, e.topic, e.state"
                f" FROM w CROSS JOIN stored_events e ON {sql.BEGUN} = w.id"
                " AND e.claims IS NOT NULL",
                receipts,
            )
        )
