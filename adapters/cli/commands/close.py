"""`loyalty close`: a member leaves."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("member", help="a card of the member")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--author", required=True)
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Close the account."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.close_member(options.member, options.reason, options.author, made)
    again = " already" if outcome.repeat else ""
    data = {"command_id": made, "member_id": outcome.stream.hex(), "repeat": outcome.repeat}
    speaker.say(data, [f"{outcome.stream.hex()} is closed{again}."])
    return 0
