"""`make bench`: ours next to other programs that do the same job, in one run, in turn.

Rates are of this machine and this moment; the ratio is what to look at. Errors are counted,
and any error fails the run.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from adapters import retail
from adapters.cli.commands.demo import currency_of, in_currency
from adapters.cli.files import programme_text
from adapters.records import Good
from adapters.simulate import simulate
from bench import (
    batches,
    growth,
    history,
    hot_member,
    ingest,
    latency,
    offers,
    online,
    rebuild,
    two_processes,
)
from bench.server import postgres_server
from bench.stage import Stage
from ledger.types import Receipt

# One file a measurement; registered here, in the order in which they are run.
MEASUREMENTS: dict[str, Callable[[Stage], None]] = {
    "online": online.measure,
    "hot_member": hot_member.measure,
    "latency": latency.measure,
    "two_processes": two_processes.measure,
    "batches": batches.measure,
    "ingest": ingest.measure,
    "offers": offers.measure,
    "history": history.measure,
    "rebuild": rebuild.measure,
    "growth": growth.measure,
}
STORES = ("sqlite", "postgres")
FULL, QUICK = 40_000, 2_000
OUT = Path(__file__).parent / "out" / "results.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of retail data")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the work")
    parser.add_argument("--store", choices=STORES, action="append")
    parser.add_argument("--only", choices=tuple(MEASUREMENTS), action="append")
    parser.add_argument(
        "--largest", type=int, choices=growth.SIZES[1:], help="events of the longest log"
    )
    options = parser.parse_args()
    largest = options.largest or growth.SIZES[1 if options.quick else -1]
    receipts, currency = _receipts(options.data, QUICK if options.quick else FULL)
    programme = in_currency(programme_text(Path("points_as_cash")), currency), currency
    gc.freeze()  # as a server does: receipts and modules are not looked at again, whoever is measured
    results: dict[str, int | float] = {"receipts": len(receipts), "errors": 0}
    with tempfile.TemporaryDirectory(prefix="ll-bench-") as folder, postgres_server() as server:
        for store in options.store or STORES:
            print(f"\n{store}")
            stage = Stage(
                store, Path(folder), server, programme, receipts, results,
                quick=options.quick, largest=largest,
            )  # fmt: skip
            stage.look_at_disk()
            for name in options.only or MEASUREMENTS:
                print(f" {name.replace('_', ' ')}", flush=True)
                MEASUREMENTS[name](stage)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(f"\n{len(receipts)} receipts; errors: {results['errors']}; figures in {OUT}")
    return 1 if results["errors"] else 0


def _receipts(data: Path | None, count: int) -> tuple[list[Receipt], str]:
    if data is None:
        made = simulate(members=count // 20, weeks=60, currency="EUR")
        return list(itertools.islice(made, count)), "EUR"
    form = retail.detect(data)
    items = retail.FORMATS[form].read(data)
    good = (item.receipt for item in items if isinstance(item, Good))
    return list(itertools.islice(good, count)), currency_of(data)


if __name__ == "__main__":
    sys.exit(main())
