"""`loyalty voucher use|show`: money off that was bought with points."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, money, when
from adapters.cli.values import add_command_id, command_id
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("use", "show"))
    parser.add_argument("code", help="as it was printed")
    parser.add_argument("--store", default="")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Let the voucher pay, or say what it is."""
    with LoyaltyLedger.open(options.db) as ledger:
        data: dict[str, object] = {}
        if options.action == "use":
            made = command_id(options, speaker)
            used = ledger.use_voucher(options.code, made, options.store)
            data = {"command_id": made, "repeat": used.repeat}
        known = ledger.voucher(options.code)
        currency = ledger.programme_at(ledger.clock()).programme.currency
    over = known.valid_until <= ledger.clock()
    state = (
        "cancelled" if known.cancelled else "used" if known.used else "expired" if over else "valid"
    )
    data |= {
        "state": state, "value_minor": known.value_minor, "valid_until": when(known.valid_until),
    }  # fmt: skip
    again = " (done before)" if data.get("repeat") else ""
    speaker.say(data, [f"A voucher of {money(known.value_minor, currency)}: {state}{again}."])
    return 0
