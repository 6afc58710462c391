"""`loyalty rebuild`: reporting tables anew from the log."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("projection", nargs="*", help="(default: all of them)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that read")
    parser.add_argument("--anew", action="store_true", help="do not go on with one that was killed")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Rebuild, and show the digests."""
    with LoyaltyLedger.open(options.db) as ledger:
        with speaker.progress("rebuild", ledger.log.head(), "ev") as update:
            position = ledger.rebuild(
                options.projection, update, workers=options.workers, anew=options.anew
            )
        digests = ledger.digests()
    lines = [f"Rebuilt up to position {position}."]
    lines += table(("projection", "digest"), sorted(digests.items()))
    speaker.say({"position": position, "digests": digests}, lines)
    return 0
