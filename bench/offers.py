"""Lists of what members are about to need, made from the log on one core.

Beside it, the pace at which the same events are replayed into typed objects: a list cannot be made
faster than its member is read.
"""

from __future__ import annotations

import time

from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger
from ledger.store.replay import replay
from ledger.types import day_of

BATCH = 1_000
TARGET = 2_000


def measure(stage: Stage) -> None:
    """Members a second, and how that compares with reading alone."""
    with LoyaltyLedger.create(stage.database(), stage.text) as ledger:
        for chunk in chunks(stage.receipts, BATCH):
            for outcome in ledger.record_all(chunk, history=True, enrol=True):
                if isinstance(outcome, BaseException):
                    stage.error(outcome)
        ledger.fit_offers("bench", "bench", as_of=day_of(stage.receipts[-1].captured_at.date()))
        lists = ledger.offer_lists().lists  # of today: the model was recorded just now
        began = time.perf_counter()
        made = sum(bool(one.shopping.lines) for one in lists)
        listed = time.perf_counter() - began
        began = time.perf_counter()
        scans = sum(1 for _ in replay(ledger.log, ledger.codec, ("scan",)))
        read = time.perf_counter() - began
    members = len({receipt.card for receipt in stage.receipts if receipt.card})
    if made != members:
        stage.error(f"{made} lists for {members} members")
    stage.ratio("lists made, members/s", made / listed, made / read, "schedule_vs_replay",
                whose="replay")  # fmt: skip
    print(f"  {'receipts a member':44}{scans / made:>12.1f}   aim {TARGET} members/s")
    stage.figure("schedule_members_per_s", made / listed)
