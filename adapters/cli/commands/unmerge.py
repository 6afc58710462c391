"""`loyalty unmerge`: a merge undone."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("merge", help="the command id of the merge")
    parser.add_argument("--author", required=True)
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Undo the merge."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.unmerge(options.merge, options.author, made)
        event = ledger.event(outcome)
    points = sum(take.points for take in event.takes)
    again = " (done before)" if outcome.repeat else ""
    data = {
        "command_id": made, "repeat": outcome.repeat, "member_id": event.member.hex(),
        "parted_from": outcome.stream.hex(), "points": points, "arrears": event.arrears,
        "receipts_between": event.receipts, "points_between": event.points,
    }  # fmt: skip
    lines = [
        f"{event.member.hex()} is its own again{again}: {points} points went back.",
        f"{event.receipts} receipts of the time between ({event.points} points) stay with"
        f" {outcome.stream.hex()}.",
    ]
    speaker.say(data, lines)
    return 0
