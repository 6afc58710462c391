"""One member on all tills: ours next to the hand-written program, whose callers wait for one row."""

from __future__ import annotations

import msgspec

from bench.callers import Awaited, Ours, Program, drive, look_at
from bench.online import BY_LINE, MANY, handwritten
from bench.stage import Stage, chunks
from ledger.application import LoyaltyLedger

MOST, ROUND = 10_000, 500
TARGETS = {"postgres": 10.0}


def measure(stage: Stage) -> None:
    """All receipts on one card, from 64 callers, chunk by chunk in turn."""
    few = stage.receipts[:MOST]
    receipts = [msgspec.structs.replace(receipt, card="hot") for receipt in few]
    ours = Ours(LoyaltyLedger.create(stage.database(), stage.text))
    others = handwritten(stage, MANY)
    awaited = Awaited(LoyaltyLedger.create(stage.database(), stage.text))
    programs: dict[str, Program] = {
        "threads": ours, "tasks": awaited, BY_LINE: others[BY_LINE],
    }  # fmt: skip
    seconds = dict.fromkeys(programs, 0.0)
    for number, chunk in enumerate(chunks(receipts, ROUND)):
        for name in list(programs)[:: 1 if number % 2 else -1]:
            driven = drive(programs[name], chunk, MANY)
            seconds[name] += driven.seconds
            for error in driven.errors:
                stage.error(error)
    stage.ratio(
        f"one member, {MANY} callers, receipts/s",
        len(receipts) / min(seconds["threads"], seconds["tasks"]),
        len(receipts) / seconds[BY_LINE], "hot_member_vs_handwritten", whose="handwritten",
        target=TARGETS.get(stage.store),
    )  # fmt: skip
    for one in (ours, awaited):
        look_at(stage, one.ledger, len(receipts))
    for program in (ours, awaited, *reversed(others.values())):
        program.close()
