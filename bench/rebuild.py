"""What a rebuild and a replay cost: next to a raw reading, and on two processes.

A log is recorded, and a larger one holds it several times over. Each rebuild of that runs in a
process of its own, all in turn, and the best of the rounds is kept: noise only ever adds.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from adapters.simulate import simulate
from bench import preload
from bench.stage import Stage
from ledger.application import LoyaltyLedger
from ledger.store.keys import MEMBER
from ledger.store.log import Log
from ledger.store.replay import replay

RECEIPTS = 50_000
EVENTS = 1_000_000
ROUNDS = 3
PAGE = 5_000


def measure(stage: Stage) -> None:
    """Print the rates and the ratios of one store."""
    small, large = stage.database(), stage.database()
    count = RECEIPTS // 10 if stage.quick else RECEIPTS
    made = simulate(members=count // 20, weeks=60, currency=stage.currency)
    receipts = itertools.islice(made, count)
    stage.results["errors"] += preload.record(small, stage.text, receipts)
    events = EVENTS // 10 if stage.quick else EVENTS
    preload.multiply(small, large, stage.text, events)
    figures, errors = _measure(large, ROUNDS)
    stage.results["errors"] += errors
    for key, value in figures.items():
        print(f"  {key:44}{value:>14,.3f}")
        stage.figure(key, value)


def _measure(db: str, rounds: int) -> tuple[dict[str, float], int]:
    told: dict[str, list[dict[str, Any]]] = {}
    errors = 0
    for _ in range(rounds):
        for what, work, workers in (
            ("one", rebuild, 1), ("two", rebuild, 2), ("scan", _scan, 0), ("replay", _replay, 0),
            ("limit", _limit, 0),
        ):  # fmt: skip
            told.setdefault(what, []).append(apart(work, db, workers))
    best = {what: min(runs, key=lambda run: run["seconds"]) for what, runs in told.items()}
    errors += len({run["digest"] for run in told["one"] + told["two"]}) - 1
    errors += best["replay"]["events"] != best["limit"]["events"]
    rate = {what: run["events"] / run["seconds"] for what, run in best.items()}
    return {
        "rebuild_events_per_s_core": rate["one"],
        "rebuild_vs_scan": rate["one"] / rate["scan"],
        "rebuild_workers_2_vs_1": rate["two"] / rate["one"],
        "rebuild_peak_mb": best["one"]["peak_mb"],
        "replay_events_per_s": rate["replay"],
        "replay_vs_limit": rate["replay"] / rate["limit"],
    }, errors


def apart(work: Callable[[LoyaltyLedger, int], Any], db: str, workers: int) -> dict[str, Any]:
    """Run in a process of its own: its seconds, the log's events, what it gave, its memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_timed, work, db, workers).result()


def _timed(work: Callable[[LoyaltyLedger, int], Any], db: str, workers: int) -> dict[str, Any]:
    with LoyaltyLedger.open(db) as ledger:
        head = ledger.log.head()
        began = time.perf_counter()
        digest = work(ledger, workers)
        seconds = time.perf_counter() - began
        peak_mb = _peak_mb()  # before the file's mapping goes
    return {"seconds": seconds, "events": head, "digest": digest, "peak_mb": peak_mb}


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


def _scan(ledger: LoyaltyLedger, _: int) -> int:
    """The rows that a rebuild reads, in the same order, and nothing done with them."""
    log: Log = ledger.log
    balance = next(p for p in ledger.engine.projections if p.name == "balance")
    topics = [ledger.codec.topic_of[event] for event in balance.folds]
    after, head, seen = (bytes([MEMBER]), 0), log.head(), 0
    until = bytes([MEMBER + 1])
    while rows := log.by_stream(after, until, head, topics, 4 * PAGE):
        after, seen = (rows[-1][1], rows[-1][2]), seen + len(rows)
    return seen


def _replay(ledger: LoyaltyLedger, _: int) -> int:
    return sum(1 for _ in replay(ledger.log, ledger.codec))


def _limit(ledger: LoyaltyLedger, _: int) -> int:
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
