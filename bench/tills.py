"""Tills of a whole chain on one machine, over HTTP: `python -m bench.tills`, or `make tills`.

A server (`loyalty serve`) on PostgreSQL, and a process that is all its tills (`bench.sender`). In
the end the senders' own log is compared with the ledger's: every receipt that was sent is there,
once, where its till was told. With `--kills` the server is killed (SIGKILL) and with `--crashes`
PostgreSQL (immediate stop) while they send. With `--search` the highest rate is looked for at which
99 % are answered within a quarter of a second, next to an endpoint that does nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec
import psycopg

from adapters.cli.commands.demo import in_currency
from adapters.cli.files import programme_text
from adapters.simulate import simulate
from bench.sender import Task
from bench.server import crashing_server, new_database
from bench.stage import chunks
from bench.under_load import refused
from ledger.application import LoyaltyLedger
from ledger.store.keys import RECEIPT
from ledger.types import ReceiptKey, day_of

ROOT = Path(__file__).parent.parent
BASKETS, A_STORE = 5_000, 20
CHUNK = 1_000
PAGE = 5_000
PATIENCE_SECONDS = 60
P99_MOST_US = 250_000
TRY_SECONDS, WARM_SECONDS = 15, 5
WINDOW_SECONDS = 60
FIRST_RATE, FIRST_RATE_EMPTY, STEP = 400.0, 1_500.0, 1.2
ALL_SECONDS = 45
"""For every till to have called once, before anything is measured."""
LISTED = 5
TUNED = ("wal_compression = 'pglz'", "checkpoint_timeout = '30min'", "max_wal_size = '8GB'")
"""As docs/store.md advises for a chain; every commit is as durable as before."""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tills", type=int, default=20_000)
    parser.add_argument("--period", type=float, default=40.0, help="seconds between two receipts")
    parser.add_argument("--cards", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--kills", type=int, default=0, help="of the server")
    parser.add_argument("--crashes", type=int, default=0, help="of PostgreSQL")
    parser.add_argument("--search", action="store_true", help="for the highest rate, instead")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    with (
        tempfile.TemporaryDirectory(prefix="ll-tills-") as folder,
        crashing_server() as (url, crash),
    ):
        _tune(url)
        run = Run(Path(folder), new_database(url), options, crash)
        run.search() if options.search else run.send()
    print("all there, once" if not run.errors else f"FAILED: {run.errors}")
    return 1 if run.errors else 0


class Run:
    """A chain, its server, its tills."""

    def __init__(
        self, folder: Path, db: str, options: argparse.Namespace, crash: Callable[[], None]
    ) -> None:
        self.errors: list[str] = []
        self._folder, self._db, self._options, self._crash = folder, db, options, crash
        self._rng = random.Random(options.seed)
        self._cards = [f"29{number:011}" for number in range(options.cards)]
        self._stores = [f"S{till // A_STORE:04}" for till in range(options.tills)]
        self._baskets = _baskets()
        with LoyaltyLedger.create(
            db, in_currency(programme_text(Path("points_as_cash")), "EUR")
        ) as made:
            self._keys = self._prepare(made)
            self._head = made.log.head()

    def _prepare(self, ledger: LoyaltyLedger) -> list[str]:
        """Members for the cards, and a key for each till."""
        began = time.monotonic()
        few = simulate(members=1_000, weeks=156, currency="EUR", anonymous_bp=0, returns_bp=0)
        for cards in chunks(self._cards, CHUNK):
            shown = [
                msgspec.structs.replace(receipt, card=card, number=f"first-{card}")
                for card, receipt in zip(cards, few, strict=False)
            ]
            refused(ledger.record_all(shown, history=True, enrol=True))

        def issued(till: int) -> str:
            store = self._stores[till]
            return ledger.issue_key(f"Till {till}", "till", "Ada", f"t{till}", stores=(store,)).key

        with ThreadPoolExecutor(64) as pool:
            keys = list(pool.map(issued, range(self._options.tills)))
        print(
            f"{len(self._cards):,} members, {len(keys):,} keys in {time.monotonic() - began:,.0f} s"
        )
        return keys

    # --- the chain's day ---------------------------------------------------------------

    def send(self) -> None:
        """Send for so many minutes, with what goes wrong meanwhile; then compare."""
        options, port, seconds = self._options, _free_port(), self._options.minutes * 60
        wrong, log = self._wrong(seconds), self._folder / "sender.log"
        with _Server(_loyalty(self._db, port), port) as server, ThreadPoolExecutor(1) as aside:
            sender = self._sender(port, log, options.tills, seconds, WINDOW_SECONDS)
            done = aside.submit(self._go_wrong, wrong, server)
            lost = self._listen(sender, quiet=not wrong)
            done.result()
        self._compare(log, lost)

    def _wrong(self, seconds: float) -> list[tuple[float, str]]:
        """What goes wrong when, drawn beforehand: spread over the time, neither at its ends."""
        kinds = ["kill"] * self._options.kills + ["crash"] * self._options.crashes
        self._rng.shuffle(kinds)
        room = seconds / (len(kinds) + 1)
        return [
            (room * (number + 1) + self._rng.uniform(-0.3, 0.3) * room, kind)
            for number, kind in enumerate(kinds)
        ]

    def _go_wrong(self, wrong: list[tuple[float, str]], server: _Server) -> None:
        began = time.monotonic()
        for at, what in wrong:
            time.sleep(max(0.0, began + at - time.monotonic()))
            now = time.monotonic()
            if what == "kill":
                server.again()
            else:
                self._crash()
            print(f"  {what}: there again after {time.monotonic() - now:.1f} s", flush=True)

    def _compare(self, log: Path, lost: int) -> None:
        """The senders' log with the ledger's."""
        sent, answered = _read(log)
        if lost or len(sent) != len(answered):
            self.errors.append(f"{len(sent) - len(answered)} receipts were never answered")
        with LoyaltyLedger.open(self._db) as ledger:
            places = self._recorded(ledger)
            expected = {ledger.keys.receipt(_key(one)): one for one in sent}
            self._differ("gaps", list(ledger.log.broken_streams(LISTED)))
        self._differ("missing", expected.keys() - places.keys())
        self._differ("never sent", places.keys() - expected.keys())
        told = {key for key, one in expected.items() if answered.get(one) != places.get(key)}
        self._differ("told another place", told)
        print(f"{len(sent):,} sent, {len(answered):,} answered, {len(places):,} in the ledger")

    def _recorded(self, ledger: LoyaltyLedger) -> dict[bytes, tuple[str, int]]:
        """Where each receipt of this run is in the log."""
        places: dict[bytes, tuple[str, int]] = {}
        after = self._head
        while rows := ledger.log.read(after, PAGE):
            after = rows[-1].position
            for row in rows:
                receipt = row.stream if row.stream[0] == RECEIPT else row.claims
                if receipt in places:
                    self.errors.append(f"{receipt.hex()} is there twice")
                if receipt:
                    places[receipt] = (row.stream.hex(), row.version)
        return places

    def _differ(self, what: str, found: Any) -> None:
        if found:
            self.errors.append(f"{len(found)} {what}: {list(found)[:LISTED]}")

    # --- tills -------------------------------------------------------------------------

    def _sender(
        self, port: int, log: Path, tills: int, seconds: float, window: float
    ) -> subprocess.Popen[str]:
        task = Task(
            port, "/v1/receipts", str(log), tills, self._options.period, seconds, window,
            f"r{self._rng.randrange(10**9)}", self._options.seed, self._keys, self._stores,
            self._cards, self._baskets,
        )  # fmt: skip
        path = log.with_suffix(".task")
        path.write_bytes(msgspec.json.encode(task))
        words = [sys.executable, "-m", "bench.sender", str(path)]
        return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def _listen(self, sender: subprocess.Popen[str], *, quiet: bool) -> int:
        """Print what it says; how many were never answered."""
        lost = -1
        for line in sender.stdout or ():
            told = json.loads(line)
            if "lost" in told:
                lost = told["lost"]
                continue
            shown = "  ".join(f"{k} {us / 1000:,.1f}" for k, us in told["percentiles_us"].items())
            print(f"  {told['at_seconds']:>6,.0f} s {told['answered']:>8,} answered, ms: {shown}"
                  f"  failed: {told['failed'] or 0}", flush=True)  # fmt: skip
            if quiet and told["failed"]:
                self.errors.append(f"calls failed: {told['failed']}")
        if sender.wait():
            self.errors.append(f"the sender ended with {sender.returncode}")
        return lost

    # --- the highest rate --------------------------------------------------------------

    def search(self) -> None:
        """The highest rate of each, one after the other."""
        port = _free_port()
        with _Server([sys.executable, "-m", "bench.empty", str(port)], port):
            empty = self._highest(port, "nothing done", FIRST_RATE_EMPTY)
        with _Server(_loyalty(self._db, port), port):
            self._tried(port, self._options.tills / self._options.period, ALL_SECONDS)
            ours = self._highest(port, "receipts", FIRST_RATE)
        print(f"highest rate with p99 under 250 ms: {ours:,.0f}/s, an empty endpoint"
              f" {empty:,.0f}/s, ratio {ours / max(empty, 1):.2f}")  # fmt: skip

    def _highest(self, port: int, what: str, first: float) -> float:
        """Up from a first rate while it holds; or down from it until one does."""
        rate, held, down = first, 0.0, False
        while rate >= 1 and not (down and held):
            p99, failed = self._tried(port, rate)
            print(f"  {what}: {rate:,.0f}/s, p99 {p99 / 1000:,.0f} ms, failed {failed}", flush=True)
            if not failed and p99 <= P99_MOST_US:
                held, rate = rate, rate * STEP
            elif held:
                break
            else:
                rate, down = rate / STEP, True
        return held

    def _tried(self, port: int, rate: float, seconds: float = TRY_SECONDS) -> tuple[float, int]:
        """99 % within so many microseconds, the first seconds aside; how many calls failed."""
        log = self._folder / f"try-{rate:.0f}.log"
        seconds += WARM_SECONDS
        tills = max(1, int(rate * self._options.period))
        sender = self._sender(port, log, tills, seconds, WARM_SECONDS)
        told = [json.loads(line) for line in sender.stdout or ()]
        sender.wait()
        windows = [one for one in told if "answered" in one][1:]
        p99 = max((one["percentiles_us"].get("p99", 10**9) for one in windows), default=10**9)
        return p99, sum(sum(one["failed"].values()) for one in windows)


class _Server:
    """A server in a process of its own."""

    def __init__(self, words: list[str], port: int) -> None:
        self._words, self._port = words, port
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def again(self) -> None:
        """Kill it and start it."""
        self._process.kill()
        self._process.wait()
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._words, cwd=ROOT)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        msg = "the server does not answer"
        raise RuntimeError(msg)


def _tune(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in TUNED:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")


def _loyalty(db: str, port: int) -> list[str]:
    words = [sys.executable, "-m", "adapters.cli.main", "serve", "--db", db, "--port", str(port)]
    return [*words, "--calls-per-second", "1000"]


def _baskets() -> list[str]:
    made = simulate(members=200, weeks=52, currency="EUR", anonymous_bp=0, returns_bp=0)
    return [msgspec.json.encode(one.lines).decode() for one in itertools.islice(made, BASKETS)]


def _read(log: Path) -> tuple[list[str], dict[str, tuple[str, int]]]:
    sent, answered = [], {}
    with log.open() as lines:
        for line in lines:
            words = line.split()
            receipt = " ".join(words[1:5])
            if words[0] == "sent":
                sent.append(receipt)
            else:
                answered[receipt] = (words[5], int(words[6]))
    return sent, answered


def _key(receipt: str) -> ReceiptKey:
    store, lane, date, number = receipt.split()
    return ReceiptKey(store, lane, day_of(dt.date.fromisoformat(date)), number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
