"""Lists of what members are about to need, on one core, and what keeping their rows costs.

Histories are made up in the size of LGSR's, the grocery data that the aims are told for: there a
card has 75.7 receipts of 6.5 lines each; here it has 76 of 1 to 12, from 5,000 products. Beside the
lists from rows, the same lists from the log, which must be the same; beside keeping the rows, taking
the receipts in, from files as `loyalty ingest` does.
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from adapters.ingest import ingest
from adapters.pos import ndjson
from adapters.rejects import Rejects
from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger
from ledger.offers.histories import Cut, Histories
from ledger.projections.engine import Engine
from ledger.projections.rhythm import RHYTHM
from ledger.types import Day, Line, Receipt, day_of

PART = 10_000
MEMBERS, QUICK = 1_000, 60
VISITS, LINES, PRODUCTS, FAVOURITES = 76, 12, 5_000, 90
BEGAN = dt.datetime(2024, 1, 1, 8, tzinfo=dt.UTC)
AIM, AIM_SHARE = 2_000, 0.15
ROUNDS = 3


def measure(stage: Stage) -> None:
    """Members a second from rows and from the log; what share of ingest the rows take; memory."""
    members = QUICK if stage.quick else MEMBERS
    files, last_day = _written(stage, members)
    with LoyaltyLedger.create(stage.database(), stage.text) as ledger:
        _kept(stage, ledger, files, members * VISITS)
        ledger.catch_up()
        ledger.fit_offers("bench", "bench", as_of=last_day)
        _listed(stage, ledger, members)


def _written(stage: Stage, members: int) -> tuple[list[Path], Day]:
    """Receipts in files of some thousand, and the day of the last one."""
    files: list[Path] = []
    last_day = 0
    for part in chunks(list(histories(members, stage.currency)), PART):
        files.append(stage.folder / f"{stage.store}-{len(files)}.ndjson")
        files[-1].write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in part))
        last_day = day_of(part[-1].captured_at.date())
    return files, last_day


def _kept(stage: Stage, ledger: LoyaltyLedger, files: list[Path], count: int) -> None:
    """Receipts are taken in, a file at a time, and the rows follow."""
    engine = Engine(ledger.log, ledger.codec, ledger.keys, [RHYTHM])
    taken, kept, recorded = _Spent(), _Spent(), 0
    with Rejects(stage.folder / f"{stage.store}.rejects") as rejects:
        for path in files:
            recorded += taken.on(partial(_ingested, ledger, path, rejects))
            kept.on(engine.catch_up)
    if recorded != count:
        stage.error(f"{recorded} of {count} receipts recorded")
    stage.ratio("rhythms kept up to date, receipts/s", count / kept.wall, count / taken.wall,
                "rhythm_vs_ingest", whose="ingest")  # fmt: skip
    share = kept.cpu / taken.cpu
    of_rows = f"{kept.cpu / count * 1e6:.1f} us of {taken.cpu / count * 1e6:.1f}"
    print(f"  {'its share of the CPU of ingest':44}{share:>12.3f}   {of_rows}   aim {AIM_SHARE}")
    stage.figure("rhythm_share_of_ingest_cpu", share)


def _ingested(ledger: LoyaltyLedger, path: Path, rejects: Rejects) -> int:
    return ingest(ledger, ndjson.lines(path), rejects, history=True, enrol=True).recorded


def _listed(stage: Stage, ledger: LoyaltyLedger, members: int) -> None:
    """Lists of all members from rows and from the log, in turn."""
    from_log = _FromLog(ledger.log)
    rows, log = _Spent(), _Spent()
    for _ in range(ROUNDS):
        ours = rows.on(lambda: list(ledger.offer_lists().lists))
        theirs = log.on(lambda: list(from_log.offer_lists().lists))
        if ours != theirs:
            stage.error("lists from rows and from the log differ")
        if len(ours) != members or not all(one.shopping.lines for one in ours):
            stage.error(f"{len(ours)} lists for {members} members")
    made = members * ROUNDS
    stage.ratio("lists made, members/s", made / rows.wall, made / log.wall, "schedule_vs_log",
                whose="from the log", target=AIM)  # fmt: skip
    own = f"{made / rows.wall:,.0f} by the clock; {VISITS} receipts a member, 1 to {LINES} lines a receipt"
    print(f"  {'a second of this process, members':44}{made / rows.cpu:>12,.0f}   {own}")
    stage.figure("schedule_members_per_s", made / rows.wall)
    stage.figure("schedule_members_per_cpu_s", made / rows.cpu)
    half, whole = (_peak_kb(ledger, count) for count in (members // 2, members))
    print(f"  {'memory at most, kB':44}{whole:>12,}   for half of them {half:,}")
    stage.figure("schedule_peak_kb", whole)


def _peak_kb(ledger: LoyaltyLedger, members: int) -> int:
    """The most that lists of so many members take, one after another."""
    told = ledger.offer_lists().lists
    tracemalloc.start()
    for _ in itertools.islice(told, members):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak // 1024


class _FromLog(LoyaltyLedger):
    """The same door, for which there are no rows."""

    def histories(self, cut: Cut) -> Histories:
        return Histories(self.log, cut)


class _Spent:
    """Seconds of the clock and of this process."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def on(self, work: Callable[[], Any]) -> Any:
        """Do it, and add what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        return found


def histories(members: int, currency: str, seed: int = 5) -> Iterator[Receipt]:
    """Receipts in the order of their capture: each member has favourites, and buys others too."""
    rng = Random(seed)
    own = [rng.sample(range(PRODUCTS), FAVOURITES) for _ in range(members)]
    pace = [rng.randint(3, 10) for _ in range(members)]
    at = [rng.randrange(86_400 * 7) for _ in range(members)]
    visits = []
    for member in range(members):
        for _ in range(VISITS):
            at[member] += rng.randint(pace[member] - 2, pace[member] + 2) * 86_400
            visits.append((at[member], member))
    for number, (second, member) in enumerate(sorted(visits)):
        captured = BEGAN + dt.timedelta(seconds=second)
        yield Receipt(
            store=f"s{member % 20}", lane="1", business_date=captured.date(), number=str(number),
            captured_at=captured, currency=currency, card=f"card{member:06}",
            lines=tuple(_lines(rng, own[member])),
        )  # fmt: skip


def _lines(rng: Random, own: list[int]) -> Iterator[Line]:
    """Two in three are favourites, the first ones most often; each product once."""
    wanted = rng.randint(1, LINES)
    products: dict[int, None] = {}
    while len(products) < wanted:
        place = min(rng.randrange(FAVOURITES), rng.randrange(FAVOURITES))
        products[own[place] if rng.randrange(3) else rng.randrange(PRODUCTS)] = None
    for product in products:
        quantity = 1 if rng.randrange(5) else rng.randint(2, 6)
        yield Line(f"20{product:011}", quantity, quantity * (100 + product % 900))
