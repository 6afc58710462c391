"""`loyalty adjust`: points given or taken by hand."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, add_role, command_id, whole
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="the card's number")
    parser.add_argument("points", type=whole, help="below zero to take")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--author", required=True)
    add_role(parser)
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Adjust."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.adjust(
            options.card, options.points, options.reason, options.author, made, role=options.role,
            approved_by=options.approved_by, approver_role=options.approver_role,
        )  # fmt: skip
        balance = ledger.balance(options.card)
    again = " (done before)" if outcome.repeat else ""
    data = {"command_id": made, "repeat": outcome.repeat, "available": balance.available}
    speaker.say(data, [f"Adjusted by {options.points}{again}; {balance.available} available."])
    return 0
