"""`loyalty return`: goods brought back, and a return taken back."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, command_id, line_quantity, receipt_key, whole
from ledger.application import LoyaltyLedger
from ledger.commands.common import Outcome
from ledger.errors import InputInvalid
from ledger.events import GoodsReturned, GoodsReturnedLoose, ReturnVoided
from ledger.types import ReceiptKey


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("receipt", type=receipt_key, nargs="?", help="STORE/LANE/DATE/NUMBER")
    parser.add_argument(
        "--line", type=line_quantity, action="append", metavar="LINE:QUANTITY",
        help="(default: everything that did not come back yet)",
    )  # fmt: skip
    parser.add_argument("--void", metavar="BY", type=_by, help="take a return back: the receipt or"
                        " the command id that brought the goods")  # fmt: skip
    parser.add_argument("--without-receipt", metavar="CARD", help="nobody knows the receipt")
    parser.add_argument("--amount", type=whole, help="what was paid back, in minor units")
    parser.add_argument("--author", default="", help="who at the service desk")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Take the goods back, or the return."""
    if (options.receipt is None) != (options.without_receipt is not None):
        raise InputInvalid("Either a receipt is needed, or --without-receipt.", field="receipt")
    if options.without_receipt is not None and options.amount is None:
        raise InputInvalid("Without a receipt, --amount is needed.", field="amount")
    if options.void and (options.line or options.without_receipt is not None):
        raise InputInvalid("A return is taken back as a whole.", field="void")
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = _act(ledger, options, made)
        event = ledger.event(outcome)
    points, amount = 0, 0
    if isinstance(event, GoodsReturnedLoose):
        points, amount = event.points, event.amount_minor
    elif isinstance(event, (GoodsReturned, ReturnVoided)):
        points = sum(event.points)
    amount = amount or sum(getattr(event, "amounts_minor", ()))
    arrears = getattr(event, "arrears", 0)
    data = {
        "command_id": made, "points": points, "amount_minor": amount, "arrears": arrears,
        "repeat": outcome.repeat,
    }  # fmt: skip
    again = " (done before)" if outcome.repeat else ""
    owed = f", {arrears} of them owed{' no more' if options.void else ''}" if arrears else ""
    done = "Given again" if options.void else "Taken back"
    speaker.say(data, [f"{done}{again}: {points} points{owed}."])
    return 0


def _act(ledger: LoyaltyLedger, options: argparse.Namespace, made: str) -> Outcome:
    if options.without_receipt is not None:
        return ledger.return_without_receipt(
            options.without_receipt, options.amount, options.author, made
        )
    if options.void:
        return ledger.void_return(options.receipt, options.void, made)
    lines: dict[int, int] = {}
    for line, quantity in options.line or ():
        lines[line] = lines.get(line, 0) + quantity
    return ledger.return_goods(options.receipt, made, lines)


def _by(text: str) -> ReceiptKey | str:
    return receipt_key(text) if text.count("/") == 3 else text
