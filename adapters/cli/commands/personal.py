"""`loyalty personal complete|change`: who a member is."""

from __future__ import annotations

import argparse
import datetime as dt

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id
from ledger.application import LoyaltyLedger
from ledger.types import Personal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("complete", "change"))
    parser.add_argument("card", help="the card's number")
    parser.add_argument("--name", default="")
    parser.add_argument("--email", default="")
    parser.add_argument("--phone", default="")
    parser.add_argument("--birthday", type=dt.date.fromisoformat, help="YYYY-MM-DD")
    parser.add_argument("--author", default="", help="who changes them")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Complete or change."""
    personal = Personal(
        name=options.name, email=options.email, phone=options.phone, birthday=options.birthday
    )
    with LoyaltyLedger.open(options.db) as ledger:
        if options.action == "complete":
            outcome = ledger.complete(options.card, personal)
        else:
            made = command_id(options, speaker)
            outcome = ledger.change_personal(options.card, personal, options.author, made)
    done = {"complete": "completed", "change": "changed"}[options.action]
    again = " already" if outcome.repeat else ""
    data = {"member_id": outcome.stream.hex(), "done": done, "repeat": outcome.repeat}
    speaker.say(data, [f"The personal data are {done}{again}."])
    return 0
