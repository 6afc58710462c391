"""The load a rebuild is proved under: who writes, who reads at the till and in reports, each a process.

Each runs until its input is closed and then says what it saw, as one object of JSON. Times are of
the clock all processes of a machine share, so that they can be laid beside each other.
"""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import psycopg

from adapters.simulate import simulate
from ledger.application import LoyaltyLedger
from ledger.store.opening import is_postgres
from ledger.types import Receipt

MEMBERS, WEEKS = 400, 156
CHUNK = 500
PAUSE_SECONDS = 0.01
REPORT_SECONDS = 6
REPORT_CHUNK = 100
Found = dict[str, Any]


def receipts() -> Iterator[Receipt]:
    """The same chain in every process."""
    return simulate(members=MEMBERS, weeks=WEEKS, currency="EUR")


def record(db: str, count: int) -> list[str]:
    """Record the first receipts, and make the reports; gives the cards that were shown."""
    first = itertools.islice(receipts(), count)
    cards: set[str] = set()
    with LoyaltyLedger.open(db) as ledger:
        while some := list(itertools.islice(first, CHUNK)):
            refused(ledger.record_all(some, history=True, enrol=True))
            cards |= {receipt.card for receipt in some if receipt.card}
        ledger.rebuild()  # once, so that the tables of unfinished ones are there to look at
    return sorted(cards)


def refused(outcomes: list[Any]) -> None:
    """Every receipt is new and good.

    Raises:
        The first refusal.
    """
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


# --- who writes and reads ----------------------------------------------------------------


def write(db: str, stop: Event, after: str, rate: str) -> Found:
    """Go on recording, one receipt at a time, at most so many a second."""
    recorded, failed, coming = 0, [], itertools.islice(receipts(), int(after), None)
    began = time.monotonic()
    with LoyaltyLedger.open(db) as ledger:
        for number, receipt in enumerate(coming):
            if stop.wait(max(0.0, began + number / int(rate) - time.monotonic())):
                break
            try:
                refused(ledger.record_all([receipt], history=True, enrol=True))
                recorded += 1
            except Exception as error:  # noqa: BLE001  it is counted
                failed.append(repr(error))
    return {"recorded": recorded, "failed": failed}


def door(db: str, stop: Event, *cards: str) -> Found:
    """Ask for balances, as a till does; the reports are brought to the head of the log first."""
    rng = random.Random(1)
    with LoyaltyLedger.open(db) as ledger:
        return _read(stop, [("balance", lambda: ledger.balance(rng.choice(cards)))])


def views(db: str, stop: Event) -> Found:
    """Read the views in plain SQL, as a reporting tool does: a member's row, and sums over all."""
    prefix = "reporting." if is_postgres(db) else "reporting_"
    connection, most = connect(db), [0, 0]

    def member() -> None:
        rows = connection.execute(
            f"SELECT * FROM {prefix}fct_member_points WHERE member_id ="
            f" (SELECT max(member_id) FROM {prefix}dim_member)"
        ).fetchall()
        assert len(rows) == 1, f"{len(rows)} rows of one member"  # noqa: S101  counted as failed

    def sums() -> None:
        rows = connection.execute(
            f"SELECT count(*), sum(points) FROM {prefix}fct_receipt GROUP BY state"
        ).fetchall()
        now = [sum(row[0] for row in rows), len(rows)]
        assert now >= most, f"{now} after {most}"  # noqa: S101  receipts do not get fewer
        most[:] = now

    return _read(stop, [("member's row", member), ("sums", sums)])


def report(db: str, stop: Event) -> Found:
    """One long report after another: a transaction that goes over all receipts slowly."""
    prefix = "reporting." if is_postgres(db) else "reporting_"
    made, failed = [], []
    while not stop.is_set():
        opened = time.monotonic()
        try:
            with connect(db) as connection:
                _slowly(connection, f"{prefix}fct_receipt", is_postgres(db))
        except Exception as error:  # noqa: BLE001  it is counted
            failed.append(repr(error))
        made.append((opened, time.monotonic()))
    return {"reports": made, "failed": failed}


def _slowly(connection: Any, view: str, postgres: bool) -> None:  # noqa: FBT001
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if postgres else "BEGIN")
    (count,) = connection.execute(f"SELECT count(*) FROM {view}").fetchone()
    cursor = connection.cursor("report") if postgres else connection.cursor()
    cursor.execute(f"SELECT * FROM {view}")
    seen, chunk = 0, max(1, count // REPORT_CHUNK)
    while rows := cursor.fetchmany(chunk):
        seen += len(rows)
        time.sleep(REPORT_SECONDS / REPORT_CHUNK)
    assert seen == count, f"a report saw {seen} of {count} rows"  # noqa: S101  counted as failed
    cursor.close()
    connection.execute("ROLLBACK")


def connect(db: str) -> Any:
    """A connection as any tool has it; each statement is a transaction of its own."""
    if is_postgres(db):
        return psycopg.connect(db, autocommit=True)
    return sqlite3.connect(db, isolation_level=None)


def _read(stop: Event, kinds: list[tuple[str, Callable[[], object]]]) -> Found:
    """Read over and over; gives the kind, beginning and seconds of each, and how late the pause ended.

    A pause that ends late was held up by nothing but the machine.
    """
    reads, failed = [], []
    for kind, ask in itertools.cycle(kinds):
        paused = time.monotonic()
        if stop.is_set():
            break
        time.sleep(PAUSE_SECONDS)
        began = time.monotonic()
        try:
            ask()
        except Exception as error:  # noqa: BLE001  it is counted
            failed.append(f"{kind}: {error!r}")
        reads.append((kind, began, time.monotonic() - began, began - paused - PAUSE_SECONDS))
    return {"reads": reads, "failed": failed}


def _until_closed(stop: Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    """Be one of them until the input is closed."""
    role, db, *more = sys.argv[1:]
    stop = Event()
    Thread(target=_until_closed, args=(stop,), daemon=True).start()
    roles: dict[str, Callable[..., Found]] = {
        "write": write, "door": door, "views": views, "report": report
    }  # fmt: skip
    print(json.dumps(roles[role](db, stop, *more)))


if __name__ == "__main__":
    main()
