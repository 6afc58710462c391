"""Logs made beforehand: one that was recorded, and long ones that hold it many times over.

Each copy lies under other streams, so that only the length differs. The first copy keeps its own:
the cards of the recorded log find their members in the long one. What an event says is not changed,
so copies name the same receipts: balances can be built of such a log, facts of receipts cannot.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent

from bench.default_app import DefaultApp
from ledger.application import LoyaltyLedger
from ledger.store.keys import CARD, MEMBER, RECEIPT
from ledger.store.log import Log, Row
from ledger.types import Receipt

SECRET = bytes(32)
"""All logs have this one, or a card would be another stream in each."""
KINDS = (MEMBER, CARD, RECEIPT)
COPIES = 2**16
AT_BIT = 80
"""Where a stream id has the number of its copy mixed in: behind a receipt's business day."""
BATCH, PAGE = 1_000, 5_000
APPENDED = 50_000
"""Copies of a stream lie side by side in the index: a large batch writes each of its pages once."""

INSERTED = 500
"""What the library sends to PostgreSQL in one pipeline before it reads an answer."""


def record(db: str, text: str, receipts: Iterable[Receipt]) -> int:
    """Make a log of receipts and give the number of errors."""
    made, errors = iter(receipts), 0
    with LoyaltyLedger.create(db, text, secret=SECRET) as ledger:
        while batch := list(itertools.islice(made, BATCH)):
            for outcome in ledger.record_all(batch, history=True, enrol=True):
                if isinstance(outcome, BaseException):
                    errors += 1
                    print(f"  error: {outcome}")
    return errors


def multiply(source: str, target: str, text: str, events: int) -> None:
    """Make a log of so many events that holds another over and over."""
    with (
        LoyaltyLedger.open(source) as small,
        LoyaltyLedger.create(target, text, secret=SECRET) as large,
    ):
        rows = itertools.islice(_copies(small.log), events - large.log.head())
        while batch := list(itertools.islice(rows, APPENDED)):
            large.log.append(batch, 1)
        if large.log.is_postgres:
            _settle(target)


def multiply_default(source: DefaultApp, target: DefaultApp, events: int) -> None:
    """The same for the library's application."""
    rows = itertools.islice(_default_copies(source), events)
    while batch := list(itertools.islice(rows, INSERTED)):
        target.recorder.insert_events(batch)


def _copies(log: Log) -> Iterator[Row]:
    for copy in range(COPIES):
        after = 0
        while rows := log.read(after, PAGE):
            after = rows[-1].position
            for row in rows:
                if row.stream[0] in KINDS:
                    yield Row(
                        _copied(row.stream, copy), row.version, row.topic.decode(), row.state,
                        row.recorded_at, _copied(row.claims, copy) if row.claims else b"",
                    )  # fmt: skip


def _copied(stream: bytes, copy: int) -> bytes:
    return (int.from_bytes(stream, "big") ^ copy << AT_BIT).to_bytes(16, "big")


def _default_copies(app: DefaultApp) -> Iterator[StoredEvent]:
    for copy in range(COPIES):
        after = 0
        while found := app.recorder.select_notifications(after + 1, PAGE):
            after = found[-1].id
            for one in found:
                stream = UUID(int=UUID(str(one.originator_id)).int ^ copy << AT_BIT)
                yield StoredEvent(stream, one.originator_version, one.topic, one.state)


def _settle(url: str) -> None:
    """Do at once what the server would do by itself soon, in the middle of a measurement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE loyalty.stored_events")
        connection.execute("CHECKPOINT")
