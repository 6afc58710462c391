"""`loyalty card link|replace|block`: a member's cards."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("link", "replace", "block"))
    parser.add_argument("card", help="a card that the member holds")
    parser.add_argument("new", nargs="?", help="the new card, to link or to replace with")
    parser.add_argument("--reason", default="lost", help="why it is blocked")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Change the card."""
    if (options.new is None) != (options.action == "block"):
        raise InputInvalid("Linking and replacing need the new card, blocking none.", field="new")
    with LoyaltyLedger.open(options.db) as ledger:
        if options.action == "link":
            outcome = ledger.link_card(options.card, options.new)
        elif options.action == "replace":
            outcome = ledger.replace_card(options.card, options.new)
        else:
            outcome = ledger.block_card(options.card, options.reason)
    done = {"link": "linked", "replace": "replaced", "block": "blocked"}[options.action]
    again = " already" if outcome.repeat else ""
    speaker.say(
        {"member_id": outcome.stream.hex(), "done": done, "repeat": outcome.repeat},
        [f"The card is {done}{again}."],
    )
    return 0
