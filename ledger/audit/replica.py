"""The reporting tables, folded anew from the log into a scratch file of its own.

The scratch is always SQLite, whatever store is audited: an audit only reads the ledger, and
equal tables from another engine are the stronger proof.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ledger.audit.findings import Finding
from ledger.projections.folder import Folder
from ledger.projections.parking import without
from ledger.projections.reports import PLACES, Reports
from ledger.projections.schema import Projection, Table
from ledger.store.log import Log

PAGE = 5_000
CHUNK = 20_000
LONGEST = 200
Progress = Callable[[int], None]


class Replica:
    """A second, independent copy of the reporting tables."""

    def __init__(self, path: Path, projections: Sequence[Projection]) -> None:
        """Make empty tables in a scratch file; it need not survive anything."""
        self.projections = tuple(projections)
        self.reports = Reports(postgres=False)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self.cursor = self._connection.cursor()
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            self.cursor.execute(f"PRAGMA {pragma}")
        self.reports.make(self.cursor, self.projections)

    def fold(
        self, log: Log, folder: Folder, upto: dict[str, int],
        parked: Mapping[str, Mapping[bytes, int]], progress: Progress | None = None,
    ) -> None:  # fmt: skip
        """Fold the log, for each projection up to the position that the live one has reached.

        What the live one left out is left out here too: it is told of by itself.
        """
        after = 0
        while rows := log.page(after, PAGE):
            after = int(rows[-1][0])
            self.cursor.execute("BEGIN")
            for projection in self.projections:
                end = upto[projection.name]
                mine = rows if after <= end else [row for row in rows if row[0] <= end]
                if left_out := parked.get(projection.name):
                    mine = without(mine, left_out)
                if mine:
                    out = folder.fold([projection], mine, {projection.name: 0})[projection.name]
                    self.reports.write(self.cursor, projection, PLACES[0], out)
            self.cursor.execute("COMMIT")
            if progress:
                progress(len(rows))

    def rows(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        """The replica's rows in the order of the key."""
        return self.reports.scan(self.cursor, table, PLACES[0], digest=False, size=CHUNK)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def differences(
    table: Table,
    live: Iterator[list[tuple[Any, ...]]],
    replayed: Iterator[list[tuple[Any, ...]]],
) -> Iterator[Finding]:
    """The first row in which two tables differ, named by its key, column and member."""
    for ours, theirs in _pairs(live, replayed):
        if ours != theirs:
            yield _difference(table, ours, theirs)
            return


def _pairs(
    live: Iterator[list[tuple[Any, ...]]], replayed: Iterator[list[tuple[Any, ...]]]
) -> Iterator[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Chunks side by side; both stores give chunks of one size."""
    for ours in live:
        yield ours, next(replayed, [])
    for theirs in replayed:
        yield [], theirs


def _difference(
    table: Table, ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]
) -> Finding:
    for mine, their in zip(chain(ours, [None]), chain(theirs, [None]), strict=False):
        if mine != their:
            break
    key = table.key
    if mine is not None and their is not None and mine[:key] == their[:key]:
        index = next(i for i in range(len(mine)) if mine[i] != their[i])
        column = table.columns[index].name
        detail = f"{column} is {_shown(mine[index])}, the log says {_shown(their[index])}"
        return _named(table, mine, detail)
    if mine is not None and (their is None or _before(mine[:key], their[:key])):
        return _named(table, mine, "the log knows no such row")
    assert their is not None  # noqa: S101  they differ
    return _named(table, their, "the row is missing")


def _shown(value: Any) -> str:
    """A value, what is packed cut short."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}... ({len(value)} long)"


def _before(mine: tuple[Any, ...], their: tuple[Any, ...]) -> bool:
    try:
        return mine < their
    except TypeError:
        return True  # a key that is not of its column's type


def _named(table: Table, row: tuple[Any, ...], detail: str) -> Finding:
    key = ", ".join(
        f"{c.name} {v.hex() if isinstance(v, bytes) else v}"
        for c, v in zip(table.columns[: table.key], row, strict=False)
    )
    names = [c.name for c in table.columns]
    who = row[names.index("member_id")] if "member_id" in names else None
    member = who.hex() if isinstance(who, bytes) else ""
    return Finding("projection", f"{table.name} at {key}", detail, member)
