"""`loyalty redemption undo`: points of a redemption given back."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger
from ledger.events import PointsRestored


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("undo",))
    parser.add_argument("redemption", help="the command id of the redemption or hold")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--author", required=True)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Undo."""
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.undo_redemption(options.redemption, options.reason, options.author)
        event = ledger.event(outcome)
    points = 0
    if isinstance(event, PointsRestored) and not outcome.repeat:
        points = sum(take.points for take in event.takes) + event.arrears
    data = {"redemption": options.redemption, "points": points, "repeat": outcome.repeat}
    line = "It was undone before." if outcome.repeat else f"{points} points given back."
    speaker.say(data, [line])
    return 0
