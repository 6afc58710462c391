"""What stands beside the log on PostgreSQL: snapshots, keys, settings, marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from psycopg.sql import SQL

from ledger.store import postgres_sql as sql
from ledger.store.log import Seen, Snapshot


class PostgresBeside:
    """The statements on what is not the log itself."""

    _schema: Any
    _cursor: Any
    _value: Any
    datastore: Any

    def put_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """See `Log`."""
        ordered = sorted(snapshots)  # one order for all writers, or they would wait in a circle
        with self._cursor() as cursor:
            cursor.execute(
                SQL(
                    "INSERT INTO {schema}.stored_snapshots AS s SELECT encode(u.s, 'hex')::uuid,"
                    " u.v, u.t, u.b FROM unnest(%b::bytea[], %b::int4[], %b::text[], %b::bytea[])"
                    " AS u(s, v, t, b) ON CONFLICT (originator_id) DO UPDATE SET"
                    " originator_version = excluded.originator_version, topic = excluded.topic,"
                    " state = excluded.state WHERE excluded.originator_version >"
                    " s.originator_version OR excluded.topic <> s.topic"
                ).format(schema=self._schema),
                [list(column) for column in zip(*ordered, strict=True)],
            )

    def snapshots(self, after: bytes, limit: int) -> list[Snapshot]:
        """See `Log`."""
        with self._cursor() as cursor:
            cursor.execute(
                SQL(
                    "SELECT uuid_send(originator_id), originator_version, topic, state"
                    " FROM {schema}.stored_snapshots"
                    " WHERE originator_id > encode(%b, 'hex')::uuid ORDER BY originator_id LIMIT %b"
                ).format(schema=self._schema),
                (after or bytes(16), limit),
            )
            return [Snapshot(*row) for row in cursor]

    def personal_key(self, stream: bytes) -> bytes | None:
        """See `Log`."""
        found = self._value(
            "SELECT key FROM {schema}.personal_keys WHERE originator_id = encode(%b, 'hex')::uuid",
            stream,
        )
        return cast("bytes | None", found)

    def born_on(self, days: Sequence[int], after: bytes, limit: int) -> list[bytes]:
        """See `Log`."""
        with self._cursor() as cursor:
            query = SQL(sql.BORN_ON).format(schema=self._schema)
            cursor.execute(query, (list(days), after or bytes(16), limit))
            return [row[0] for row in cursor]

    def setting(self, name: str) -> str | None:
        """See `Log`."""
        exists = self._value("SELECT to_regclass(%s)", f"{self.datastore.schema}.log_settings")
        if exists is None:
            return None
        return cast(
            "str | None",
            self._value("SELECT value FROM {schema}.log_settings WHERE name = %s", name),
        )

    def put_setting(self, name: str, value: str) -> None:
        """See `Log`."""
        with self._cursor() as cursor:
            cursor.execute(
                SQL("INSERT INTO {schema}.log_settings VALUES (%s, %s)").format(
                    schema=self._schema
                ),
                (name, value),
            )

    def mark(self, name: str) -> str | None:
        """See `Log`."""
        return cast("str | None", self._value(sql.MARK, name))

    def put_mark(self, name: str, value: str | None) -> None:
        """See `Log`."""
        with self._cursor() as cursor:
            if value is None:
                cursor.execute(SQL(sql.FORGET_MARK).format(schema=self._schema), (name,))
            else:
                cursor.execute(SQL(sql.PUT_MARK).format(schema=self._schema), (name, value))

    def put_seen(self, seen: Sequence[Seen]) -> None:
        """See `Log`."""
        columns = [list(column) for column in zip(*seen, strict=True)]
        with self._cursor() as cursor:
            cursor.execute(SQL(sql.PUT_SEEN).format(schema=self._schema), columns)

    def seen(self, after: int, limit: int) -> list[tuple[int, Seen]]:
        """See `Log`."""
        with self._cursor() as cursor:
            cursor.execute(SQL(sql.SEEN).format(schema=self._schema), (after, limit))
            return [(row[0], Seen(*row[1:])) for row in cursor]
