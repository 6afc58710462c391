"""What a rebuild and a replay cost: next to a raw reading, and on two processes.

A log is recorded, and a larger one holds it several times over. Each rebuild of that runs in a
process of its own, all in turn, and the best of the rounds is kept: noise only ever adds.
"""

from __future__ import annotations

import itertools
from typing import Any

from adapters.simulate import simulate
from bench import preload
from bench.apart import apart
from bench.stage import Stage

RECEIPTS = 50_000
EVENTS = 1_000_000
ROUNDS = 3


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
            ("one", "rebuild", 1), ("two", "rebuild", 2), ("scan", "scan", 1),
            ("replay", "replay", 1), ("limit", "limit", 1),
        ):  # fmt: skip
            told.setdefault(what, []).append(apart(work, db, workers))
    best = {what: min(runs, key=lambda run: run["seconds"]) for what, runs in told.items()}
    errors += len({run["digest"] for run in told["one"] + told["two"]}) - 1
    errors += best["replay"]["events"] != best["limit"]["events"]
    rate = {what: run["events"] / run["seconds"] for what, run in best.items()}
    return {
        "rebuild_events_per_s_core": rate["one"],
        "rebuild_vs_scan": rate["one"] / rate["scan"],
        "rebuild_events_per_s_2": rate["two"],
        "rebuild_workers_2_vs_1": rate["two"] / rate["one"],
        "rebuild_peak_mb": best["one"]["peak_mb"],
        "replay_events_per_s": rate["replay"],
        "replay_vs_limit": rate["replay"] / rate["limit"],
    }, errors
