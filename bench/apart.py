"""One reading of a log in a process of its own, timed: `python -m bench.apart WORK DB WORKERS`.

What this file imports is imported again by each worker of a rebuild, as a part of its start. So it
imports no more than a worker needs, as the command line does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from ledger.application import LoyaltyLedger

ROOT = Path(__file__).parent.parent
PAGE = 5_000


def apart(work: str, db: str, workers: int = 1) -> dict[str, Any]:
    """Run one of `WORKS`: its seconds, the log's events, what it gave, the process's memory."""
    command = [sys.executable, "-m", "bench.apart", work, db, str(workers)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main() -> None:
    """Do it and print what there is to tell."""
    from ledger.application import LoyaltyLedger
    from ledger.store.helping import rest

    rest()  # as `loyalty` does
    work, db, workers = sys.argv[1:]
    with LoyaltyLedger.open(db) as ledger:
        head = ledger.log.head()
        began = time.perf_counter()
        digest = WORKS[work](ledger, int(workers))
        seconds = time.perf_counter() - began
        peak_mb = _peak_mb()  # before the file's mapping goes
    told = {"seconds": seconds, "events": head, "digest": digest, "peak_mb": peak_mb}
    print(json.dumps(told))


def rebuild(ledger: LoyaltyLedger, workers: int) -> str:
    """Build the balances anew, beside those there may be."""
    ledger.rebuild(["balance"], workers=workers, anew=True)
    with ledger.log.transaction(commit=False) as cursor:
        place = ledger.engine.reports.status(cursor)["balance"][0]
    return _digest_once(ledger, place)


def _digest_once(ledger: LoyaltyLedger, place: str) -> str:
    """Cheap, as it is timed too: how many rows, and their sum."""
    with ledger.log.transaction(commit=False) as cursor:
        name = ledger.engine.reports.name(ledger.engine.projections[2].tables[0], place)
        cursor.execute(f"SELECT count(*), sum(points) FROM {name}")
        return str(tuple(map(int, cursor.fetchone())))


def scan(ledger: LoyaltyLedger, _: int) -> int:
    """The rows that a rebuild reads, in the same order, and nothing done with them."""
    from ledger.store.keys import MEMBER

    balance = next(p for p in ledger.engine.projections if p.name == "balance")
    topics = [ledger.codec.topic_of[event] for event in balance.folds]
    after, until, head = (bytes([MEMBER]), 0), bytes([MEMBER + 1]), ledger.log.head()
    return sum(map(len, ledger.log.in_streams(after, until, head, topics, 4 * PAGE)))


def replay(ledger: LoyaltyLedger, _: int) -> int:
    """Every event as a typed object."""
    from ledger.store.replay import replay as events

    return sum(1 for _ in events(ledger.log, ledger.codec))


def limit(ledger: LoyaltyLedger, _: int) -> int:
    """The driver's rows of the same columns, and msgspec without types."""
    decode = msgspec.msgpack.Decoder().decode
    log: Any = ledger.log
    seen, after = 0, 0
    while rows := _raw(log, after):
        after = rows[-1][0]
        for row in rows:
            decode(row[3])
        seen += len(rows)
    return seen


WORKS = {"rebuild": rebuild, "scan": scan, "replay": replay, "limit": limit}


def _raw(log: Any, after: int) -> list[tuple[int, bytes, str, bytes]]:
    table, stream, mark = "stored_events", "originator_id", "?"
    if log.is_postgres:
        table, stream, mark = "loyalty.stored_events", "uuid_send(originator_id)", "%b"
    query = (
        f"SELECT notification_id, {stream}, topic, state FROM {table}"
        f" WHERE notification_id > {mark} ORDER BY notification_id LIMIT {PAGE}"
    )
    with log.transaction(commit=False) as cursor:
        cursor.execute(query, (after,))
        rows: list[tuple[int, bytes, str, bytes]] = cursor.fetchall()
        return rows


def _peak_mb() -> int:
    """The most memory this process has had, less mapped files; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    found = {
        words[0]: int(words[1])
        for words in map(str.split, status.read_text().splitlines())
        if words[0] in {"VmHWM:", "RssFile:"}
    }
    return (found["VmHWM:"] - found["RssFile:"]) // 1024


if __name__ == "__main__":
    main()
