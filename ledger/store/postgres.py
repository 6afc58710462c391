"""The log on PostgreSQL: one function call appends a batch, under a lock that orders commits.

The function takes an advisory lock, reads the head, numbers the rows after it and inserts
them with their leaf hashes. In a volatile function each statement sees what was committed
before it began, so the head read under the lock is the true one: positions are dense, and
position order is commit order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing import postgres as library
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent, Tracking
from eventsourcing.utils import strtobool
from psycopg import Connection, Cursor, pq
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege, UndefinedColumn, UndefinedTable
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier, Literal

from ledger.errors import SettingRefused
from ledger.store import postgres_binary as binary
from ledger.store import postgres_lanes as lanes
from ledger.store import postgres_sql as sql
from ledger.store.keys import RECEIPT
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
from ledger.store.postgres_beside import PostgresBeside
from ledger.store.postgres_scans import PostgresScans

SCHEMA = "loyalty"
REPORTING = "reporting"
CHANNEL = "loyalty_events"
URL = "POSTGRES_URL"
TURN_WAIT_MS = 2_000
"""How long a process waits for its turn: another may have been stopped in the middle of its own."""

_APPENDED = (binary.UUID, binary.INT4, binary.TEXT, binary.INT8, binary.BYTEA, binary.UUID)
"""The types of the columns of rows to append."""


class _AsItIs(Dumper):
    """Passes on what is in the server's binary form already."""

    format = pq.Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


class Datastore(library.PostgresDatastore):
    """The library's datastore, with connections set up for appending."""

    def after_connect_func(self) -> Any:
        """Autocommit, durable commits, and the isolation that the append function relies on."""
        after = super().after_connect_func()

        def connected(connection: Connection[Any]) -> None:
            after(connection)
            connection.adapters.register_dumper(binary.Column, _AsItIs)
            connection.execute("SET default_transaction_isolation = 'read committed'")
            connection.execute("SET synchronous_commit = on")
            connection.execute("SET timezone = 'UTC'")
            # What goes over in binary form is not recoded: it is UTF-8, whatever the database is in.
            connection.execute("SET client_encoding = 'UTF8'")

        return connected


