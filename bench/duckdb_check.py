"""The balances by member and lot from the exported Parquet, by another engine, in one statement.

DuckDB sums what the export wrote; the rows must be those of the reporting table, byte by byte.
Both times are for the same events: our rebuild decodes, folds and writes them durably, DuckDB
reads columns that the export has made flat and keeps its table in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec

from adapters.export.parquet import export
from ledger.application import LoyaltyLedger
from ledger.projections.balance import BALANCE, FCT_LOT

ROUNDS = 3
CHUNK = 20_000
LOTS = """
CREATE OR REPLACE TEMP TABLE lot AS
SELECT member_id, expires_at, activates_at, origin, sum(points)::BIGINT AS points
FROM read_parquet('{files}')
GROUP BY member_id, expires_at, activates_at, origin
"""
SORTED = "SELECT * FROM lot ORDER BY member_id, expires_at, activates_at, origin"


class Check(NamedTuple):
    """Digests and counts of both, and seconds for the same events."""

    events: int
    ours: tuple[int, str]
    theirs: tuple[int, str]
    export_s: float
    rebuild_s: float
    duckdb_s: float


def digest(chunks: Iterable[Sequence[tuple[Any, ...]]]) -> tuple[int, str]:
    """Count and digest of rows in the bytes in which a projection's digest takes them."""
    encode, told, count = msgspec.msgpack.Encoder().encode, hashlib.sha256(), 0
    told.update(FCT_LOT.name.encode())
    for chunk in chunks:
        count += len(chunk)
        for row in chunk:
            told.update(encode(tuple(row)))
    return count, told.hexdigest()


def reported(ledger: LoyaltyLedger) -> tuple[int, str]:
    """Count and digest of the lots in the reporting table, at the head."""
    engine = ledger.engine
    engine.catch_up()
    with ledger.log.transaction(commit=False) as cursor:
        place = engine.reports.status(cursor)[BALANCE.name][0]
        return digest(engine.reports.scan(cursor, FCT_LOT, place))


def computed(connection: Any) -> tuple[int, str]:
    """Count and digest of the lots that DuckDB came to."""
    found = connection.execute(SORTED)
    return digest(iter(lambda: found.fetchmany(CHUNK), []))


def statement(*folders: Path) -> str:
    """The one statement, over an export or over several that follow each other."""
    files = [str(folder / "lot_changes" / "*.parquet") for folder in folders]
    return LOTS.replace("'{files}'", str(files))


def check(ledger: LoyaltyLedger, folder: Path, rounds: int = ROUNDS) -> Check:
    """Export, then rebuild and compute in turn, so that noise meets both alike."""
    began = time.perf_counter()
    events = export(ledger, folder).manifest.until
    exported = time.perf_counter() - began
    sql, ours, theirs = statement(folder), 0.0, 0.0
    with duckdb.connect() as connection:
        for _ in range(rounds):
            ours += _seconds(lambda: ledger.rebuild([BALANCE.name]))
            theirs += _seconds(lambda: connection.execute(sql))
        return Check(
            events, reported(ledger), computed(connection), exported, ours / rounds, theirs / rounds
        )


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(ledger: LoyaltyLedger, results: dict[str, int | float], prefix: str) -> None:
    """Print the check and add it to the results; other balances are an error."""
    with tempfile.TemporaryDirectory(prefix="ll-export-") as folder:
        found = check(ledger, Path(folder) / "export")
    ratio = found.rebuild_s / found.duckdb_s
    print(
        f"  {'balances rebuilt, events/s':44}{found.events / found.rebuild_s:>12,.0f}"
        f"   duckdb  {found.events / found.duckdb_s:>10,.0f}   ratio {ratio:6.2f}"
    )
    print(f"  {'exported as Parquet, events/s':44}{found.events / found.export_s:>12,.0f}")
    if found.ours != found.theirs:
        results["errors"] += 1
        print(f"  error: lots and digest {found.ours}, from the export {found.theirs}")
    else:
        print(f"  {found.ours[0]} lots of both have the digest {found.ours[1]}")
    results[f"{prefix}rebuild_vs_duckdb"] = round(ratio, 3)
    results[f"{prefix}export_vs_rebuild"] = round(found.export_s / found.rebuild_s, 3)


def main() -> int:
    parser = argparse.ArgumentParser(description="The check on a ledger that exists.")
    parser.add_argument("db", help="a SQLite file or a postgresql:// URL")
    results: dict[str, int | float] = {"errors": 0}
    with LoyaltyLedger.open(parser.parse_args().db) as ledger:
        measure(ledger, results, "")
    print(f"  {results}")
    return 1 if results["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
