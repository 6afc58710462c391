"""`loyalty quote`: what baskets would earn and cost."""

from __future__ import annotations

import argparse
from pathlib import Path

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
    data = {"quotes": [{"number": r.number, **q._asdict()} for r, q in quotes]}
    rows = [
        (r.number, q.tier or "-", sum(q.points), sum(q.member_discounts_minor), q.available)
        for r, q in quotes
    ]
    head = ("receipt", "tier", "points", "member discount (minor)", "available")
    speaker.say(data, table(head, rows))
    return 0
