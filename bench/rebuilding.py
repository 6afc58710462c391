"""Rebuilds under load, killed over and over: the tables of a replay, and readers who notice nothing.

Receipts come in, reports follow, tills and reporting tools read, long reports stay open over the
flips. Meanwhile `loyalty rebuild --workers 2` is killed, itself or one of its workers, and started
again to go on. `make prove ARGS='--only rebuild'` runs it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any, NamedTuple, Self

from bench.under_load import connect, record
from ledger.store.opening import is_postgres

ROOT = Path(__file__).parent.parent
LOYALTY = [sys.executable, "-m", "adapters.cli.main"]
RECEIPTS, RATE, CARDS = 10_000, 60, 50
WORKERS = 2
AT_MOST_SECONDS = 240
"""Of the kills; a process that is asked to end has the patience below."""
PATIENCE_SECONDS = 60
LOOK_SECONDS = 0.005
NEAR_SECONDS = 1.0
SLOW_SECONDS = 0.1


class Read(NamedTuple):
    """One read; `late` is how long the pause before it was held up."""

    kind: str
    began: float
    seconds: float
    late: float


class Seen(NamedTuple):
    """What there was to see in one run."""

    kills: int
    workers_killed: int
    ended: int
    flips: list[float]
    reported_over: int
    recorded: int
    failed: list[str]
    reads: list[Read]
    equal: bool
    clean: bool

    def near(self, read: Read) -> bool:
        """Whether a read was under way within a second of a flip."""
        return abs(self.after_flip(read)) <= NEAR_SECONDS + read.seconds

    def after_flip(self, read: Read) -> float:
        """Seconds from the nearest flip to the beginning of a read."""
        place = bisect(self.flips, read.began)
        around = self.flips[max(0, place - 1) : place + 1]
        return min((read.began - flip for flip in around), key=abs, default=1e9)

    def told(self, read: Read) -> str:
        """A read in words."""
        return (
            f"{read.kind} {1e3 * read.seconds:.0f} ms, {self.after_flip(read):+.2f} s from a flip,"
            f" after a pause that was {1e3 * read.late:.0f} ms late"
        )

    def slowest(self, *, near: bool) -> dict[str, Read]:
        """Of each kind."""
        found: dict[str, Read] = {}
        for read in self.reads:
            if not near or self.near(read):
                found[read.kind] = max(found.get(read.kind, read), read, key=lambda r: r.seconds)
        return found


def under_load(db: str, kills: int, rng: random.Random, receipts: int = RECEIPTS) -> Seen:
    """Rebuild again and again under load until so many kills hit, then once in full; compare."""
    cards = record(db, receipts)
    with tempfile.TemporaryDirectory(prefix="ll-load-") as folder, _Watch(db) as watch:
        hunt = _Hunt(db, rng, watch, Path(folder))
        hunt.let_end()  # alone, to see how long one takes
        alone = len(watch.flips)
        with _load(db, receipts, rng.sample(cards, min(CARDS, len(cards))), Path(folder)) as load:
            hunt.kill(kills)
            hunt.let_end()
            hunt.see_off()
            time.sleep(NEAR_SECONDS)
        flips = watch.flips[alone:]
    live = _digests(_loyalty("status", "--digests", db=db)["projections"])
    verdict = _loyalty("verify", db=db)
    anew = _loyalty("rebuild", "--anew", db=db)["digests"]
    reports = load["report"]["reports"]
    return Seen(
        hunt.killed, hunt.workers_killed, hunt.ended, flips,
        sum(any(opened < flip < closed for opened, closed in reports) for flip in flips),
        load["write"]["recorded"],
        [*hunt.failed, *watch.failed, *(why for one in load.values() for why in one["failed"])],
        [Read(*read) for role in ("door", "views") for read in load[role]["reads"]],
        live == verdict["digests"] == anew, verdict["clean"],
    )  # fmt: skip


# --- who is killed -----------------------------------------------------------------------


class _Hunt:
    """Starts rebuilds, and kills them or their workers while they are at work."""

    def __init__(self, db: str, rng: random.Random, watch: _Watch, folder: Path) -> None:
        self.killed = self.workers_killed = self.ended = 0
        self.failed: list[str] = []
        self._db, self._rng, self._watch = db, rng, watch
        self._errors = folder / "rebuild"
        self._takes_seconds = 0.0
        self._orphans: list[int] = []

    def kill(self, kills: int) -> None:
        """Kill so many, however many rebuilds that takes."""
        until = time.monotonic() + AT_MOST_SECONDS
        while self.killed < kills and time.monotonic() < until and not self.failed:
            with self._rebuilding() as process:
                while self.killed < kills and self._hit(process):
                    self.killed += 1

    def let_end(self) -> None:
        """Let one come to its end."""
        with self._rebuilding() as process:
            began, flips = time.monotonic(), len(self._watch.flips)
            self._has_ended(process, PATIENCE_SECONDS)
            if len(self._watch.flips) == flips:
                self.failed.append("a rebuild that ended did not flip")
            else:
                self._takes_seconds = self._takes_seconds or self._watch.flips[-1] - began

    def _hit(self, process: subprocess.Popen[bytes]) -> bool:
        """Kill it, or a worker, after a while; False where it is not there any more."""
        if self._has_ended(process, self._rng.uniform(0, self._takes_seconds * 1.2)):
            return False
        workers = _workers(process.pid)
        if workers and self._rng.randrange(2):
            with suppress(ProcessLookupError):
                os.kill(self._rng.choice(workers), signal.SIGKILL)
                self.workers_killed += 1
                return True
            return self._hit(process)
        self._orphans += workers
        process.kill()
        return process.wait() == -signal.SIGKILL

    def see_off(self) -> None:
        """Workers whose rebuild was killed end by themselves."""
        until = time.monotonic() + PATIENCE_SECONDS
        for worker in self._orphans:
            while _is_worker(worker) and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
            if _is_worker(worker):
                self.failed.append(f"worker {worker} outlived its rebuild")
                os.kill(worker, signal.SIGKILL)

    def _has_ended(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            if process.wait(seconds) > 0:
                said = self._errors.read_text()[-500:]
                self.failed.append(f"a rebuild ended with {process.returncode}: {said}")
            self.ended += not process.returncode
        return process.returncode is not None

    @contextmanager
    def _rebuilding(self) -> Iterator[subprocess.Popen[bytes]]:
        """One that has begun, or gone on; it and its workers are gone afterwards."""
        run = self._watch.run
        with self._errors.open("wb") as errors:
            process = subprocess.Popen(
                [*LOYALTY, "rebuild", "--workers", str(WORKERS), "--db", self._db, "--json"],
                stdout=subprocess.DEVNULL, stderr=errors, cwd=ROOT,
            )  # fmt: skip
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while self._watch.run in {run, 0} and process.poll() is None:
                if time.monotonic() > until:
                    self.failed.append("a rebuild did not begin")
                    break
                time.sleep(LOOK_SECONDS)
            yield process
        finally:
            process.kill()
            process.wait()


def _workers(pid: int) -> list[int]:
    """The worker processes of a rebuild, where the machine tells."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in children if _is_worker(int(child))]


