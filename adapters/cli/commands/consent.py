"""`loyalty consent give|revoke`: whether a member wants to be told offers."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("give", "revoke"))
    parser.add_argument("card", help="the card's number")
    parser.add_argument("--author", required=True, help="who takes it in")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Record what the member said."""
    given = options.action == "give"
    with LoyaltyLedger.open(options.db) as ledger:
        made = command_id(options, speaker)
        outcome = ledger.set_consent(options.card, options.author, made, given=given)
    done = "Consents to be told offers" if given else "Does not consent to be told offers any more"
    before = " (done before)" if outcome.repeat else ""
    data = {"member_id": outcome.stream.hex(), "given": given, "repeat": outcome.repeat}
    speaker.say(data, [f"{done}{before}."])
    return 0
