"""`loyalty status`: how far the reporting tables have come."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--digests", action="store_true", help="read all tables for their digests")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the status."""
    with LoyaltyLedger.open(options.db) as ledger:
        digests = ledger.digests() if options.digests else {}
        rows = ledger.status()
        head = ledger.log.head()
    data = {"head": head, "projections": [{**s._asdict(), "digest": digests.get(s.projection)}
                                          for s in rows]}  # fmt: skip
    lines = [f"The log holds {head} events."]
    shown = [(s.projection, s.position, s.lag, digests.get(s.projection, "")[:16]) for s in rows]
    speaker.say(data, lines + table(("projection", "position", "lag", "digest"), shown))
    return 0
