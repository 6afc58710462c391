"""The program that a good team would write by hand: a table of balances, and no event store.

Tables receipt, movement and balance. One transaction a receipt: the member's balance is locked,
the receipt's primary key is its natural key, so a repeat changes nothing, each line is a movement,
the balance is updated. It makes the same decision with the same policies. PostgreSQL is spoken to
in pipelines: one round trip to read, one to write and commit. With `lines=False` a receipt is one
movement, which keeps less than the ledger does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, LiteralString

import psycopg
from psycopg.rows import TupleRow

from bench.decision import Decided, Known, counted_on, decide
from ledger.programme import Programme
from ledger.types import Receipt

TABLES: LiteralString = """
CREATE TABLE receipt (
  id bigint GENERATED ALWAYS AS IDENTITY UNIQUE, store text, lane text, business_date date,
  number text, captured_at timestamptz NOT NULL, card text,
  PRIMARY KEY (store, lane, business_date, number)
);
CREATE TABLE movement (
  receipt bigint, line integer, card text, product text, category text, quantity integer,
  amount_minor bigint, points integer, activates_at bigint, expires_at bigint,
  PRIMARY KEY (receipt, line)
);
CREATE INDEX movement_of_card ON movement (card, expires_at);
CREATE TABLE balance (
  card text PRIMARY KEY, tier text NOT NULL DEFAULT '', tier_since bigint NOT NULL DEFAULT 0,
  tier_until bigint NOT NULL DEFAULT 0, receipts integer NOT NULL DEFAULT 0,
  points bigint NOT NULL DEFAULT 0, days integer[] NOT NULL DEFAULT '{}',
  qualifying bigint[] NOT NULL DEFAULT '{}'
);
"""
CLAIM: LiteralString = (
    "INSERT INTO receipt (store, lane, business_date, number, captured_at, card)"
    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id"
)
LOCKED: LiteralString = (
    "SELECT tier, tier_since, tier_until, receipts, points, days, qualifying"
    " FROM balance WHERE card = %s FOR UPDATE"
)
ENROL: LiteralString = "INSERT INTO balance (card) VALUES (%s) ON CONFLICT DO NOTHING"
MOVE: LiteralString = (
    "INSERT INTO movement SELECT %s, n, %s, p, c, q, a, g, %s, %s"
    " FROM unnest(%s::text[], %s::text[], %s::int4[], %s::int8[], %s::int4[])"
    " WITH ORDINALITY AS u(p, c, q, a, g, n)"
)
UPDATE: LiteralString = (
    "UPDATE balance SET tier = %s, tier_since = %s, tier_until = %s, receipts = receipts + 1,"
    " points = points + %s, days = %s, qualifying = %s WHERE card = %s"
)


def moved(receipt: Receipt, points: Sequence[int], *, lines: bool) -> list[list[Any]]:
    """Columns of the movements: product, category, quantity, amount, points."""
    rows = [
        (line.product, line.category, line.quantity, line.amount_minor, got)
        for line, got in zip(receipt.lines, points, strict=True)
    ]
    if not lines:
        rows = [("", "", len(rows), sum(row[3] for row in rows), sum(points))]
    return [list(column) for column in zip(*rows, strict=True)]


class Handwritten:
    """On PostgreSQL, a connection a caller."""

    def __init__(
        self, database: str, programme: Programme, callers: int, *, lines: bool = True,
        sharing: Handwritten | None = None,
    ) -> None:  # fmt: skip
        """Make the tables; `sharing` lends its connections, of which a server has 100."""
        self.programme, self.lines = programme, lines
        self._schema = "lines" if lines else "receipts"
        self._own = sharing is None
        self.connections: list[psycopg.Connection[TupleRow]] = (
            sharing.connections if sharing
            else [psycopg.connect(database, autocommit=True) for _ in range(callers)]
        )  # fmt: skip
        with self.connections[0].transaction():
            self.connections[0].execute(f"CREATE SCHEMA {self._schema}".encode())
            self.connections[0].execute(f"SET LOCAL search_path TO {self._schema}".encode())
            self.connections[0].execute(TABLES)
        names = {
            f" {name} ": f" {self._schema}.{name} " for name in ("receipt", "movement", "balance")
        }
        self._sql = [
            _renamed(query, names).encode() for query in (CLAIM, LOCKED, ENROL, MOVE, UPDATE)
        ]

    def caller(self, number: int) -> Callable[[Receipt], int]:
        """One caller, on its own connection."""
        connection = self.connections[number]
        return lambda receipt: self._record(connection, receipt)

    def points(self, answer: int) -> int:
        """The points of what a caller answered."""
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        if self._own:
            for connection in self.connections:
                connection.close()

    def recorded(self) -> int:
        """The receipts recorded."""
        row = self.connections[0].execute(f"SELECT count(*) FROM {self._schema}.receipt".encode())
        return int((row.fetchone() or (0,))[0])

    def _record(self, connection: psycopg.Connection[TupleRow], receipt: Receipt) -> int:
        """Two round trips; what psycopg calls a transaction would take more of them in a pipeline."""
        try:
            with connection.pipeline():
                connection.execute(b"BEGIN", prepare=True)
                total = self._in_transaction(connection, receipt)
                connection.execute(b"COMMIT", prepare=True)
        except BaseException:
            connection.rollback()
            raise
        return total

    def _in_transaction(self, connection: psycopg.Connection[TupleRow], receipt: Receipt) -> int:
        claim, locked, enrol, move, update = self._sql
        key = (receipt.store, receipt.lane, receipt.business_date, receipt.number)
        card = receipt.card
        found = connection.execute(locked, (card,), prepare=True) if card else None
        claimed = connection.execute(claim, (*key, receipt.captured_at, card), prepare=True)
        balance = found.fetchone() if found else None
        new = claimed.fetchone()
        if new is None:
            return 0
        if card and balance is None:
            connection.execute(enrol, (card,), prepare=True)
            balance = connection.execute(locked, (card,), prepare=True).fetchone()
        known = Known(*balance) if balance else Known()
        got = decide(self.programme, receipt, known) if card else None
        columns = moved(receipt, got.points if got else [0] * len(receipt.lines), lines=self.lines)
        lot = (got.activates_at, got.expires_at) if got else (None, None)
        connection.execute(move, (new[0], card, *lot, *columns), prepare=True)
        if got:
            connection.execute(update, (*changed(known, got), card), prepare=True)
        return got.total if got else 0


def changed(known: Known, got: Decided) -> tuple[Any, ...]:
    """What a receipt makes of a balance."""
    days, qualifying = counted_on(known.days, known.qualifying, got.day, got.total)
    return *got.stands, got.total, days, qualifying


def _renamed(query: str, names: dict[str, str]) -> str:
    for name, full in names.items():
        query = query.replace(name, full)
    return query


SQLITE_TABLES = """
CREATE TABLE receipt (
  id INTEGER PRIMARY KEY, store TEXT, lane TEXT, business_date TEXT, number TEXT,
  captured_at TEXT NOT NULL, card TEXT, UNIQUE (store, lane, business_date, number)
);
CREATE TABLE movement (
  receipt INTEGER, line INTEGER, card TEXT, product TEXT, category TEXT, quantity INTEGER,
  amount_minor INTEGER, points INTEGER, activates_at INTEGER, expires_at INTEGER,
  PRIMARY KEY (receipt, line)
) WITHOUT ROWID;
CREATE INDEX movement_of_card ON movement (card, expires_at);
CREATE TABLE balance (
  card TEXT PRIMARY KEY, tier TEXT NOT NULL DEFAULT '', tier_since INTEGER NOT NULL DEFAULT 0,
  tier_until INTEGER NOT NULL DEFAULT 0, receipts INTEGER NOT NULL DEFAULT 0,
  points INTEGER NOT NULL DEFAULT 0, days TEXT NOT NULL DEFAULT '[]',
  qualifying TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
"""


class HandwrittenSQLite:
    """On SQLite: one connection, which its callers take in turn, as one file takes one writer."""

    def __init__(self, database: str, programme: Programme, *, lines: bool = True) -> None:
        """Make the tables; commits are as durable as the ledger's."""
        self.programme, self.lines = programme, lines
        self._turn = Lock()
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SQLITE_TABLES)

    def caller(self, number: int) -> Callable[[Receipt], int]:
        """All callers share the connection."""
        return self._record

    def points(self, answer: int) -> int:
        """The points of what a caller answered."""
        return answer

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def recorded(self) -> int:
        """The receipts recorded."""
        return int(self._db.execute("SELECT count(*) FROM receipt").fetchone()[0])

    def _record(self, receipt: Receipt) -> int:
        with self._turn:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                total = self._in_transaction(receipt)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            return total

    def _in_transaction(self, receipt: Receipt) -> int:
        execute, card = self._db.execute, receipt.card
        key = (receipt.store, receipt.lane, str(receipt.business_date), receipt.number)
        claimed = execute(
            "INSERT INTO receipt (store, lane, business_date, number, captured_at, card)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*key, receipt.captured_at.isoformat(), card),
        )
        if not claimed.rowcount:
            return 0
        known = self._known(card) if card else Known()
        got = decide(self.programme, receipt, known) if card else None
        columns = moved(receipt, got.points if got else [0] * len(receipt.lines), lines=self.lines)
        lot = (got.activates_at, got.expires_at) if got else (None, None)
        self._db.executemany(
            "INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (claimed.lastrowid, n, card, *row, *lot)
                for n, row in enumerate(zip(*columns, strict=True), 1)
            ],
        )
        if got is None:
            return 0
        *plain, days, qualifying = changed(known, got)
        execute(
            "INSERT INTO balance VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT (card) DO UPDATE SET"
            " tier = excluded.tier, tier_since = excluded.tier_since,"
            " tier_until = excluded.tier_until, receipts = receipts + 1,"
            " points = points + excluded.points, days = excluded.days,"
            " qualifying = excluded.qualifying",
            (card, *plain, json.dumps(days), json.dumps(qualifying)),
        )
        return got.total

    def _known(self, card: str) -> Known:
        row = self._db.execute(
            "SELECT tier, tier_since, tier_until, receipts, points, days, qualifying"
            " FROM balance WHERE card = ?",
            (card,),
        ).fetchone()
        if row is None:
            return Known()
        return Known(*row)._replace(days=json.loads(row[5]), qualifying=json.loads(row[6]))
