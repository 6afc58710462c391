"""What a rebuild and a replay cost: next to a raw reading, as the log grows, on two processes.

The small log is recorded; the large one holds it several times over, each time under other
streams, so that only its length differs. Each rebuild runs in a process of its own, small and
large in turn, and the best of the rounds is kept: noise only ever adds.
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
from bench.stage import Stage
from ledger.application import LoyaltyLedger
from ledger.store.keys import CARD, MEMBER, RECEIPT
from ledger.store.log import Log, Row
from ledger.store.replay import replay

RECEIPTS = 50_000
COPIES = 10
ROUNDS = 3
BATCH = 1_000
PAGE = 5_000
SECRET = bytes(32)
KINDS = (MEMBER, CARD, RECEIPT)


def measure(stage: Stage) -> None:
    """Print the rates and the ratios of one store."""
    small, large = stage.database(), stage.database()
    receipts = RECEIPTS // 10 if stage.quick else RECEIPTS
    stage.results["errors"] += _record(small, stage.text, receipts, stage.currency)
    _multiply(small, large, stage.text, COPIES)
    figures, errors = _measure(small, large, ROUNDS)
    stage.results["errors"] += errors
    for key, value in figures.items():
        print(f"  {key:44}{value:>14,.3f}")
        stage.figure(key, value)


def _measure(small: str, large: str, rounds: int) -> tuple[dict[str, float], int]:
    told: dict[str, list[dict[str, Any]]] = {}
    errors = 0
    for _ in range(rounds):
        for what, db, workers in (("small", small, 1), ("large", large, 1), ("two", large, 2)):
            told.setdefault(what, []).append(_apart(_rebuild, db, workers))
        told.setdefault("scan", []).append(_apart(_scan, large, 0))
        told.setdefault("replay", []).append(_apart(_replay, large, 0))
        told.setdefault("limit", []).append(_apart(_limit, large, 0))
    best = {what: min(runs, key=lambda run: run["seconds"]) for what, runs in told.items()}
    errors += len({run["digest"] for run in told["large"] + told["two"]}) - 1
    errors += best["replay"]["events"] != best["limit"]["events"]
    rate = {what: run["events"] / run["seconds"] for what, run in best.items()}
    growth = "rebuild_growth_1e5_1e6" if best["large"]["events"] > 900_000 else "rebuild_growth"
    return {
        "rebuild_events_per_s_core": rate["large"],
        "rebuild_vs_scan": rate["large"] / rate["scan"],
        "rebuild_workers_2_vs_1": rate["two"] / rate["large"],
        growth: rate["small"] / rate["large"],
        "rebuild_peak_mb_small": best["small"]["peak_mb"],
        "rebuild_peak_mb_large": best["large"]["peak_mb"],
        "replay_events_per_s": rate["replay"],
        "replay_vs_limit": rate["replay"] / rate["limit"],
    }, errors


def _record(db: str, text: str, receipts: int, currency: str) -> int:
    made = itertools.islice(simulate(members=receipts // 20, weeks=60, currency=currency), receipts)
    errors = 0
    with LoyaltyLedger.create(db, text, secret=SECRET) as ledger:
        while batch := list(itertools.islice(made, BATCH)):
            for outcome in ledger.record_all(batch, history=True, enrol=True):
                if isinstance(outcome, BaseException):
                    errors += 1
                    print(f"  error: {outcome}")
        ledger.catch_up()
    return errors


def _multiply(small: str, large: str, text: str, copies: int) -> None:
    """A log that holds another several times over, each time under other streams."""
    with (
        LoyaltyLedger.open(small) as source,
        LoyaltyLedger.create(large, text, secret=SECRET) as target,
    ):
        for copy in range(copies):
            after = 0
            while rows := source.log.page(after, PAGE):
                after = rows[-1][0]
                copied = [
                    Row(row[1][:4] + bytes([row[1][4] ^ copy]) + row[1][5:], *row[2:])
                    for row in rows
                    if row[1][0] in KINDS
                ]
                target.log.append(copied, 1)


def _apart(work: Callable[[LoyaltyLedger, int], Any], db: str, workers: int) -> dict[str, Any]:
    """Run in a process of its own."""
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


def _rebuild(ledger: LoyaltyLedger, workers: int) -> str:
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
