"""`loyalty transfer`: points from one member to another."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id, whole
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="a card of the giver")
    parser.add_argument("to", help="a card of the receiver")
    parser.add_argument("points", type=whole)
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Transfer."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.transfer(options.card, options.to, options.points, made)
        left = ledger.balance(options.card).available
    again = " (done before)" if outcome.repeat else ""
    data = {"command_id": made, "repeat": outcome.repeat, "available": left}
    speaker.say(data, [f"{options.points} points transferred{again}; {left} left."])
    return 0
