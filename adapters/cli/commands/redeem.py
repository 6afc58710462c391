"""`loyalty redeem`: points into money off, a gift or a voucher."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, money
from adapters.cli.values import add_command_id, command_id, instant, whole
from ledger.application import LoyaltyLedger
from ledger.commands.common import Outcome
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="the card's number")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--points", type=whole, help="as money off")
    what.add_argument("--gift", help="the gift's code")
    what.add_argument("--voucher", help="the code of a kind of voucher")
    parser.add_argument("--variant", default="", help="of the gift")
    parser.add_argument("--basket", type=whole, default=0, help="what it costs, in minor units")
    parser.add_argument("--store", default="")
    parser.add_argument("--allowance", default="", help="the token under which it was done offline")
    parser.add_argument("--captured-at", type=instant, help="when it was, offline")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Redeem."""
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = _redeem(ledger, options, made)
        event = ledger.event(outcome)
        currency = ledger.programme_at(event.captured_at).programme.currency
        balance = ledger.balance(options.card)
        code = ledger.voucher_code(made) if event.voucher else ""
    got = " ".join(filter(None, ("the gift", event.gift, event.variant)))
    if not event.gift:
        got = f"the voucher {code}" if code else money(event.value_minor, currency)
    again = " (done before)" if outcome.repeat else ""
    data = {
        "command_id": made, "points": event.points, "value_minor": event.value_minor,
        "gift": event.gift, "variant": event.variant, "voucher": code, "repeat": outcome.repeat,
        "available": balance.available, "owed": event.arrears,
    }  # fmt: skip
    owed = f", {event.arrears} of them owed" if event.arrears else ""
    line = f"{event.points} points for {got}{owed}{again}; {balance.available} left."
    speaker.say(data, [line])
    return 0


def _redeem(ledger: LoyaltyLedger, options: argparse.Namespace, made: str) -> Outcome:
    if not options.allowance and options.captured_at is None:
        return ledger.redeem(
            options.card, made, points=options.points or 0, gift=options.gift or "",
            store=options.store, variant=options.variant, voucher=options.voucher or "",
            basket_minor=options.basket,
        )  # fmt: skip
    if options.points is None:
        raise InputInvalid("Offline, points pay as money off only.", field="allowance")
    if not options.allowance or options.captured_at is None:
        missing = "captured_at" if options.allowance else "allowance"
        raise InputInvalid("`--allowance` and `--captured-at` go together.", field=missing)
    return ledger.redeem_offline(
        options.card, options.points, made, options.allowance, options.captured_at,
        store=options.store, basket_minor=options.basket,
    )  # fmt: skip
