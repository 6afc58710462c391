"""The reporting tables on either store: made, written, read in the order of their keys.

Each projection has two places, `a` and `b`: readers see the one that its status row points
to, a rebuild fills the other and then moves the pointer. Views under the plain names show
the live place, with instants and days as the database's own types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, groupby
from typing import Any

from ledger.projections.schema import Column, Patch, Projection, Said, Table
from ledger.store.postgres_binary import column as column_of

PLACES = ("a", "b")
_TYPES = {
    False: {
        "id": "BLOB", "int": "INTEGER", "text": "TEXT", "instant": "INTEGER", "day": "INTEGER",
        "packed": "BLOB",
    },
    True: {
        "id": "bytea", "int": "bigint", "text": 'text COLLATE "C"', "instant": "bigint",
        "day": "bigint", "packed": "bytea",
    },
}  # fmt: skip
_COPY_TYPES = {
    "id": "bytea", "int": "int8", "text": "text", "instant": "int8", "day": "int8",
    "packed": "bytea",
}  # fmt: skip
ROWS, LARGE_ROWS = 20_000, 500
"""In memory at a time; of tables with something packed, which is some thousand bytes."""

_scans = count()


class Reports:
    """Says everything about reporting tables in one database's SQL."""

    def __init__(self, *, postgres: bool) -> None:
        """Choose the dialect."""
        self.postgres = postgres
        self.mark = "%s" if postgres else "?"
        self.prefix = "reporting." if postgres else "reporting_"

    @property
    def types(self) -> Mapping[str, str]:
        """The database's type for each type of a column."""
        return _TYPES[self.postgres]

    def do(self, cursor: Any, query: str, *values: object) -> None:
        """Run a statement in which `?` stands for a value."""
        cursor.execute(query.replace("?", self.mark), values)

    def name(self, table: Table, place: str) -> str:
        """The table of a place."""
        return f"{self.prefix}{table.name}__{place}"

    # --- making ------------------------------------------------------------------------

    def make(self, cursor: Any, projections: Sequence[Projection]) -> None:
        """Make what is missing: the status table, both places, the views."""
        if self.postgres:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS reporting")
        text, number = self.types["text"], self.types["int"]
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self.prefix}projection_status (projection {text}"
            f" PRIMARY KEY, place {text} NOT NULL, shape {number} NOT NULL,"
            f" position {number} NOT NULL)"
        )
        for projection in projections:
            for place in PLACES:
                self.make_place(cursor, projection, place)
            for table in projection.tables:
                self._make_view(cursor, projection, table)
            cursor.execute(
                f"INSERT INTO {self.prefix}projection_status VALUES"
                f" ({self.mark}, 'a', {self.mark}, 0) ON CONFLICT (projection) DO NOTHING",
                (projection.name, projection.shape),
            )

    def exist(self, cursor: Any) -> bool:
        """Whether there are reporting tables at all."""
        if self.postgres:
            cursor.execute("SELECT to_regclass('reporting.projection_status')")
        else:
            cursor.execute(
                "SELECT max(name) FROM sqlite_schema WHERE name = 'reporting_projection_status'"
            )
        return cursor.fetchone()[0] is not None

    def make_place(self, cursor: Any, projection: Projection, place: str) -> None:
        """Make the tables of one place if they are missing."""
        for table in projection.tables:
            columns = ", ".join(self._column(table, index) for index in range(len(table.columns)))
            key = ", ".join(column.name for column in table.columns[: table.key])
            rowid = "" if self.postgres or table.long else " WITHOUT ROWID"
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {self.name(table, place)}"
                f" ({columns}, PRIMARY KEY ({key})){rowid}"
            )
            if table.also_by:
                name = f"{table.name}__{place}_by_{table.also_by[0]}"
                cursor.execute(
                    f"CREATE INDEX IF NOT EXISTS {name} ON {self.name(table, place)}"
                    f" ({', '.join(table.also_by)})"
                )

    def clear_place(self, cursor: Any, projection: Projection, place: str) -> None:
        """Make the tables of one place anew, empty and in today's shape."""
        for table in projection.tables:
            cursor.execute(f"DROP VIEW IF EXISTS {self.prefix}{table.name}")
            cursor.execute(f"DROP TABLE IF EXISTS {self.name(table, place)}")
        self.make_place(cursor, projection, place)

    def in_shape(self, cursor: Any, projection: Projection, place: str) -> bool:
        """Whether the tables of a place have the columns of today."""
        for table in projection.tables:
            cursor.execute(f"SELECT * FROM {self.name(table, place)} LIMIT 0")
            if [found[0] for found in cursor.description] != [c.name for c in table.columns]:
                return False
        return True

    def delete_some(
        self, cursor: Any, table: Table, place: str, limit: int, after: tuple[Any, ...] = ()
    ) -> tuple[Any, ...] | None:
        """Delete rows after a key, in its order; the last key, None where that were all.

        Each part begins where the last one ended: from the front, a part would first have to pass
        over all that were deleted before.
        """
        name, key = self.name(table, place), ", ".join(c.name for c in table.columns[: table.key])
        marks = ", ".join([self.mark] * table.key)
        since = f" WHERE ({key}) > ({marks})" if after else ""
        cursor.execute(
            f"SELECT {key} FROM {name}{since} ORDER BY {key} LIMIT 1 OFFSET {limit - 1}", after
        )
        last: tuple[Any, ...] | None = cursor.fetchone()
        upto = f"{' AND' if after else ' WHERE'} ({key}) <= ({marks})" if last else ""
        cursor.execute(f"DELETE FROM {name}{since}{upto}", (*after, *(last or ())))
        return last

    def show(self, cursor: Any, projection: Projection) -> None:
        """Make the views again after a place was cleared."""
        for table in projection.tables:
            self._make_view(cursor, projection, table)

    def _column(self, table: Table, index: int) -> str:
        column = table.columns[index]
        needed = " NOT NULL" if index < table.key else ""
        return f"{column.name} {self.types[column.type]}{needed}"

    def _make_view(self, cursor: Any, projection: Projection, table: Table) -> None:
        selects = [
            f"SELECT {', '.join(self._shown(c) for c in table.columns)}"
            f" FROM {self.name(table, place)} WHERE (SELECT place FROM"
            f" {self.prefix}projection_status WHERE projection = '{projection.name}') = '{place}'"
            for place in PLACES
        ]
        create = "CREATE OR REPLACE VIEW" if self.postgres else "CREATE VIEW IF NOT EXISTS"
        cursor.execute(f"{create} {self.prefix}{table.name} AS {' UNION ALL '.join(selects)}")
        if self.postgres:
            self._comment(cursor, table)

    def _shown(self, column: Column) -> str:
        name = column.name
        if column.type == "instant":
            seconds = f"to_timestamp({name})" if self.postgres else f"datetime({name}, 'unixepoch')"
            return f"{seconds} AS {name}"
        if column.type == "day":
            if self.postgres:
                return f"(DATE '1970-01-01' + {name}::integer) AS {name}"
            return f"date({name} * 86400, 'unixepoch') AS {name}"
        return name

    def _comment(self, cursor: Any, table: Table) -> None:
        view = f"{self.prefix}{table.name}"
        cursor.execute(f"COMMENT ON VIEW {view} IS '{_quoted(table.about)}'")
        for column in table.columns:
            about = _quoted(column.about)
            cursor.execute(f"COMMENT ON COLUMN {view}.{column.name} IS '{about}'")

    # --- status ------------------------------------------------------------------------

    def status(self, cursor: Any) -> dict[str, tuple[str, int, int]]:
        """Place, shape and position of each projection."""
        cursor.execute(
            f"SELECT projection, place, shape, position FROM {self.prefix}projection_status"
        )
        return {
            name: (place, shape, position) for name, place, shape, position in cursor.fetchall()
        }

    def set_status(self, cursor: Any, projection: Projection, place: str, position: int) -> None:
        """Point a projection's readers to a place."""
        m = self.mark
        cursor.execute(
            f"UPDATE {self.prefix}projection_status SET place = {m}, shape = {m}, position = {m}"
            f" WHERE projection = {m}",
            (place, projection.shape, position, projection.name),
        )

    def lock(self, cursor: Any) -> None:
        """One follower at a time; SQLite's writing transaction is that already."""
        if self.postgres:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('reporting', 0))")

    def lock_rebuilds(self, cursor: Any) -> None:
        """Nobody begins a rebuild meanwhile; followers go on, so it is taken before their lock."""
        if self.postgres:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('rebuilding', 0))")

    def leave_to_later(self, cursor: Any) -> None:
        """Commit without waiting for the disk, where the store can; a later commit that waits does."""
        if self.postgres:
            cursor.execute("SET LOCAL synchronous_commit = off")

    def advance(self, cursor: Any, places: Mapping[str, str], head: int) -> None:
        """Say how far projections have come, where readers see that place."""
        cursor.executemany(
            f"UPDATE {self.prefix}projection_status SET position = {self.mark}"
            f" WHERE projection = {self.mark} AND place = {self.mark}",
            [(head, name, place) for name, place in places.items()],
        )

    # --- writing -----------------------------------------------------------------------

    def write(self, cursor: Any, projection: Projection, place: str, said: Said) -> None:
        """Write what a batch says: facts and merged rows, then patches."""
        for table in projection.tables:
            if rows := said.rows[table.name]:
                (self._merge if table.merged else self._append)(cursor, table, place, rows)
        self._fold(cursor, projection, place, said, None)
        for _, patches in groupby(said.patches, key=_patch_form):
            self._patch(cursor, place, list(patches))

    def put(self, cursor: Any, projection: Projection, place: str, said: Said, cut: bytes) -> None:
        """Write finished rows of whole streams; only the stream `cut` may have rows already."""
        for table in projection.tables:
            rows = said.rows[table.name]
            if table.merged and (begun := [row for row in rows if row[0] == cut]):
                self._merge(cursor, table, place, begun)
                rows = [row for row in rows if row[0] != cut]
            if rows:
                self._append(cursor, table, place, rows)
        self._fold(cursor, projection, place, said, cut)
        for _, patches in groupby(said.patches, key=_patch_form):
            self._patch(cursor, place, list(patches))

    def _fold(
        self, cursor: Any, projection: Projection, place: str, said: Said, cut: bytes | None
    ) -> None:
        """Let a projection fold what it was told; with `cut`, only that stream can have rows."""
        if projection.folding is None or not said.told:
            return

        def found(table: Table, keys: Sequence[bytes]) -> dict[bytes, tuple[Any, ...]]:
            there = keys if cut is None else [key for key in keys if key == cut]
            return self._found(cursor, table, place, there)

        folded = projection.folding(said.told, found)
        for table in projection.tables:
            rows = folded.get(table.name, [])
            if changed := rows if cut is None else [row for row in rows if row[0] == cut]:
                self._replace(cursor, table, place, changed)
            if cut is not None and (new := [row for row in rows if row[0] != cut]):
                self._append(cursor, table, place, new)

    def _found(
        self, cursor: Any, table: Table, place: str, keys: Sequence[bytes]
    ) -> dict[bytes, tuple[Any, ...]]:
        """The rows of keys, as far as there are any."""
        query = f"SELECT * FROM {self.name(table, place)} WHERE {table.columns[0].name}"
        rows: list[tuple[Any, ...]] = []
        if self.postgres:
            if keys:
                cursor.execute(f"{query} = ANY(%b::bytea[])", (column_of("bytea", keys),))
                rows = cursor.fetchall()
        else:
            for at in range(0, len(keys), LARGE_ROWS):
                some = keys[at : at + LARGE_ROWS]
                cursor.execute(f"{query} IN ({','.join('?' * len(some))})", some)
                rows += cursor.fetchall()
        return {bytes(row[0]): row for row in rows}

    def _append(
        self, cursor: Any, table: Table, place: str, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        name = self.name(table, place)
        if not self.postgres:
            marks = ",".join("?" * len(table.columns))
            cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
            return
        with cursor.copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([_COPY_TYPES[column.type] for column in table.columns])
            for row in rows:
                copy.write_row(row)

    def _merge(
        self, cursor: Any, table: Table, place: str, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        name = self.name(table, place)
        key = ", ".join(column.name for column in table.columns[: table.key])
        sets = ", ".join(f"{c.name} = {self._joined(c, 't')}" for c in table.columns[table.key :])
        self._upsert(cursor, table, name, rows, f"ON CONFLICT ({key}) DO UPDATE SET {sets}")

    def _replace(
        self, cursor: Any, table: Table, place: str, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        key = ", ".join(column.name for column in table.columns[: table.key])
        sets = ", ".join(f"{c.name} = excluded.{c.name}" for c in table.columns[table.key :])
        conflict = f"ON CONFLICT ({key}) DO UPDATE SET {sets}"
        self._upsert(cursor, table, self.name(table, place), rows, conflict)

    def _upsert(
        self, cursor: Any, table: Table, name: str, rows: Sequence[tuple[Any, ...]], conflict: str
    ) -> None:
        rows = sorted(rows)  # a key is there once, so that it decides
        if not self.postgres:
            marks = ",".join("?" * len(table.columns))
            cursor.executemany(f"INSERT INTO {name} AS t VALUES ({marks}) {conflict}", rows)
            return
        types = [_COPY_TYPES[column.type] for column in table.columns]
        columns = list(map(column_of, types, zip(*rows, strict=True)))
        arrays = ", ".join(f"%b::{kind}[]" for kind in types)
        cursor.execute(
            f"INSERT INTO {name} AS t SELECT * FROM unnest({arrays}) {conflict}", columns
        )

    def _joined(self, column: Column, old: str) -> str:
        before, now = f"{old}.{column.name}", f"excluded.{column.name}"
        if column.merge == "add":
            return f"coalesce({before}, 0) + coalesce({now}, 0)"
        if column.merge == "last":
            return f"coalesce({now}, {before})"
        if self.postgres:
            return f"{'greatest' if column.merge == 'max' else 'least'}({before}, {now})"
        return f"coalesce({column.merge}({before}, {now}), {now}, {before})"

    def _patch(self, cursor: Any, place: str, patches: Sequence[Patch]) -> None:
        first = patches[0]
        m = self.mark
        sets = [f"{name} = {m}" for name in first.values]
        sets += [f"{name} = {name} + {m}" for name in first.adds]
        key = [f"{column.name} = {m}" for column in first.table.columns[: first.table.key]]
        cursor.executemany(
            f"UPDATE {self.name(first.table, place)} SET {', '.join(sets)}"
            f" WHERE {' AND '.join(key)}",
            [(*p.values.values(), *p.adds.values(), *p.key) for p in patches],
        )

    # --- reading -----------------------------------------------------------------------

    def join_whole_tables(self, cursor: Any) -> None:
        """Join what follows in this transaction table by table, not row by row.

        Of a column of which it has no figures yet, PostgreSQL expects one row where there are many,
        and would read the other table once for each of them.
        """
        if self.postgres:
            cursor.execute("SET LOCAL enable_nestloop = off")

    def scan(
        self, cursor: Any, table: Table, place: str, *, digest: bool = True, size: int = ROWS
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Chunks of rows in the order of the natural key; only the columns a digest counts."""
        if table.long:
            size = min(size, LARGE_ROWS)
        columns = [c.name for c in table.columns if c.digest or not digest]
        key = ", ".join(c.name for c in table.columns[: table.key])
        query = f"SELECT {', '.join(columns)} FROM {self.name(table, place)} ORDER BY {key}"
        yield from self.stream(cursor, query, size=size)

    def stream(
        self, cursor: Any, query: str, values: tuple[Any, ...] = (), *, size: int = ROWS
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Chunks of what a question finds, in bounded memory; `?` stands for a value."""
        if self.postgres:
            yield from _server_side(cursor, query.replace("?", "%s"), values, size)
            return
        rows = cursor.connection.cursor()  # its own, so that scans can run side by side
        rows.row_factory = None
        rows.execute(query, values)
        while chunk := rows.fetchmany(size):
            yield chunk


def _server_side(
    cursor: Any, query: str, values: tuple[Any, ...], size: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Chunks of a result that stays on the server."""
    from psycopg.rows import tuple_row  # noqa: PLC0415  only PostgreSQL comes here

    with cursor.connection.cursor(
        f"scan_{next(_scans)}", binary=True, row_factory=tuple_row
    ) as rows:
        rows.execute(query, values)
        while chunk := rows.fetchmany(size):
            yield chunk


def _patch_form(patch: Patch) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return patch.table.name, tuple(patch.values), tuple(patch.adds)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