class PostgresLog(PostgresScans, PostgresBeside, library.PostgresProcessRecorder):
    """The library's process recorder with leaf hashes, dense positions and batch statements."""

    is_postgres = True
    db = ""
    away = (
        psycopg.OperationalError, psycopg.InterfaceError,
        UndefinedTable, UndefinedColumn, InsufficientPrivilege,
    )  # fmt: skip

    def __init__(self, datastore: library.PostgresDatastore, **kwargs: Any) -> None:
        """Replace the library's table of events by ours; keep its tracking table.

        The tables are the log's, whatever the application that opens it is called.
        """
        names = {"events_table_name": "stored_events", "tracking_table_name": "stored_tracking"}
        super().__init__(datastore, **{**kwargs, **names})
        schema = Identifier(datastore.schema)
        bounds = {
            "first_receipt": Literal(UUID(bytes=bytes([RECEIPT]).ljust(16, b"\0"))),
            "no_receipt": Literal(UUID(bytes=bytes([RECEIPT + 1]).ljust(16, b"\0"))),
        }
        tracking = [s for s in self.sql_create_statements if "tracking" in s.as_string()]
        ours = SQL(sql.TABLES).format(schema=schema, **bounds)
        scans = SQL(sql.INDEX_SCANS)
        function = SQL(sql.FUNCTION).format(
            schema=schema, channel=Literal(CHANNEL), index_scans=scans
        )
        load = SQL(sql.LOAD_FUNCTION).format(
            schema=schema, index_scans=scans, changes_told=Literal(CHANGES_TOLD), **bounds
        )
        self.sql_create_statements = [ours, function, load, *tracking]
        self._append_sql = SQL(sql.APPEND).format(schema=schema)
        self._page_sql = SQL(sql.PAGE).format(schema=schema)
        self._read_sql = SQL(sql.READ).format(schema=schema)
        self._streams_sql = SQL(sql.STREAMS).format(schema=schema)
        self._broken_sql = SQL(sql.BROKEN).format(schema=schema, **bounds)
        self._receipts_sql = SQL(sql.RECEIPTS).format(schema=schema, **bounds)
        self._schema = schema
        self._lanes = lanes.Lanes(
            datastore,
            {
                "append": lanes.Statement(
                    SQL(sql.APPEND_PREPARED).format(schema=schema).as_string(),
                    (binary.INT8, *map(binary.ARRAY_OF.__getitem__, _APPENDED), binary.INT8),
                ),
                "load": lanes.Statement(
                    SQL(sql.LOAD).format(schema=schema).as_string(),
                    (binary.ARRAY_OF[binary.BYTEA], binary.TEXT, binary.INT8),
                ),
            },
        )  # fmt: skip
        self._lock = int.from_bytes(datastore.schema.encode()[:7].ljust(7, b"."), "big")

    def append(
        self,
        rows: Sequence[Row],
        written_at: int,
        kept: Sequence[Kept] = (),
    ) -> int:
        """Append by one statement; with personal data, by one transaction. See `Log`."""
        if not kept:
            found = self._lanes.call(
                "append",
                (
                    binary.int8(self._lock),
                    binary.array(binary.UUID, [row.stream for row in rows]),
                    binary.int4s([row.version for row in rows]),
                    binary.texts([row.topic for row in rows]),
                    binary.int8s([row.recorded_at for row in rows]),
                    binary.array(binary.BYTEA, [row.state for row in rows]),
                    binary.array_or_null(binary.UUID, [row.claims or None for row in rows]),
                    binary.int8(written_at),
                ),
            )
            return binary.number(found.get_value(0, 0))
        stays = [one for one in kept if one.key != DESTROYED]
        gone = [one.stream.hex() for one in kept if one.key == DESTROYED]
        with self.transaction(commit=True) as cursor:
            cursor.execute(
                SQL(sql.KEEP).format(schema=self._schema),
                [list(c) for c in zip(*stays, strict=True)] or [[], [], []],
            )
            cursor.execute(SQL(sql.DESTROY).format(schema=self._schema), (gone,))
            return self._append(cursor, rows, written_at)

    def _append(self, cursor: Cursor[Any], rows: Sequence[Row], written_at: int) -> int:
        streams = [UUID(bytes=row.stream) for row in rows]
        versions, topics, states, recorded = ([row[i] for row in rows] for i in range(1, 5))
        claims = [UUID(bytes=row.claims) if row.claims else None for row in rows]
        cursor.execute(
            self._append_sql,
            (self._lock, streams, versions, topics, recorded, states, claims, written_at),
            prepare=True,
        )
        return int(_one(cursor)[0])

    def load(self, streams: Sequence[bytes], shape: str, since: int) -> Loaded:
        """Read by one statement, so everything is of one moment; see `Log`."""
        told = self._lanes.call(
            "load", (binary.array(binary.BYTEA, streams), shape.encode(), binary.int8(since))
        )
        value, number = told.get_value, binary.number
        head = number(value(0, 2))
        changed: list[tuple[bytes, int]] = []
        found = Loaded(head, changed if head - since <= CHANGES_TOLD else None, [], [], [])
        for row in range(1, told.ntuples):
            kind, stream, version = number(value(row, 0)), value(row, 1), number(value(row, 2))
            if kind == 1:
                found.snapshots.append((stream, version, value(row, 4)))
            elif kind == 2:
                changed.append((stream, version))
            elif kind == 3:
                topic, state = value(row, 3).decode(), value(row, 4)
                found.claims.append(Claimed(stream, value(row, 5), version, topic, state))
            else:
                found.events.append((stream, version, value(row, 3).decode(), value(row, 4)))
        return found

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See `Log`; a turn that is not got, or lost, must not fail what is done in it."""
        held = ExitStack()
        with suppress(PersistenceError):
            held.enter_context(self._turn())
        try:
            yield
        finally:
            with suppress(PersistenceError):
                held.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self.transaction(commit=True) as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{TURN_WAIT_MS}ms",))
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (self._lock + 1,))
            yield

    def event(self, stream: bytes, version: int) -> tuple[str, bytes] | None:
        """See `Log`."""
        with self._cursor() as cursor:
            cursor.execute(
                SQL(
                    "SELECT topic, state FROM {schema}.stored_events"
                    " WHERE originator_id = encode(%b, 'hex')::uuid AND originator_version = %b"
                ).format(schema=self._schema),
                (stream, version),
                prepare=True,
            )
            return cast("tuple[str, bytes] | None", cursor.fetchone())

    def read(self, after: int, limit: int) -> list[Stored]:
        """See `Log`."""
        with self._cursor() as cursor:
            cursor.execute(self._read_sql, (after, limit), prepare=True)
            return [Stored(*row) for row in cursor]

    def page(
        self, after: int, limit: int, cursor: Any = None
    ) -> list[tuple[int, bytes, int, str, bytes, int]]:
        """See `Log`."""
        with nullcontext(cursor) if cursor else self._cursor() as reading:
            rows: list[tuple[int, bytes, int, str, bytes, int]] = reading.execute(
                self._page_sql, (after, limit), prepare=True
            ).fetchall()
            return rows

    def streams(
        self, kind: int, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, int, str, bytes]]:
        """See `Log`."""
        stream, version = after
        with self._cursor() as cursor:
            return cursor.execute(
                self._streams_sql,
                (stream.ljust(16, b"\0"), version, bytes([kind + 1]).ljust(16, b"\0"), limit),
                prepare=True,
            ).fetchall()

    def broken_streams(self, limit: int) -> list[bytes]:
        """See `Log`."""
        with self._cursor() as cursor:
            return [row[0] for row in cursor.execute(self._broken_sql, (limit,))]

    def receipts(self, after: bytes, limit: int) -> list[bytes]:
        """See `Log`."""
        with self._cursor() as cursor:
            cursor.execute(self._receipts_sql, (after or bytes(16), limit))
            return [row[0] for row in cursor]

    def head(self) -> int:
        """See `Log`."""
        return int(self.max_notification_id() or 0)

    def renew(self) -> None:
        """See `Log`."""
        if self._value(sql.AS_NOW, "claims") is None:
            with self.transaction(commit=True) as cursor:
                cursor.connection.execute(SQL(sql.RENEW).format(schema=self._schema))
            self.create_table()

    def bytes_used(self) -> int:
        """See `Log`."""
        name = f"{self.datastore.schema}.stored_events"
        return int(self._value("SELECT pg_total_relation_size(%s::regclass)", name) or 0)

    def _value(self, query: Any, parameter: object) -> Any:
        with self._cursor() as cursor:
            cursor.execute(SQL(query).format(schema=self._schema), (parameter,))
            row = cursor.fetchone()
            return row[0] if row else None

    @contextmanager
    def _cursor(self) -> Iterator[Cursor[Any]]:
        with (
            self.datastore.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            yield cursor

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Cursor[Any]]:
        """One transaction, as a cursor that gives tuples; a reading one sees one moment."""
        with (
            self.datastore.get_connection() as connection,
            connection.transaction(force_rollback=not commit),
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            if not commit:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield cursor

    def track(self, cursor: Any, names: Sequence[str], position: int) -> None:
        """See `Log`; one way to the server and back for all."""
        cursor.executemany(
            self.insert_tracking_statement,
            [{"application_name": name, "notification_id": position} for name in names],
        )
        if cursor.rowcount != len(names):
            msg = f"{', '.join(names)} cannot go back to {position}"
            raise IntegrityError(msg)

    def untrack(self, cursor: Any, name: str) -> None:
        """See `Log`."""
        cursor.execute(
            SQL("DELETE FROM {schema}.{table} WHERE application_name = %s").format(
                schema=self._schema, table=Identifier(self.tracking_table_name)
            ),
            (name,),
        )

    def tracked(self, cursor: Any) -> dict[str, int]:
        """See `Log`."""
        cursor.execute(
            SQL("SELECT application_name, notification_id FROM {schema}.{table}").format(
                schema=self._schema, table=Identifier(self.tracking_table_name)
            )
        )
        return dict(cursor.fetchall())

    def close(self) -> None:
        """Close every connection."""
        self._lanes.close()
        self.datastore.close()

    # What the library itself calls.

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """The library's append, by the same function, with its tracking in one transaction."""
        now = time.time_ns() // 1000
        rows = [row_of(event, now // 1_000_000) for event in stored_events]
        tracking: Tracking | None = kwargs.get("tracking")
        with self.datastore.transaction(commit=True) as cursor:
            if tracking is not None:
                self._insert_tracking(cursor, tracking)
            if not rows:
                return []
            with cursor.connection.cursor(row_factory=tuple_row, binary=True) as ours:
                first = self._append(ours, rows, now)
            return list(range(first, first + len(rows)))


class Factory(library.PostgresFactory):
    """The library's factory with our datastore and recorder.

    Raises:
        SettingRefused: `POSTGRES_ENABLE_DB_FUNCTIONS` is set; it takes no lock, so followers
            would miss events.
    """

    process_recorder_class = PostgresLog
    application_recorder_class = PostgresLog

    def __init__(self, env: Any) -> None:
        """Look at the settings, then connect."""
        super().__init__(env)
        if strtobool(self.env.get(self.POSTGRES_ENABLE_DB_FUNCTIONS) or "no"):
            msg = "`POSTGRES_ENABLE_DB_FUNCTIONS` takes no lock, so followers would miss events."
            raise SettingRefused(msg, field=self.POSTGRES_ENABLE_DB_FUNCTIONS)
        self.datastore.close()
        self.datastore = Datastore(
            dbname=self.env.get(self.POSTGRES_DBNAME) or "",
            host=self.env.get(self.POSTGRES_HOST) or "",
            port=self.env.get(self.POSTGRES_PORT) or "5432",
            user=self.env.get(self.POSTGRES_USER) or "",
            password=self.env.get(self.POSTGRES_PASSWORD) or "",
            schema=self.env.get(self.POSTGRES_SCHEMA) or SCHEMA,
            pool_size=int(self.env.get(self.POSTGRES_POOL_SIZE) or 2),
            max_overflow=int(self.env.get(self.POSTGRES_MAX_OVERFLOW) or 8),
            connect_timeout=int(self.env.get(self.POSTGRES_CONNECT_TIMEOUT) or 10),
        )
        # What the library has no setting for (sslmode, options, ...) comes from the URL itself.
        given = cast("dict[str, Any]", self.datastore.pool.kwargs)
        self.datastore.pool.kwargs = given | conninfo_to_dict(self.env.get(URL) or "")


def environment(url: str) -> dict[str, str]:
    """The library's settings for a PostgreSQL URL.

    Raises:
        psycopg.ProgrammingError: it is no such URL.
    """
    parts = conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "ledger.store.postgres",
        "POSTGRES_DBNAME": str(parts.get("dbname") or parts.get("user") or "postgres"),
        "POSTGRES_HOST": str(parts.get("host") or ""),
        "POSTGRES_PORT": str(parts.get("port") or "5432"),
        "POSTGRES_USER": str(parts.get("user") or ""),
        "POSTGRES_PASSWORD": str(parts.get("password") or ""),
        "POSTGRES_SCHEMA": SCHEMA,
        URL: url,
    }


def _one(cursor: Cursor[Any]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  an aggregate and a function always answer
    return cast("tuple[Any, ...]", row)
