"""`loyalty return`: goods brought back."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id, line_quantity, receipt_key
from ledger.application import LoyaltyLedger
from ledger.events import GoodsReturned


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("receipt", type=receipt_key, help="STORE/LANE/DATE/NUMBER")
    parser.add_argument(
        "--line", type=line_quantity, action="append", metavar="LINE:QUANTITY",
        help="(default: everything that did not come back yet)",
    )  # fmt: skip
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Take the goods back."""
    made = command_id(options.command_id)
    speaker.note(f"command id {made}")
    lines: dict[int, int] = {}
    for line, quantity in options.line or ():
        lines[line] = lines.get(line, 0) + quantity
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.return_goods(options.receipt, made, lines)
        event = ledger.event(outcome)
    member = isinstance(event, GoodsReturned)
    points = sum(event.points) if member else 0
    data = {
        "command_id": made, "points": points, "amount_minor": sum(event.amounts_minor),
        "arrears": event.arrears if member else 0, "repeat": outcome.repeat,
    }  # fmt: skip
    again = " (done before)" if outcome.repeat else ""
    owed = f", {event.arrears} of them owed" if member and event.arrears else ""
    speaker.say(data, [f"Taken back{again}: {points} points{owed}."])
    return 0
