"""`loyalty staff`: say which cashier holds a card."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="the card's number")
    parser.add_argument("cashier", help="as tills say it; empty: the holder is no cashier any more")
    parser.add_argument("--author", required=True)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Mark the card."""
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.mark_staff_card(options.card, options.cashier, options.author)
    again = " already" if outcome.repeat else ""
    told = f"is cashier {options.cashier}" if options.cashier else "is no cashier"
    data = {"member_id": outcome.stream.hex(), "repeat": outcome.repeat}
    speaker.say(data, [f"The card's holder {told}{again}."])
    return 0
