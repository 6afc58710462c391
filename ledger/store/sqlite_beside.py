"""What stands beside the log on SQLite; see `postgres_beside`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ledger.store import sqlite_sql as sql
from ledger.store.log import Seen, Snapshot


class SQLiteBeside:
    """The statements on what is not the log itself."""

    transaction: Any
    _value: Any

    def put_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """See `Log`."""
        with self.transaction(commit=True) as cursor:
            cursor.executemany(
                "INSERT INTO stored_snapshots VALUES (?,?,?,?) ON CONFLICT (originator_id)"
                " DO UPDATE SET originator_version = excluded.originator_version,"
                " topic = excluded.topic, state = excluded.state"
                " WHERE excluded.originator_version > originator_version"
                " OR excluded.topic <> topic",
                snapshots,
            )

    def snapshots(self, after: bytes, limit: int) -> list[Snapshot]:
        """See `Log`."""
        with self.transaction(commit=False) as cursor:
            rows = cursor.execute(
                "SELECT originator_id, originator_version, topic, state FROM stored_snapshots"
                " WHERE originator_id > ? ORDER BY originator_id LIMIT ?",
                (after, limit),
            )
            return [Snapshot(*row) for row in rows]

    def personal_key(self, stream: bytes) -> bytes | None:
        """See `Log`."""
        found = self._value("SELECT key FROM personal_keys WHERE originator_id = ?", stream)
        return cast("bytes | None", found)

    def born_on(self, days: Sequence[int], after: bytes, limit: int) -> list[bytes]:
        """See `Log`."""
        query = (
            "SELECT originator_id FROM personal_keys WHERE birthday > 0"
            f" AND birthday IN ({','.join('?' * len(days))}) AND originator_id > ?"
            " ORDER BY originator_id LIMIT ?"
        )
        with self.transaction(commit=False) as cursor:
            return [row[0] for row in cursor.execute(query, (*days, after, limit))]

    def setting(self, name: str) -> str | None:
        """See `Log`."""
        if self._value(sql.HAS_TABLE, "log_settings") is None:
            return None
        found = self._value("SELECT value FROM log_settings WHERE name = ?", name)
        return cast("str | None", found)

    def put_setting(self, name: str, value: str) -> None:
        """See `Log`."""
        with self.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO log_settings VALUES (?,?)", (name, value))

    def mark(self, name: str) -> str | None:
        """See `Log`."""
        return cast("str | None", self._value("SELECT value FROM log_marks WHERE name = ?", name))

    def put_mark(self, name: str, value: str | None) -> None:
        """See `Log`."""
        with self.transaction(commit=True) as cursor:
            if value is None:
                cursor.execute("DELETE FROM log_marks WHERE name = ?", (name,))
            else:
                cursor.execute("INSERT OR REPLACE INTO log_marks VALUES (?,?)", (name, value))

    def put_seen(self, seen: Sequence[Seen]) -> None:
        """See `Log`."""
        with self.transaction(commit=True) as cursor:
            cursor.executemany("INSERT INTO access_log VALUES (NULL,?,?,?,?,?,?,?,?)", seen)

    def seen(self, after: int, limit: int) -> list[tuple[int, Seen]]:
        """See `Log`."""
        query = "SELECT * FROM access_log WHERE number > ? ORDER BY number LIMIT ?"
        with self.transaction(commit=False) as cursor:
            return [(row[0], Seen(*row[1:])) for row in cursor.execute(query, (after, limit))]
