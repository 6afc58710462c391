"""Reading only what a report asks for, on PostgreSQL; see `sqlite_scans`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from ledger.store.log import Paged
from ledger.store.postgres_sql import COLUMNS

_BY_POSITION = (
    f"SELECT {COLUMNS} FROM {{schema}}.stored_events WHERE notification_id > %b"
    " AND notification_id <= %b {topics} ORDER BY notification_id LIMIT %b"
)
_IN_STREAMS = (
    f"SELECT {COLUMNS} FROM {{schema}}.stored_events"
    " WHERE (originator_id, originator_version) > (encode(%b, 'hex')::uuid, %b::integer)"
    " AND originator_id < encode(%b, 'hex')::uuid AND notification_id <= %b"
    " {topics} ORDER BY originator_id, originator_version"
)
_BY_STREAM = f"{_IN_STREAMS} LIMIT %b"
# Near a range's end the planner would rather read the whole table once more and sort it.
_IN_ORDER = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_sort', 'off', true)"
)
# In the order of streams every row lies elsewhere, and fetching its block costs more than all else
# that is done for it. So the table is read as it lies, and the server sorts, on disk where it must.
_SORTED = (
    "SELECT set_config('enable_indexscan', 'off', true), set_config('work_mem', '32MB', true),"
    " set_config('cursor_tuple_fraction', '1', true), set_config('jit', 'off', true)"
)


class PostgresScans:
    """The readings."""

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

    def in_streams(
        self, after: tuple[bytes, int], until: bytes, upto: int, topics: Sequence[str], size: int
    ) -> Iterator[list[Paged]]:
        """See `Log`; one statement, whose result stays on the server."""
        stream, version = after
        low, high = stream.ljust(16, b"\0"), until.ljust(16, b"\0")
        values = (low, version, high, upto, *_named(topics))
        with self.transaction(commit=False) as cursor:
            cursor.execute(_SORTED)
            with cursor.connection.cursor("log", binary=True, row_factory=tuple_row) as found:
                found.execute(self._statement(_IN_STREAMS, topics), values)
                left = size
                while left == size:
                    rows = found.fetchmany(size)
                    left = len(rows)
                    yield rows
                    del rows  # while the next one is fetched

    def _in_order(
        self, query: str, bounds: tuple[object, ...], topics: Sequence[str], limit: int
    ) -> list[Paged]:
        values = (*bounds, *_named(topics), limit)
        with self.transaction(commit=False) as cursor:
            cursor.execute(_IN_ORDER)
            # Not prepared: it is planned for these very bounds.
            cursor.execute(self._statement(query, topics), values, prepare=False)
            rows: list[Paged] = cursor.fetchall()
            return rows

    def _statement(self, query: str, topics: Sequence[str]) -> Composed:
        named = SQL("AND topic = ANY (%b::text[])" if topics else "")
        return SQL(query).format(schema=Identifier(self.datastore.schema), topics=named)


def _named(topics: Sequence[str]) -> list[list[str]]:
    return [list(topics)] if topics else []
