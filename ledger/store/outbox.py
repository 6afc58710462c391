"""What is kept of endpoints that the log is sent to: beside the log, in the same database.

An endpoint is a row, not an event: it says nothing about points, its secret must be able to go, and
its place in the log moves with every batch. The tables are made by the first endpoint. Only what was
put aside has rows of its own; everything else waits in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ledger.errors import StoreUnavailable
from ledger.store.log import Log
from ledger.types import Instant

ACTIVE, PAUSED, DISABLED = "active", "paused", "disabled"
WAITING, BEHIND, DEAD = "waiting", "behind", "dead"
_LOCK = int.from_bytes(b"ll-relay")


class Endpoint(NamedTuple):
    """Where events are sent, and how far that came. `secrets` is JSON; `topics` empty: all of them."""

    id: str
    """Of this registration: another one of the same name has another."""
    name: str
    url: str
    topics: tuple[str, ...]
    subject: str
    allowed: tuple[str, ...]
    """What its URL may be beyond public https: `http`, `private`."""
    secrets: str
    state: str
    reason: str
    position: int
    """Everything up to here was delivered or put aside."""
    rest_until: Instant
    tried_at: Instant
    failures: int
    """In a row, up to now."""
    delivered: int
    failed: int
    answer: str
    """What it answered the last time that it took nothing."""


class Aside(NamedTuple):
    """An event that was put aside for an endpoint.

    *Waiting* is tried when `due`, *behind* once the one before it in its stream is settled, *dead* no
    more.
    """

    position: int
    stream: bytes
    state: str
    tries: int
    due: Instant
    since: Instant
    answer: str


class Replay(NamedTuple):
    """A part of the log that is sent again: after `position`, up to `until`."""

    number: int
    position: int
    until: int


class Batch(NamedTuple):
    """What became of a batch; kept all or not at all."""

    before: Endpoint
    endpoint: Endpoint
    """With its figures after the batch."""
    replay: Replay | None = None
    aside: Sequence[Aside] = ()
    delivered: Sequence[int] = ()
    settled: Sequence[bytes] = ()
    """Streams in which one that others wait for was delivered, or is dead."""
    awake: bool = False
    """It answers again after a time in which it did not: whoever waits is tried now."""


class Outbox:
    """The endpoints of one log."""

    def __init__(self, log: Log) -> None:
        """Look at nothing yet."""
        self._log = log
        self._prefix = "loyalty." if log.is_postgres else ""
        self._mark = "%s" if log.is_postgres else "?"

    # --- endpoints -------------------------------------------------------------------------

    def endpoints(self) -> list[Endpoint]:
        """All of them, by name."""
        if not self._made():
            return []
        with self._log.transaction(commit=False) as cursor:
            rows = self._do(cursor, f"SELECT {_COLUMNS} FROM ~endpoints ORDER BY name").fetchall()
        return [_endpoint(row) for row in rows]

    def endpoint(self, of: str) -> Endpoint | None:
        """One as it is now, by its id; None where it was removed."""
        with self._log.transaction(commit=False) as cursor:
            row = self._do(cursor, f"SELECT {_COLUMNS} FROM ~endpoints WHERE id = ?", of).fetchone()
        return row and _endpoint(row)

    def add(self, endpoint: Endpoint) -> bool:
        """Keep a new one; False where its name is taken."""
        self._make()
        row = [*endpoint]
        row[3], row[5] = " ".join(endpoint.topics), " ".join(endpoint.allowed)
        marks = ",".join("?" * len(row))
        with self._log.transaction(commit=True) as cursor:
            query = f"INSERT INTO ~endpoints VALUES ({marks}) ON CONFLICT DO NOTHING"
            return bool(self._do(cursor, query, *row).rowcount)

    def remove(self, of: str) -> None:
        """Forget one, with all that waits for it."""
        with self._log.transaction(commit=True) as cursor:
            # The endpoint first: a relay that keeps a batch holds its row, and then finds it gone.
            self._do(cursor, "DELETE FROM ~endpoints WHERE id = ?", of)
            self._do(cursor, "DELETE FROM ~replays WHERE endpoint = ?", of)
            self._do(cursor, "DELETE FROM ~aside WHERE endpoint = ?", of)

    def put_state(self, of: str, state: str, reason: str) -> None:
        """Let it go on, or not; who lets it go on forgets that it failed, and that it asked for rest."""
        query = "UPDATE ~endpoints SET state = ?, reason = ? WHERE id = ?"
        with self._log.transaction(commit=True) as cursor:
            self._do(cursor, query, state, reason, of)
            if state == ACTIVE:
                query = "UPDATE ~endpoints SET failures = 0, rest_until = 0 WHERE id = ?"
                self._do(cursor, query, of)

    def put_secrets(self, of: str, secrets: str) -> None:
        """Sign with these from now on."""
        with self._log.transaction(commit=True) as cursor:
            self._do(cursor, "UPDATE ~endpoints SET secrets = ? WHERE id = ?", secrets, of)

    # --- sending again ---------------------------------------------------------------------

    def add_replay(self, of: str, after: int, until: int) -> None:
        """Send a part of the log again, once those before it are done."""
        query = (
            "INSERT INTO ~replays SELECT ?, coalesce(max(number), 0) + 1, CAST(? AS bigint),"
            " CAST(? AS bigint) FROM ~replays WHERE endpoint = ?"
        )
        with self._log.transaction(commit=True) as cursor:
            self._do(cursor, query, of, after, until, of)

    def replays(self, of: str) -> list[Replay]:
        """What is still to be sent again, the first asked for first."""
        query = "SELECT number, position, until FROM ~replays WHERE endpoint = ? ORDER BY number"
        with self._log.transaction(commit=False) as cursor:
            return [Replay(*row) for row in self._do(cursor, query, of).fetchall()]

    # --- what was put aside ----------------------------------------------------------------

    def due(self, of: str, now: Instant, limit: int) -> list[Aside]:
        """Those that wait and are due, the longest due first."""
        return self._aside("state = 'waiting' AND due <= ? ORDER BY due, position", of, now, limit)

    def oldest(self, of: str) -> list[Aside]:
        """The first in the log of those that wait; none, or one."""
        return self._aside("state = 'waiting' AND position > ? ORDER BY position", of, 0, 1)

    def dead(self, of: str, after: int, limit: int) -> list[Aside]:
        """Dead letters after a position, in order."""
        return self._aside("state = 'dead' AND position > ? ORDER BY position", of, after, limit)

    def in_the_way(
        self, of: str, streams: Sequence[bytes], positions: Sequence[int]
    ) -> tuple[set[bytes], set[int]]:
        """Which of these streams have events that wait, and which of these events do."""
        query = (
            "SELECT DISTINCT {} FROM ~aside WHERE endpoint = ? AND state <> 'dead' AND {} IN ({})"
        )
        with self._log.transaction(commit=False) as cursor:

            def found(column: str, values: Sequence[Any]) -> set[Any]:
                if not values:
                    return set()
                asked = query.format(column, column, ",".join("?" * len(values)))
                return {row[0] for row in self._do(cursor, asked, of, *values).fetchall()}

            return found("stream", streams), found("position", positions)

    def counts(self, of: str) -> dict[str, int]:
        """How many are aside, by their state."""
        query = "SELECT state, count(*) FROM ~aside WHERE endpoint = ? GROUP BY state"
        with self._log.transaction(commit=False) as cursor:
            return {WAITING: 0, BEHIND: 0, DEAD: 0} | dict(self._do(cursor, query, of).fetchall())

    def retry(self, of: str, now: Instant) -> int:
        """Dead letters wait again, as if they had not been tried; how many."""
        query = (
            "UPDATE ~aside SET state = 'waiting', tries = 0, due = ?"
            " WHERE endpoint = ? AND state = 'dead'"
        )
        with self._log.transaction(commit=True) as cursor:
            return int(self._do(cursor, query, now, of).rowcount)

    def keep(self, batch: Batch, now: Instant) -> bool:
        """Keep what became of a batch; False where the endpoint is gone, or another relay was at it.

        Who lost its turn unawares must not add to what its follower has kept: of two batches from one
        place the first is kept, and what the other sent comes again.
        """
        one, before = batch.endpoint, batch.before
        query = (
            "UPDATE ~endpoints SET position = ?, rest_until = ?, tried_at = ?, failures = ?,"
            " delivered = ?, failed = ?, answer = ?"
            " WHERE id = ? AND position = ? AND delivered = ? AND failed = ?"
        )
        with self._log.transaction(commit=True) as cursor:
            kept = self._do(
                cursor, query, one.position, one.rest_until, one.tried_at, one.failures,
                one.delivered, one.failed, one.answer, one.id,
                before.position, before.delivered, before.failed,
            )  # fmt: skip
            if not kept.rowcount:
                return False
            if one.state == DISABLED:
                query = "UPDATE ~endpoints SET state = ?, reason = ? WHERE id = ?"
                self._do(cursor, query, one.state, one.reason, one.id)
            self._replayed(cursor, one.id, batch.replay)
            self._put(cursor, one.id, batch, now)
        return True

    def _replayed(self, cursor: Any, of: str, replay: Replay | None) -> None:
        if replay is None:
            return
        if replay.position >= replay.until:
            query = "DELETE FROM ~replays WHERE endpoint = ? AND number = ?"
            self._do(cursor, query, of, replay.number)
        else:
            query = "UPDATE ~replays SET position = ? WHERE endpoint = ? AND number = ?"
            self._do(cursor, query, replay.position, of, replay.number)

    def _put(self, cursor: Any, of: str, batch: Batch, now: Instant) -> None:
        for aside in batch.aside:
            self._do(
                cursor,
                "INSERT INTO ~aside VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (endpoint, position)"
                " DO UPDATE SET state = excluded.state, tries = excluded.tries,"
                " due = excluded.due, answer = excluded.answer",
                of, *aside,
            )  # fmt: skip
        for position in batch.delivered:
            self._do(cursor, "DELETE FROM ~aside WHERE endpoint = ? AND position = ?", of, position)
        if batch.awake:
            query = "UPDATE ~aside SET due = ? WHERE endpoint = ? AND state = 'waiting' AND due > ?"
            self._do(cursor, query, now, of, now)
        for stream in batch.settled:
            # After the rest: the next one may have been put behind by this very batch.
            self._do(
                cursor,
                "UPDATE ~aside SET state = 'waiting', due = ? WHERE endpoint = ?"
                " AND state = 'behind' AND position = (SELECT min(position) FROM ~aside"
                " WHERE endpoint = ? AND stream = ? AND state <> 'dead')",
                now, of, of, stream,
            )  # fmt: skip

    def _aside(self, where: str, of: str, bound: int, limit: int) -> list[Aside]:
        query = (
            "SELECT position, stream, state, tries, due, since, answer FROM ~aside"
            f" WHERE endpoint = ? AND {where} LIMIT ?"
        )
        with self._log.transaction(commit=False) as cursor:
            return [Aside(*row) for row in self._do(cursor, query, of, bound, limit).fetchall()]

    # --- tables ----------------------------------------------------------------------------

    def _do(self, cursor: Any, query: str, *values: object) -> Any:
        """Run a statement in which `?` stands for a value and `~` before a table of ours."""
        query = query.replace("~", f"{self._prefix}relay_").replace("?", self._mark)
        cursor.execute(query, values)
        return cursor

    def _made(self) -> bool:
        asked = (
            "SELECT to_regclass(?)::text" if self._log.is_postgres
            else "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
        )  # fmt: skip
        with self._log.transaction(commit=False) as cursor:
            row = self._do(cursor, asked, f"{self._prefix}relay_endpoints").fetchone()
        return row is not None and row[0] is not None

    def _make(self) -> None:
        if self._made():
            return
        number, raw = ("bigint", "bytea") if self._log.is_postgres else ("INTEGER", "BLOB")
        with self._log.transaction(commit=True) as cursor:
            if self._log.is_postgres:  # two that make them at once would meet in the catalogue
                self._do(cursor, "SELECT pg_advisory_xact_lock(?)", _LOCK + 1)
            for table in _TABLES:
                self._do(cursor, table.format(number=number, raw=raw))


class Turn:
    """The turn of the one relay that sends: held until it ends, however it ends.

    A lock of the store, not a row with an end: one that was killed is followed at once, and no two
    clocks have to agree.
    """

    def __init__(self, log: Any) -> None:
        """Hold nothing yet."""
        self._log = log
        self._connection: Any = None

    def take(self) -> bool:
        """Take it, or say that another has it."""
        held = self._on_postgres() if self._log.is_postgres else self._on_sqlite()
        if not held:
            self.leave()
        return held

    def held(self) -> bool:
        """Whether it is still held: a connection can be lost, and the lock with it."""
        if self._connection is None or not self._log.is_postgres:
            return self._connection is not None
        import psycopg  # noqa: PLC0415  only PostgreSQL comes here

        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self.leave()
            return False
        return True

    def leave(self) -> None:
        """Let another have it, at once: a server notices later that a connection is closed."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._log.is_postgres:
            import psycopg  # noqa: PLC0415  only PostgreSQL comes here

            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock_all()")
        connection.close()

    def _on_postgres(self) -> bool:
        import psycopg  # noqa: PLC0415

        try:
            given = {**self._log.datastore.pool.kwargs, "row_factory": psycopg.rows.tuple_row}
            self._connection = psycopg.connect(**given, autocommit=True)
            # So that the server notices within a minute where a machine is gone without a word.
            for name, value in (("idle", 30), ("interval", 10), ("count", 3)):
                self._connection.execute(f"SET tcp_keepalives_{name} = {value}")
            found = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
            return bool(found.fetchone()[0])
        except psycopg.Error as error:
            self.leave()
            raise StoreUnavailable(str(error)) from error

    def _on_sqlite(self) -> bool:
        import sqlite3  # noqa: PLC0415

        try:
            self._connection = sqlite3.connect(
                f"{self._log.db}-relay", timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return False
            self.leave()
            raise StoreUnavailable(f"{self._log.db}-relay: {error}") from error
        return True


def at(log: Log, position: int) -> tuple[int, bytes, int, str, bytes, Instant] | None:
    """The event at a position."""
    rows = log.page(position - 1, 1)
    return rows[0] if rows and rows[0][0] == position else None


def _endpoint(row: Sequence[Any]) -> Endpoint:
    told = Endpoint._make(row)
    return told._replace(topics=tuple(row[3].split()), allowed=tuple(row[5].split()))


_COLUMNS = ", ".join(Endpoint._fields)
_TABLES = (
    "CREATE TABLE IF NOT EXISTS ~endpoints (id text PRIMARY KEY, name text NOT NULL UNIQUE,"
    " url text NOT NULL, topics text NOT NULL, subject text NOT NULL, allowed text NOT NULL,"
    " secrets text NOT NULL, state text NOT NULL, reason text NOT NULL, position {number} NOT NULL,"
    " rest_until {number} NOT NULL, tried_at {number} NOT NULL, failures {number} NOT NULL,"
    " delivered {number} NOT NULL, failed {number} NOT NULL, answer text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ~replays (endpoint text NOT NULL, number {number} NOT NULL,"
    " position {number} NOT NULL, until {number} NOT NULL, PRIMARY KEY (endpoint, number))",
    "CREATE TABLE IF NOT EXISTS ~aside (endpoint text NOT NULL, position {number} NOT NULL,"
    " stream {raw} NOT NULL, state text NOT NULL, tries {number} NOT NULL, due {number} NOT NULL,"
    " since {number} NOT NULL, answer text NOT NULL, PRIMARY KEY (endpoint, position))",
    "CREATE INDEX IF NOT EXISTS relay_aside_due ON ~aside (endpoint, state, due)",
    "CREATE INDEX IF NOT EXISTS relay_aside_stream ON ~aside (endpoint, stream, position)",
)
