"""`loyalty review list|approve|deny`: what waits for a person."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, table, when
from adapters.cli.values import add_command_id, command_id, receipt_key
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("list", "approve", "deny"))
    parser.add_argument("receipt", nargs="?", help="its id as listed, or STORE/LANE/DATE/NUMBER")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--flagged", action="store_true", help="list flagged receipts instead")
    shown.add_argument("--decided", action="store_true", help="list what was decided instead")
    parser.add_argument("--reason", default="", help="why (to approve or deny)")
    parser.add_argument("--author", default="", help="who decides (to approve or deny)")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """List, or decide."""
    if options.action == "list":
        return _list(options, speaker)
    if not options.receipt:
        raise InputInvalid(f"To {options.action}, a receipt is needed.", field="receipt")
    receipt = receipt_key(options.receipt) if "/" in options.receipt else options.receipt
    made = command_id(options, speaker)
    approve = options.action == "approve"
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.decide_review(
            receipt, options.reason, options.author, made, approve=approve
        )
    done = "approved" if approve else "denied"
    again = " (done before)" if outcome.repeat else ""
    data = {"command_id": made, "done": done, "repeat": outcome.repeat}
    speaker.say(data, [f"The receipt is {done}{again}."])
    return 0


def _list(options: argparse.Namespace, speaker: Speaker) -> int:
    with LoyaltyLedger.open(options.db) as ledger:
        found = ledger.reviews(flagged=options.flagged, decided=options.decided)
    rows = [
        {
            **row._asdict(), "review_id": row.review_id.hex(),
            "member_id": row.member_id.hex() if row.member_id else None,
            "opened_at": when(row.opened_at), "decided_at": when(row.decided_at),
        }
        for row in found
    ]  # fmt: skip
    head = ("receipt", "kind", "store", "points", "opened", "limits", "decision", "author")
    cells = [
        (
            row["review_id"], row["kind"], row["store"], row["points"], row["opened_at"],
            row["breaches"], row["decision"], row["author"] or "",
        )
        for row in rows
    ]  # fmt: skip
    speaker.say({"reviews": rows}, table(head, cells) if cells else ["Nothing."])
    return 0
