"""How a read model is declared: tables, columns, and one function an event.

A table is either *appended* to (facts: a row is written once, and rarely patched) or
*merged* into (a row gathers what many events say of one key, column by column).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from ledger.types import Instant

ColumnType = Literal["id", "int", "text", "instant", "day", "packed"]
Merge = Literal["add", "last", "max", "min"]


class Column(NamedTuple):
    """A column; `merge` says how a merged table joins an old value and a new one.

    `digest` is off for what may differ between two equal histories: positions and the
    ledger's time.
    """

    name: str
    type: ColumnType
    about: str
    merge: Merge = "last"
    digest: bool = True


class Table(NamedTuple):
    """A table of one grain; its first `key` columns are the natural key."""

    name: str
    about: str
    key: int
    columns: tuple[Column, ...]
    merged: bool = False
    also_by: tuple[str, ...] = ()
    """Columns that are looked up in this order too."""

    def place(self, column: str) -> int:
        """The index of a column."""
        return next(i for i, c in enumerate(self.columns) if c.name == column)

    @property
    def long(self) -> bool:
        """Whether rows can be long: one fetches fewer of them, and SQLite keeps them by number.

        What SQLite keeps by key goes to pages of its own beyond a quarter of a page, and is slow to
        write there.
        """
        return any(column.type == "packed" for column in self.columns)


class At(Struct, frozen=True, gc=False):
    """Where an event stands in the log; a Struct, as one is made for every event."""

    position: int
    stream: bytes
    version: int
    recorded_at: Instant


class Patch(NamedTuple):
    """A rare change of a fact: columns set, columns added to."""

    table: Table
    key: tuple[Any, ...]
    values: Mapping[str, Any]
    adds: Mapping[str, int]


class Said(NamedTuple):
    """What a batch of events comes to: rows by table, each key of a merged table once."""

    rows: Mapping[str, list[tuple[Any, ...]]]
    patches: Sequence[Patch]
    told: Sequence[tuple[bytes, list[Any]]] = ()
    """What is told of streams, in the order of the log, where a projection folds that itself."""


class Merged(dict[tuple[Any, ...], list[Any]]):
    """The rows of a merged table by key; one that is asked for and not there begins with zeros.

    They may be changed in place, which spares a call: for what is told of nearly every event.
    """

    def __init__(self, values: int) -> None:
        """Begin without rows; each will have so many values."""
        self._zeros = [0] * values

    def __missing__(self, key: tuple[Any, ...]) -> list[Any]:
        """Begin a row."""
        row = self[key] = self._zeros.copy()
        return row


class Out:
    """What a batch of events says to the tables of one projection."""

    def __init__(self, tables: tuple[Table, ...], receipt_id: Callable[[Any], bytes]) -> None:
        """Begin with nothing said; `receipt_id` gives the receipt stream of a scan."""
        self.receipt_id = receipt_id
        self.rows: dict[str, list[tuple[Any, ...]]] = {t.name: [] for t in tables if not t.merged}
        self.merged = {t.name: Merged(len(t.columns) - t.key) for t in tables if t.merged}
        self.patches: list[Patch] = []
        self.told: defaultdict[bytes, list[Any]] = defaultdict(list)
        """By stream, what `Projection.folding` is to take in; tuples of plain values."""
        self._joins = {t.name: [_JOIN[c.merge] for c in t.columns[t.key :]] for t in tables}

    def merge(self, table: Table, key: tuple[Any, ...], *values: Any) -> None:
        """Join values into the row of a key; None says nothing of a column."""
        rows = self.merged[table.name]
        old = rows.get(key)
        if old is None:
            rows[key] = list(values)
            return
        for index, join in enumerate(self._joins[table.name]):
            old[index] = join(old[index], values[index])

    def patch(
        self,
        table: Table,
        key: tuple[Any, ...],
        adds: Mapping[str, int] | None = None,
        **values: Any,
    ) -> None:
        """Change a fact that is written already, now or earlier."""
        self.patches.append(Patch(table, key, values, adds or {}))

    def said(self) -> Said:
        """All of it, as rows."""
        flat = {
            name: [(*key, *values) for key, values in rows.items()]
            for name, rows in self.merged.items()
        }
        return Said(self.rows | flat, self.patches, list(self.told.items()))


Fold = Callable[[At, Any, Out], None]
Found = Callable[[Table, Sequence[bytes]], dict[bytes, tuple[Any, ...]]]
"""Reads the rows of keys, as far as there are any."""
Folding = Callable[[Sequence[tuple[bytes, list[Any]]], Found], Mapping[str, list[tuple[Any, ...]]]]
"""From what is told of streams and the rows that are there: the rows as they are now, by table."""


class Projection(NamedTuple):
    """One read model. `shape` goes up with every change to its tables or folds."""

    name: str
    shape: int
    tables: tuple[Table, ...]
    folds: Mapping[type, Fold]
    kind: int = 0
    """The kind of stream whose events, each stream's by themselves, decide the rows that a rebuild
    can write stream by stream; 0 where the order of the log counts."""
    narrow: Mapping[type, type] = MappingProxyType({})
    """What to decode an event as, where a few of its fields are all that is asked for."""
    folding: Folding | None = None
    """Where rows follow neither from one event nor column by column: they are read, folded in
    memory, and written again. Keyed by the stream; however the log is cut, the rows are the same."""


def _last(old: Any, new: Any) -> Any:
    return old if new is None else new


def _add(old: Any, new: Any) -> Any:
    return (old or 0) + (new or 0)


def _max(old: Any, new: Any) -> Any:
    if old is None or new is None:
        return _last(old, new)
    return max(old, new)


def _min(old: Any, new: Any) -> Any:
    if old is None or new is None:
        return _last(old, new)
    return min(old, new)


_JOIN: Mapping[str, Callable[[Any, Any], Any]] = {
    "last": _last, "add": _add, "max": _max, "min": _min
}  # fmt: skip

POSITION = Column("position", "int", "position of the event in the log", digest=False)
RECORDED = Column("recorded_at", "instant", "the ledger's time of the event", digest=False)
