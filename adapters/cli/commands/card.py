"""`loyalty card link|replace|block|limit`: a member's cards."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id, whole
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("link", "replace", "block", "limit"))
    parser.add_argument("card", help="a card that the member holds")
    parser.add_argument("new", nargs="?", help="the new card, to link or to replace with")
    parser.add_argument("--reason", default="lost", help="why it is blocked")
    parser.add_argument("--holder", default="", help="who holds it, if not the member")
    parser.add_argument("--no-redeem", action="store_true", help="it may not spend points")
    parser.add_argument("--limit-day", type=whole, default=-1, help="points it may spend on a day")
    parser.add_argument("--author", default="", help="who limits it")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Change the card."""
    if (options.new is None) != (options.action in {"block", "limit"}):
        detail = "Linking and replacing need the new card, blocking and limiting none."
        raise InputInvalid(detail, field="new")
    with LoyaltyLedger.open(options.db) as ledger:
        if options.action == "link":
            outcome = ledger.link_card(
                options.card, options.new, holder=options.holder,
                may_redeem=not options.no_redeem, redeem_limit_day=options.limit_day,
            )  # fmt: skip
        elif options.action == "replace":
            outcome = ledger.replace_card(options.card, options.new)
        elif options.action == "limit":
            made = command_id(options, speaker)
            outcome = ledger.set_card_limits(
                options.card, options.author, made, holder=options.holder,
                may_redeem=not options.no_redeem, redeem_limit_day=options.limit_day,
            )  # fmt: skip
        else:
            outcome = ledger.block_card(options.card, options.reason)
    done = {"link": "linked", "replace": "replaced", "block": "blocked", "limit": "limited"}[
        options.action
    ]
    again = " already" if outcome.repeat else ""
    speaker.say(
        {"member_id": outcome.stream.hex(), "done": done, "repeat": outcome.repeat},
        [f"The card is {done}{again}."],
    )
    return 0
