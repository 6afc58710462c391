"""The tables of an export: the events as they are stored, and what they say flatly.

The rules are the projections' own folds. `movements` is what `fct_points_movement` gets of each
event; `lot_changes` is what `fct_lot` gets, one row a change instead of their sum.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.projections.balance import BALANCE, FCT_LOT, FCT_MEMBER_POINTS
from ledger.projections.folder import Folder
from ledger.projections.points import FCT_POINTS_MOVEMENT, POINTS
from ledger.projections.schema import (
    POSITION,
    At,
    Column,
    Fold,
    Merged,
    Out,
    Projection,
    Table,
)
from ledger.store.leaf import leaf_of
from ledger.store.log import Stored

EVENTS = Table(
    "events",
    "One row an event, as it is stored",
    1,
    (
        Column("position", "int", "place in the log and leaf index: from 1, without gaps"),
        Column("stream", "id", "the stream"),
        Column("version", "int", "counts the stream's events from 1"),
        Column("topic", "text", "kind of event"),
        Column("recorded_at", "int", "the ledger's time, epoch seconds"),
        Column("written_at", "int", "wall time, microseconds since the epoch"),
        Column("leaf_hash", "id", "SHA-256 over all the others"),
        Column("state", "id", "the stored bytes; personal fields in them are encrypted"),
        Column("claims", "id", "the receipt's stream, where it begins with this event"),
    ),
)
MOVEMENTS = FCT_POINTS_MOVEMENT._replace(name="movements")
LOT_CHANGES = Table(
    "lot_changes",
    "One row a change of a lot; their sum up to a position is what was left of it then",
    0,
    (
        *FCT_LOT.columns[: FCT_LOT.key],
        Column("points", "int", "signed: above zero comes to the lot"),
        POSITION,
    ),
)
TABLES: tuple[Table, ...] = (EVENTS, MOVEMENTS, LOT_CHANGES)
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


class _Begun(Merged):
    """Keeps no row, so that a fold begins one each time: what it makes of it is the change."""

    def __init__(self, table: Table) -> None:
        super().__init__(len(table.columns) - table.key)
        self.begun: list[tuple[tuple[Any, ...], list[Any]]] = []

    def __missing__(self, key: tuple[Any, ...]) -> list[Any]:
        values = self._zeros.copy()
        self.begun.append((key, values))
        return values


class _Changes(Out):
    """Takes down each change of a lot that a fold of the balances would add to its row."""

    def __init__(self, out: Out) -> None:
        super().__init__((), out.receipt_id)
        self.lots = _Begun(FCT_LOT)
        self.merged = {
            FCT_LOT.name: self.lots,
            FCT_MEMBER_POINTS.name: _Begun(FCT_MEMBER_POINTS),
        }


def _change(fold: Fold) -> Fold:
    def changed(at: At, event: Any, out: Out) -> None:
        changes = _Changes(out)
        fold(at, event, changes)
        out.rows[LOT_CHANGES.name] += [(*key, *values) for key, values in changes.lots.begun]

    return changed


_FLAT = (
    Projection("movements", POINTS.shape, (FCT_POINTS_MOVEMENT,), POINTS.folds),
    Projection(
        "lot_changes",
        BALANCE.shape,
        (LOT_CHANGES,),
        {event: _change(fold) for event, fold in BALANCE.folds.items()},
    ),
)
SHAPES = {projection.name: projection.shape for projection in _FLAT}
"""What the flat tables follow from; it goes up with every change of a fold."""


class Reader:
    """Reads the log a page at a time, as rows of the tables."""

    def __init__(self, ledger: LoyaltyLedger) -> None:
        """Read this ledger's log."""
        self._log = ledger.log
        self._folder = Folder(ledger.codec, ledger.keys)

    def page(self, after: int, count: int) -> Rows:
        """The rows of the next events.

        Raises:
            InputInvalid: the log is damaged.
        """
        stored = self._log.read(after, count)
        for position, row in enumerate(stored, after + 1):
            _intact(position, row)
        if len(stored) < count:
            raise _damaged(after + len(stored) + 1)
        events = [
            (r.position, r.stream, r.version, r.topic.decode(), r.state, r.recorded_at)
            for r in stored
        ]
        try:
            outs = self._folder.fold(_FLAT, events, dict.fromkeys(SHAPES, after))
        except (KeyError, msgspec.MsgspecError) as error:
            detail = f"An event after position {after} cannot be decoded: {error}."
            raise InputInvalid(detail, field="db") from error
        return {
            "events": [
                (r.position, r.stream, r.version, event[3], r.recorded_at, r.written_at, r.leaf,
                 r.state, r.claims) for r, event in zip(stored, events, strict=True)
            ],
            "movements": outs["movements"].rows[FCT_POINTS_MOVEMENT.name],
            "lot_changes": outs["lot_changes"].rows[LOT_CHANGES.name],
        }  # fmt: skip

    def leaf(self, position: int) -> str:
        """The leaf hash of an event in hex; nothing for position 0."""
        if not position:
            return ""
        (row,) = self._log.read(position - 1, 1)
        _intact(position, row)
        return row.leaf.hex()


def _intact(position: int, row: Stored) -> None:
    """Raise unless an event is the one that was written: an export must not spread damage."""
    try:
        leaf = leaf_of(row)
    except (struct.error, TypeError):
        leaf = b""
    if row.position != position or leaf != row.leaf:
        raise _damaged(position)


def _damaged(position: int) -> InputInvalid:
    detail = f"The log is damaged at position {position}; see `loyalty verify`."
    return InputInvalid(detail, field="db")


def arrow_table(pa: Any) -> Callable[[Table, Sequence[tuple[Any, ...]]], Any]:
    """A function that makes an Arrow table of rows; `pa` is pyarrow."""
    types = {"id": pa.binary(), "text": pa.string()}
    schemas = {
        table.name: pa.schema([(c.name, types.get(c.type, pa.int64())) for c in table.columns])
        for table in TABLES
    }

    def made(table: Table, rows: Sequence[tuple[Any, ...]]) -> Any:
        schema = schemas[table.name]
        columns = zip(*rows, strict=True) if rows else [()] * len(schema)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    return made
