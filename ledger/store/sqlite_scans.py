"""Reading only what a report asks for: by the log's order, or stream by stream.

Both read by keyset, up to a head that the reader fixes, so that a page costs the same wherever
it lies and what is appended meanwhile is not met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.store.log import Paged

_COLUMNS = "notification_id, originator_id, originator_version, topic, state, recorded_at"
_BY_POSITION = (
    f"SELECT {_COLUMNS} FROM stored_events WHERE notification_id > ? AND notification_id <= ?"
    " {topics} ORDER BY notification_id LIMIT ?"
)
_BY_STREAM = (
    f"SELECT {_COLUMNS} FROM stored_events WHERE (originator_id, originator_version) > (?, ?)"
    " AND originator_id < ? AND notification_id <= ? {topics}"
    " ORDER BY originator_id, originator_version LIMIT ?"
)
MAPPED_BYTES = 2**31 - 2**16
"""In the order of streams every row lies elsewhere in the file, soon beyond any page cache: mapped,
a page costs no copy. As much as SQLite allows."""
FEW = 8
"""Telling more topics apart costs more a row than reading the few rows that nobody asked for."""


class SQLiteScans:
    """The two readings."""

    transaction: Any

    def by_position(
        self, after: int, upto: int, topics: Sequence[str], limit: int
    ) -> list[Paged]:  # fmt: skip
        """See `Log`."""
        return self._read(_BY_POSITION, (after, upto), topics, limit)

    def by_stream(
        self, after: tuple[bytes, int], until: bytes, upto: int, topics: Sequence[str], limit: int
    ) -> list[Paged]:
        """See `Log`."""
        named = topics if len(topics) <= FEW else ()
        return self._read(_BY_STREAM, (*after, until, upto), named, limit)

    def in_streams(
        self, after: tuple[bytes, int], until: bytes, upto: int, topics: Sequence[str], size: int
    ) -> Iterator[list[Paged]]:
        """See `Log`; page by page, as a reading that lasts would keep the write-ahead log long."""
        rows = self.by_stream(after, until, upto, topics, size)
        while len(rows) == size:
            after = (rows[-1][1], rows[-1][2])
            yield rows
            rows = self.by_stream(after, until, upto, topics, size)
        yield rows

    def _read(
        self, query: str, bounds: tuple[object, ...], topics: Sequence[str], limit: int
    ) -> list[Paged]:
        named = f"AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        with self.transaction(commit=False) as cursor:
            cursor.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
            cursor.execute(query.format(topics=named), (*bounds, *topics, limit))
            rows: list[Paged] = cursor.fetchall()
            return rows
