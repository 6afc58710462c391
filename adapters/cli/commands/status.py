"""`loyalty status`: how far the reporting tables have come."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger
from ledger.projections.parking import Parked


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--digests", action="store_true", help="read all tables for their digests")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the status."""
    with LoyaltyLedger.open(options.db) as ledger:
        digests = ledger.digests() if options.digests else {}
        rows = ledger.status()
        head = ledger.log.head()
        parked = ledger.parked()
    data = {"head": head, "projections": [{**s._asdict(), "digest": digests.get(s.projection)}
                                          for s in rows],
            "parked": [parked_data(one) for one in parked]}  # fmt: skip
    lines = [f"The log holds {head} events."]
    shown = [(s.projection, s.position, s.lag, digests.get(s.projection, "")[:16]) for s in rows]
    lines += table(("projection", "position", "lag", "digest"), shown)
    speaker.say(data, lines + parked_lines(parked))
    return 0


def parked_data(one: Parked) -> dict[str, object]:
    """What a report leaves out, for programs."""
    return {**one._asdict(), "stream": one.stream.hex()}


def parked_lines(parked: Sequence[Parked]) -> list[str]:
    """The same for people."""
    if not parked:
        return []
    shown = [(one.projection, one.stream.hex(), one.position, one.reason) for one in parked]
    return [
        f"Left out of reports: {len(parked)}. Try again with `loyalty unpark`.",
        *table(("projection", "stream", "from position", "reason"), shown),
    ]
