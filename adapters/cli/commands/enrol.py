"""`loyalty enrol`: make a member."""

from __future__ import annotations

import argparse
import datetime as dt

from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger
from ledger.types import Personal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="the card's number")
    parser.add_argument("--name", default="")
    parser.add_argument("--email", default="")
    parser.add_argument("--phone", default="")
    parser.add_argument("--birthday", type=dt.date.fromisoformat, help="YYYY-MM-DD")
    parser.add_argument("--kind", choices=("person", "household", "organisation"), default="person")
    parser.add_argument(
        "--identity", default="", help="an e-mail address or telephone number only one member has"
    )
    parser.add_argument("--store", default="", help="where the member joined")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Enrol."""
    personal = Personal(
        name=options.name, email=options.email, phone=options.phone, birthday=options.birthday
    )
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.enrol(
            options.card, personal, options.store, kind=options.kind, identity=options.identity
        )
    member = outcome.stream.hex()
    first = "is a member already" if outcome.repeat else "is a member"
    speaker.say({"member_id": member, "repeat": outcome.repeat}, [f"{member} {first}."])
    return 0
