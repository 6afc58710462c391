"""`loyalty quote`: what baskets would earn and cost."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters.cli.commands.tier import needs_data, needs_text
from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("source", type=Path, help="an NDJSON file of receipts")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Quote every basket of the file."""
    from adapters.pos import ndjson
    from adapters.records import Bad

    quotes = []
    with LoyaltyLedger.open(options.db) as ledger:
        for item in ndjson.read(options.source):
            if isinstance(item, Bad):
                raise InputInvalid(f"Line {item.place.line}: {item.error}.", field=item.field)
            quotes.append((item.receipt, ledger.quote(item.receipt)))
    data = {
        "quotes": [
            {
                "number": r.number,
                **q._asdict(),
                "next_tier": q.next_tier and needs_data(q.next_tier),
            }
            for r, q in quotes
        ]
    }
    rows = [
        (
            r.number, q.tier or "-", sum(q.points), sum(q.member_discounts_minor), q.available,
            needs_text(q.next_tier, r.currency),
        )
        for r, q in quotes
    ]  # fmt: skip
    head = ("receipt", "tier", "points", "member discount (minor)", "available", "next tier")
    speaker.say(data, table(head, rows))
    return 0
