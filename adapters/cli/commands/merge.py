"""`loyalty merge`: two members become one."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="a card of the member who goes")
    parser.add_argument("into", help="a card of the member who stays")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--author", required=True)
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Merge."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.merge(options.card, options.into, options.reason, options.author, made)
        event = ledger.event(outcome)
    points = sum(take.points for take in event.takes)
    again = " (done before)" if outcome.repeat else ""
    data = {
        "command_id": made, "repeat": outcome.repeat, "member_id": event.member.hex(),
        "into": outcome.stream.hex(), "points": points, "arrears": event.arrears,
        "cards": len(event.cards),
    }  # fmt: skip
    line = f"{event.member.hex()} is part of {outcome.stream.hex()}{again}: {points} points moved."
    speaker.say(data, [line])
    return 0
