"""Access keys as they stand; of the keys themselves nothing is here."""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger import events as e
from ledger.projections.queries import Reader
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.types import Instant

DIM_ACCESS_KEY = Table(
    "dim_access_key",
    "One row an access key",
    1,
    (
        Column("id", "text", "what the key begins with"),
        Column("holder", "text", "whose it is"),
        Column("role", "text", "what it may do"),
        Column("stores", "text", "where, with blanks between; empty = everywhere"),
        Column("issued_at", "instant", "when it was given out"),
        Column("until", "instant", "from when on it is good for nothing; 0 = it does not end"),
        Column("reason", "text", "why it ended earlier"),
        Column("replaces", "text", "the key it was made in place of"),
        Column("position", "int", "position of the last event", digest=False),
    ),
    merged=True,
)


class AccessKeyRow(NamedTuple):
    """A key as the reports know it."""

    id: str
    holder: str
    role: str
    stores: str
    issued_at: Instant
    until: Instant
    reason: str
    replaces: str


def _issued(at: At, event: e.AccessKeyIssued, out: Out) -> None:
    out.merge(
        DIM_ACCESS_KEY, (event.id,), event.holder, event.role, " ".join(event.stores),
        event.captured_at, event.until, "", event.replaces, at.position,
    )  # fmt: skip


def _ended(at: At, event: e.AccessKeyEnded, out: Out) -> None:
    said: dict[str, Any] = {"until": event.at, "reason": event.reason}
    names = [column.name for column in DIM_ACCESS_KEY.columns[1:-1]]
    out.merge(DIM_ACCESS_KEY, (event.id,), *map(said.get, names), at.position)


def access_keys(reader: Reader) -> list[AccessKeyRow]:
    """All keys, the latest first."""
    query = (
        f"SELECT {', '.join(AccessKeyRow._fields)} FROM {reader.name(DIM_ACCESS_KEY)}"
        " ORDER BY issued_at DESC, id"
    )
    return [AccessKeyRow(*row) for row in reader.rows(query, ())]


ACCESS = Projection(
    "access", 1, (DIM_ACCESS_KEY,), {e.AccessKeyIssued: _issued, e.AccessKeyEnded: _ended}
)
