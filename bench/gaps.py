"""The gap race: writers in many processes, some of whom roll back, and followers who must see all.

An append that takes its position before others and commits after them would be passed by: that
is what followers of a log must never meet. `make prove ARGS='--only gaps'` runs it with a million
events, the tests with some thousands.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any, cast

from ledger.store.bell import bell_of
from ledger.store.keys import MEMBER
from ledger.store.log import Row
from ledger.store.opening import is_postgres, open_log
from ledger.store.postgres import Factory, environment

ROOT = Path(__file__).parent.parent
BACK_PERCENT = 5
MOST_ROWS = 40
AT_ONCE = 8
"""Processes that are started side by side; all are let go at one moment."""
TOPIC = "enrolled"
OPEN_SECONDS = 0.1
PATIENCE_SECONDS = 3_600


class _RolledBack(Exception):
    pass


# --- who writes --------------------------------------------------------------------------


def write(db: str, name: int, threads: int, each: int) -> list[tuple[int, int]]:
    """Append so many events to a stream a thread; gives its events and what was rolled back."""
    log = _opened(db, threads)
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(lambda n: _write(log, name, n, each), range(threads)))
    log.close()
    return done


def _opened(db: str, threads: int) -> Any:
    """The log; on PostgreSQL with few connections, as a server takes a hundred by default."""
    if not is_postgres(db):
        return open_log(db)
    few = {"POSTGRES_POOL_SIZE": "1", "POSTGRES_MAX_OVERFLOW": str(threads - 1)}
    return Factory({**environment(db), **few, "CREATE_TABLE": "no"}).process_recorder()


def _write(log: Any, name: int, thread: int, each: int) -> tuple[int, int]:
    rng = random.Random(name * 100 + thread)
    stream = bytes([MEMBER, name, thread]).ljust(16, b"w")
    version = back = 0
    while version < each:
        count = min(rng.randint(1, MOST_ROWS), each - version)
        rows = [_row(stream, version + n) for n in range(1, count + 1)]
        if rng.randrange(100) < BACK_PERCENT:
            _roll_back(log, rows)
            back += 1
        else:
            log.append(rows, 1)
            version += count
    return version, back


def _row(stream: bytes, version: int) -> Row:
    return Row(stream, version, TOPIC, b"%d" % version, 1)


def _roll_back(log: Any, rows: list[Row], seconds: float = 0) -> None:
    """Append, leave it open, and take it back."""
    with suppress(_RolledBack), log.transaction(commit=True) as cursor:
        log._append(cursor, rows, 1)  # noqa: SLF001
        time.sleep(seconds)
        raise _RolledBack


# --- who follows -------------------------------------------------------------------------


class Follower:
    """Reads the log from a position on, and looks at every event once."""

    def __init__(self, db: str, after: int, page: int, *, listens: bool) -> None:
        self.log = open_log(db)
        self.after = self.first = after
        self.versions: dict[bytes, int] = {}
        self.wrong: list[str] = []
        self._page = page
        self._bell = bell_of(self.log) if listens else None
        self._last = Event()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look a last time, then stop."""
        self._last.set()
        self._thread.join(PATIENCE_SECONDS)
        if self._bell:
            self._bell.close()
        self.log.close()

    def _follow(self) -> None:
        while True:
            last = self._last.is_set()
            while rows := self.log.page(self.after, self._page):
                for row in rows:
                    self._see(*row[:3], row[4])
            if last:
                return
            if self._bell:
                self._bell.wait(1_000)
            else:
                time.sleep(0.001)

    def _see(self, position: int, stream: bytes, version: int, state: bytes) -> None:
        expected = self.after + 1, self.versions.get(stream, 0) + 1, b"%d" % version
        if (position, version, state) != expected:
            self.wrong.append(f"{position}: version {version}, expected {expected}")
        self.after = position
        self.versions[stream] = version


# --- the race ----------------------------------------------------------------------------


def race(db: str, *, processes: int, threads: int, each: int) -> tuple[int, int, list[Follower]]:
    """Let them all run at once; gives the events, the appends rolled back and the followers."""
    log = open_log(db)
    head = log.head()
    followers = [
        Follower(db, head, page, listens=listens)
        for page, listens in ((7, False), (5_000, False), (500, True))
    ]
    try:
        with _left_open(log):
            wrote = _run([(db, name, threads, each) for name in range(processes)])
    finally:
        for follower in followers:
            follower.end()
        log.close()
    rolled = sum(back for one in wrote for _, back in one)
    return sum(events for one in wrote for events, _ in one), rolled, followers


@contextmanager
def _left_open(log: Any) -> Iterator[None]:
    """Meanwhile one append after another is left open for a while, and taken back."""
    over = Event()

    def leave() -> None:
        while not over.wait(0.3):
            _roll_back(log, [_row(bytes([MEMBER, 255]).ljust(16, b"o"), 1)], OPEN_SECONDS)

    thread = Thread(target=leave)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _run(arguments: list[tuple[Any, ...]]) -> list[list[tuple[int, int]]]:
    running: list[subprocess.Popen[str]] = []
    try:
        for start in range(0, len(arguments), AT_ONCE):
            some = [_started(words) for words in arguments[start : start + AT_ONCE]]
            running += some
            if any(_pipe(process.stdout).readline() != "ready\n" for process in some):
                raise RuntimeError("a writer did not start")
        for process in running:
            _pipe(process.stdin).write("go\n")
            _pipe(process.stdin).flush()
        said = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    if any(process.returncode for process in running):
        raise RuntimeError("a writer failed")
    return [json.loads(one) for one in said]


def _started(words: tuple[Any, ...]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.gaps", *map(str, words)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def _pipe(pipe: IO[str] | None) -> IO[str]:
    return cast("IO[str]", pipe)


if __name__ == "__main__":
    print(json.dumps(write(sys.argv[1], *map(int, sys.argv[2:]))))
