"""`loyalty hold`: points reserved until a till knows whether the purchase goes through."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, when
from adapters.cli.values import add_command_id, command_id, whole
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="the card's number")
    parser.add_argument("points", type=whole)
    parser.add_argument("--minutes", type=whole, default=0, help="(default: the programme's most)")
    parser.add_argument("--basket", type=whole, default=0, help="what it costs, in minor units")
    parser.add_argument("--store", default="")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Reserve."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.hold(
            options.card, options.points, made, minutes=options.minutes, store=options.store,
            basket_minor=options.basket,
        )  # fmt: skip
        event = ledger.event(outcome)
        balance = ledger.balance(options.card)
    again = " (done before)" if outcome.repeat else ""
    ends = when(event.ends_at)
    data = {
        "hold": made, "points": event.points, "ends_at": ends, "repeat": outcome.repeat,
        "available": balance.available,
    }  # fmt: skip
    line = f"{event.points} points held until {ends}{again}; {balance.available} left. Hold {made}."
    speaker.say(data, [line])
    return 0
