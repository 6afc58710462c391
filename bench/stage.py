"""What every measurement is given: a store on disk, receipts, and where figures and errors go."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import psycopg

from bench.server import drop_database, new_database
from ledger.programme import load
from ledger.store.postgres import environment
from ledger.types import Receipt

LISTED = 5
"""Errors of one kind that are printed; all are counted."""
FSYNCS = 100
POOL = 16
T = TypeVar("T")


class Stage:
    """One store, for the measurements of one run."""

    def __init__(
        self, store: str, folder: Path, server: str, programme: tuple[str, str],
        receipts: list[Receipt], results: dict[str, int | float], *, quick: bool,
        largest: int,
    ) -> None:  # fmt: skip
        """`programme` is its text and its currency, `largest` the events of the longest log."""
        self.store, self.folder, self.server = store, folder, server
        self.text, self.currency = programme
        self.programme = load(self.text)
        self.receipts, self.results = receipts, results
        self.quick, self.largest = quick, largest
        self.prefix = "" if store == "postgres" else "sqlite_"
        self._files = 0

    def database(self) -> str:
        """A new database: a URL, or the path of a file."""
        if self.store == "postgres":
            return new_database(self.server)
        self._files += 1
        return str(self.folder / f"{self._files}.db")

    def drop(self, database: str) -> None:
        """Delete a database that nobody needs any more."""
        if self.store == "postgres":
            drop_database(self.server, database)
            return
        for ending in ("", "-wal", "-shm"):
            Path(database + ending).unlink(missing_ok=True)

    def library_settings(self, database: str) -> dict[str, str]:
        """The library's own settings at their best, as they were measured for this job."""
        if self.store == "sqlite":
            return {
                "PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database,
                "SQLITE_LOCK_TIMEOUT": "60",
            }  # fmt: skip
        return environment(database) | {
            "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_SCHEMA": "public",
            "POSTGRES_POOL_SIZE": str(POOL), "POSTGRES_MAX_OVERFLOW": "0",
            "POSTGRES_POOL_TIMEOUT": "120",
        }  # fmt: skip

    def figure(self, key: str, value: float) -> None:
        """Keep a figure under the store's prefix."""
        self.results[self.prefix + key] = round(value, 3)

    def ratio(
        self, what: str, ours: float, theirs: float, key: str, *, whose: str = "library",
        target: float | None = None,
    ) -> None:  # fmt: skip
        """Print two rates side by side, with their ratio and what is aimed at, and keep the ratio."""
        aim = "" if target is None else f"   aim {target:g}"
        print(
            f"  {what:44}{ours:>12,.0f}   {whose:11} {theirs:>10,.0f}"
            f"   ratio {ours / theirs:6.2f}{aim}"
        )
        self.figure(key, ours / theirs)

    def error(self, error: object) -> None:
        """Count an error; any fails the run."""
        self.results["errors"] += 1
        if self.results["errors"] <= LISTED:
            print(f"  error: {error!r}")

    def look_at_disk(self) -> None:
        """Durable commits are part of every figure: say what one costs, and count it if it is off."""
        if self.store == "postgres":
            with psycopg.connect(self.server) as connection:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    row = connection.execute(f"SHOW {setting}").fetchone()
                    if row is None or row[0] != "on":
                        self.error(f"the server's {setting} is not on")
        micros = _fsync_us(self.folder)
        print(f"  {'one write and fsync in this folder, us':44}{micros:>12,.0f}")
        self.figure("fsync_us", micros)


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Receipts, or what else, in pieces."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _fsync_us(folder: Path) -> float:
    seconds = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(FSYNCS):
            began = time.perf_counter()
            file.write(bytes(8192))
            file.flush()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1e6
