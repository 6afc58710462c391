"""Reading only what a report asks for, on PostgreSQL; see `sqlite_scans`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.sql import SQL, Identifier

from ledger.store.log import Paged
from ledger.store.postgres_sql import COLUMNS

_BY_POSITION = (
    f"SELECT {COLUMNS} FROM {{schema}}.stored_events WHERE notification_id > %b"
    " AND notification_id <= %b {topics} ORDER BY notification_id LIMIT %b"
)
_BY_STREAM = (
    f"SELECT {COLUMNS} FROM {{schema}}.stored_events"
    " WHERE (originator_id, originator_version) > (encode(%b, 'hex')::uuid, %b::integer)"
    " AND originator_id < encode(%b, 'hex')::uuid AND notification_id <= %b"
    " {topics} ORDER BY originator_id, originator_version LIMIT %b"
)
# Near a range's end the planner would rather read the whole table once more and sort it.
_IN_ORDER = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_sort', 'off', true)"
)


class PostgresScans:
    """The two readings."""

    transaction: Any
    datastore: Any

    def by_position(
        self, after: int, upto: int, topics: Sequence[str], limit: int
    ) -> list[Paged]:  # fmt: skip
        """See `Log`."""
        return self._in_order(_BY_POSITION, (after, upto), topics, limit)

    def by_stream(
        self, after: tuple[bytes, int], until: bytes, upto: int, topics: Sequence[str], limit: int
    ) -> list[Paged]:
        """See `Log`."""
        stream, version = after
        low, high = stream.ljust(16, b"\0"), until.ljust(16, b"\0")
        return self._in_order(_BY_STREAM, (low, version, high, upto), topics, limit)

    def _in_order(
        self, query: str, bounds: tuple[object, ...], topics: Sequence[str], limit: int
    ) -> list[Paged]:
        named = SQL("AND topic = ANY (%b::text[])" if topics else "")
        statement = SQL(query).format(schema=Identifier(self.datastore.schema), topics=named)
        values = (*bounds, list(topics), limit) if topics else (*bounds, limit)
        with self.transaction(commit=False) as cursor:
            cursor.execute(_IN_ORDER)
            cursor.execute(statement, values, prepare=False)  # planned for these very bounds
            rows: list[Paged] = cursor.fetchall()
            return rows
