"""`loyalty unpark`: what a report could not take, tried again."""

from __future__ import annotations

import argparse

from adapters.cli.commands.status import parked_data, parked_lines
from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger

LEFT = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("projection", nargs="*", help="(default: all of them)")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Try again, and show what is still left out."""
    with LoyaltyLedger.open(options.db) as ledger:
        before = len(ledger.parked())
        with speaker.progress("unpark", 0, "ev") as update:
            left = ledger.unpark(options.projection, update)
        taken = before - len(ledger.parked())
    data = {"taken": taken, "left": [parked_data(one) for one in left]}
    speaker.say(data, [f"Taken in: {taken}.", *parked_lines(left)])
    return LEFT if left else 0