def _is_worker(pid: int) -> bool:
    """Whether it is one and lives: what is dead has no command line."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


# --- who looks on ------------------------------------------------------------------------


class _Watch:
    """Looks every few milliseconds at which run is unfinished, and notes when readers were moved."""

    def __init__(self, db: str) -> None:
        self.run = 0
        self.flips: list[float] = []
        self.failed: list[str] = []
        self._db, self._over = db, Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        prefix = "reporting." if is_postgres(self._db) else "reporting_"
        place = f"SELECT place FROM {prefix}projection_status WHERE projection = 'receipt'"
        run = f"SELECT coalesce(max(run), 0) FROM {prefix}rebuild_run"
        last = None
        with connect(self._db) as connection:
            while not self._over.wait(LOOK_SECONDS):
                try:
                    (now,) = connection.execute(place).fetchone()
                    (self.run,) = connection.execute(run).fetchone()
                except Exception as error:  # noqa: BLE001  it is counted
                    self.failed.append(f"looking on: {error!r}")
                    return
                if last not in {None, now}:
                    self.flips.append(time.monotonic())
                last = now


@contextmanager
def _load(db: str, after: int, cards: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    """Everybody at work; what each says is there afterwards."""
    said: dict[str, Any] = {}
    roles = {"write": [str(after), str(RATE)], "door": cards, "views": [], "report": []}
    running: dict[str, subprocess.Popen[bytes]] = {}
    told = folder / "follow"
    try:
        for role, words in roles.items():
            running[role] = _started("bench.under_load", role, db, *words)
        with told.open("wb") as errors:
            follower = _started("adapters.cli.main", "follow", "--db", db, stderr=errors)
        running["follow"] = follower
        yield said
        for role in roles:
            out = running[role].communicate(timeout=PATIENCE_SECONDS)[0]
            said[role] = json.loads(out) if out else {"failed": [f"{role} died"], "reads": []}
        follower.terminate()
        follower.wait(PATIENCE_SECONDS)
        complaints = [row for row in told.read_text().splitlines() if "tried again" in row]
        said["follow"] = {"failed": complaints}
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _started(*words: str, stderr: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, stderr=stderr,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def _loyalty(*words: str, db: str) -> Any:
    done = subprocess.run(
        [*LOYALTY, *words, "--db", db, "--json"], check=False, capture_output=True, cwd=ROOT
    )
    if not done.stdout:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return json.loads(done.stdout)


def _digests(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["projection"]: row["digest"] for row in rows}
