"""A file taken in by two processes, next to what reading it and appending its rows alone allow.

The limit has the same two cores: the same lines are read into receipts by two processes and the
very rows that the ingest left are appended by two as plainly as the store takes them (COPY; on
SQLite, which has one writer, `executemany` beside the reading). Nothing is decided, looked up,
numbered or hashed there. Commits are as large on both sides, and durable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from adapters.ingest.feeding import feed, ingest
from adapters.ingest.hands import BATCH, How, hands
from adapters.pos import ndjson
from adapters.records import Good, Unread
from adapters.rejects import Rejects
from bench.stage import Stage
from ledger.application import LoyaltyLedger
from ledger.store.opening import open_log

WORKERS = 2
ROWS = 2 * BATCH
"""Of one commit: about as many as a batch of receipts comes to."""
ROUNDS = 3
TARGET = 0.45
_COLUMNS = (
    "notification_id, recorded_at, written_at, originator_version, originator_id, topic,"
    " leaf_hash, state, claims"
)
_SQLITE_COLUMNS = (
    "notification_id, originator_id, originator_version, topic, recorded_at, written_at,"
    " leaf_hash, state, claims"
)


class Span(NamedTuple):
    """Seconds of the machine's clock."""

    began: float
    ended: float
    done: int


def measure(stage: Stage) -> None:
    """The rates, and what deciding takes of one."""
    path = stage.folder / f"{stage.store}.ndjson"
    path.write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in stage.receipts))
    count = len(stage.receipts)
    one = _best(lambda: _ingest(stage, path, 1)[0])
    two, databases = [], []
    for _ in range(ROUNDS):
        seconds, database = _ingest(stage, path, WORKERS)
        two.append(seconds)
        databases.append(database)
    limit = _best(lambda: _limit(stage, path, databases[0]))
    stage.ratio(f"a file by {WORKERS} processes, receipts/s", count / min(two), count / limit,
                "ingest_vs_limit", whose="read, append", target=TARGET)  # fmt: skip
    stage.ratio(f"a file by {WORKERS} processes, receipts/s", count / min(two), count / one,
                f"ingest_workers_{WORKERS}_vs_1", whose="one process")  # fmt: skip
    share = _deciding(stage, path)
    print(f"  {'of one process, deciding takes':44}{share:>12.2f}")
    stage.figure("ingest_decision_share", share)


def _best(work: Callable[[], float]) -> float:
    return min(work() for _ in range(ROUNDS))


def _ingest(stage: Stage, path: Path, workers: int) -> tuple[float, str]:
    """Seconds to take the file in, by processes that have begun, and where it went."""
    database = stage.database()
    how = How(history=True, enrol=True, batch=BATCH)
    with (
        LoyaltyLedger.create(database, stage.text) as ledger,
        Rejects(path.with_suffix(".rejects")) as rejects,
        hands(ledger, how, workers) as crew,
    ):
        for answer in [hand.take([]) for hand in crew]:
            answer()
        began = time.perf_counter()
        tally = feed(ledger, crew, ndjson.lines(path), rejects)
        seconds = time.perf_counter() - began
    if (tally.recorded, tally.rejected) != (len(stage.receipts), 0):
        stage.error(f"{tally.recorded} recorded, {tally.rejected} rejected")
    return seconds, database


def _limit(stage: Stage, path: Path, source: str) -> float:
    """Seconds to read the lines, and to append the rows that the ingest made of them."""
    target = stage.database()
    LoyaltyLedger.create(target, stage.text).close()
    with _pools() as pools:
        if stage.store == "postgres":
            read = _together(stage, pools, _read, [(str(path), n, WORKERS) for n in range(WORKERS)])
            put = _together(stage, pools, _copy, [(source, target, n) for n in range(WORKERS)])
            return read + put
        reading = pools[0].submit(_read, str(path), 0, 1)
        putting = pools[1].submit(_insert, source, target)
        return _seconds(stage, [reading.result(), putting.result()])


