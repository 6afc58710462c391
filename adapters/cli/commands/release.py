"""`loyalty release`: a hold given up."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("hold", help="the command id that held the points")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Give the hold up."""
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.release(options.hold)
        event = ledger.event(outcome)
    points = sum(take.points for take in event.takes)
    again = " already" if outcome.repeat else ""
    data = {"hold": options.hold, "points": points, "repeat": outcome.repeat}
    speaker.say(data, [f"The {points} points are free{again}."])
    return 0
