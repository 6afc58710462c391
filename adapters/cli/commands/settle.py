"""`loyalty settle`: a hold paid out."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, money
from adapters.cli.values import instant, whole
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("hold", help="the command id that held the points")
    parser.add_argument("--points", type=whole, default=0, help="(default: all that is held)")
    parser.add_argument("--at", type=instant, help="when the till settled (default: now)")
    parser.add_argument("--basket", type=whole, default=0, help="what it costs, in minor units")
    parser.add_argument("--store", default="")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Pay the hold out."""
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.settle(
            options.hold, options.points, captured_at=options.at, store=options.store,
            basket_minor=options.basket,
        )  # fmt: skip
        event = ledger.event(outcome)
        currency = ledger.programme_at(event.captured_at).programme.currency
    points = sum(t.points for t in event.takes + event.unexpired) + event.arrears
    data = {
        "hold": options.hold, "points": points, "value_minor": event.value_minor,
        "arrears": event.arrears, "repeat": outcome.repeat,
    }  # fmt: skip
    again = " (done before)" if outcome.repeat else ""
    owed = f", {event.arrears} of them owed" if event.arrears else ""
    speaker.say(data, [f"{points} points{owed} for {money(event.value_minor, currency)}{again}."])
    return 0
