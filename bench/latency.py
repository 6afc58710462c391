"""How long a till waits: with all callers busy, and at the times when receipts come by themselves.

In the second half receipts are due at times drawn beforehand (Poisson) at 60 % of the rate that
the first half reached; each is counted from when it was due, not from when a caller was free.
"""

from __future__ import annotations

import itertools
import random

from bench.callers import Ours, drive, look_at, percentiles_us
from bench.online import MANY
from bench.stage import Stage
from ledger.application import LoyaltyLedger

MOST, WARM = 30_000, 200
LOAD = 0.6
SEED = 1


def measure(stage: Stage) -> None:
    """Print and keep percentiles in microseconds."""
    ours = Ours(LoyaltyLedger.create(stage.database(), stage.text))
    receipts = stage.receipts[:MOST]
    warm, rest = receipts[:WARM], receipts[WARM:]
    half = len(rest) // 2
    rng = random.Random(SEED)
    waits = [rng.expovariate(1) for _ in rest[half:]]
    errors = drive(ours, warm, MANY).errors
    closed = drive(ours, rest[:half], MANY)
    rate = LOAD * half / closed.seconds
    due = [at / rate for at in itertools.accumulate(waits)]
    opened = drive(ours, rest[half:], MANY, due)
    for what, key, driven in (
        (f"{MANY} callers, none idle", "closed", closed),
        (f"due at {rate:,.0f} a second", "open", opened),
    ):
        found = percentiles_us(driven.took_ns)
        shown = "   ".join(f"{share} {us:>9,.0f}" for share, us in found.items())
        print(f"  {f'us a receipt, {what}':58}{shown}")
        for share, us in found.items():
            stage.figure(f"{key}_{share}_us", us)
    stage.figure("open_per_s", rate)
    for error in [*errors, *closed.errors, *opened.errors]:
        stage.error(error)
    look_at(stage, ours.ledger, len(receipts))
    ours.close()