@contextmanager
def _pools() -> Iterator[list[ProcessPoolExecutor]]:
    """Processes that have begun."""
    pools = [ProcessPoolExecutor(1, get_context("spawn")) for _ in range(WORKERS)]
    try:
        for ready in [pool.submit(_read, "", 0, 1) for pool in pools]:
            ready.result()
        yield pools
    finally:
        for pool in pools:
            pool.shutdown()


def _together(
    stage: Stage, pools: Sequence[ProcessPoolExecutor], work: Callable[..., Span],
    parts: Sequence[tuple[Any, ...]],
) -> float:  # fmt: skip
    spans = [pool.submit(work, *part) for pool, part in zip(pools, parts, strict=True)]
    return _seconds(stage, [span.result() for span in spans])


def _seconds(stage: Stage, spans: list[Span]) -> float:
    """The longest of what ran side by side: each first fetched what it needs, unmeasured."""
    if not sum(span.done for span in spans):
        stage.error("the limit had nothing to do")
    return max(span.ended - span.began for span in spans)


def _read(path: str, part: int, parts: int) -> Span:
    """Every so manieth line into a receipt."""
    found = ndjson.lines(Path(path)) if path else iter(())
    lines = [line for line in found if isinstance(line, Unread)][part::parts]
    began = time.perf_counter()
    good = sum(isinstance(ndjson.parse(line), Good) for line in lines)
    return Span(began, time.perf_counter(), good)


def _copy(source: str, target: str, part: int) -> Span:
    """Every other run of rows, each its own commit."""
    log: Any = open_log(target)
    runs = list(_runs(source, f"SELECT {_COLUMNS} FROM loyalty.stored_events"))[part::WORKERS]
    began = time.perf_counter()
    for rows in runs:
        with (
            log.transaction(commit=True) as cursor,
            cursor.copy(
                f"COPY loyalty.stored_events ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
            ) as copy,
        ):
            copy.set_types(
                ["int8", "int8", "int8", "int4", "uuid", "text", "bytea", "bytea", "uuid"]
            )
            for row in rows:
                copy.write_row(row)
    ended = time.perf_counter()
    log.close()
    return Span(began, ended, sum(map(len, runs)))


def _insert(source: str, target: str) -> Span:
    """All rows in their order."""
    log: Any = open_log(target)
    runs = list(_runs(source, f"SELECT {_SQLITE_COLUMNS} FROM stored_events"))
    began = time.perf_counter()
    for rows in runs:
        with log.transaction(commit=True) as cursor:
            cursor.executemany("INSERT INTO stored_events VALUES (?,?,?,?,?,?,?,?,?)", rows)
    ended = time.perf_counter()
    log.close()
    return Span(began, ended, sum(map(len, runs)))


def _runs(source: str, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows that the ingest left, by commits, without the programme that the target has."""
    log: Any = open_log(source)
    with log.transaction(commit=False) as cursor:
        cursor.execute(f"{query} WHERE notification_id > 1 ORDER BY notification_id")
        while rows := cursor.fetchmany(ROWS):
            yield rows
    log.close()


def _deciding(stage: Stage, path: Path) -> float:
    """The share of deciding, looking up included, in the processor time of one process."""
    with (
        LoyaltyLedger.create(stage.database(), stage.text) as ledger,
        Rejects(path.with_suffix(".rejects")) as rejects,
    ):
        writer: Any = ledger._writer  # noqa: SLF001
        decided, spent = writer._decided, [0.0]  # noqa: SLF001

        def timed(jobs: Any) -> Any:
            began = time.thread_time()
            try:
                return decided(jobs)
            finally:
                spent[0] += time.thread_time() - began

        writer._decided = timed  # noqa: SLF001
        began = time.process_time()
        ingest(ledger, ndjson.lines(path), rejects, history=True, enrol=True)
        return spent[0] / (time.process_time() - began)
