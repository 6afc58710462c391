"""`loyalty complaint open|answer|resolve`: complaints on receipt lines."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker
from adapters.cli.values import add_command_id, add_role, command_id, receipt_key, whole
from ledger.application import LoyaltyLedger
from ledger.commands.common import Outcome
from ledger.errors import InputInvalid
from ledger.types import ReceiptKey


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("open", "answer", "resolve"))
    parser.add_argument("card", help="the member's card")
    parser.add_argument("text", help="what was wrong, what was answered, how it ended")
    parser.add_argument("--receipt", type=receipt_key, help="STORE/LANE/DATE/NUMBER (to open)")
    parser.add_argument("--line", type=whole, default=1, help="counted from 1 (to open)")
    parser.add_argument("--complaint", help="the complaint's id (to answer or resolve)")
    parser.add_argument("--points", type=whole, default=0, help="compensation (to resolve)")
    parser.add_argument("--author", default="", help="who at the service desk")
    add_role(parser)
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Open, answer or resolve."""
    needed = "receipt" if options.action == "open" else "complaint"
    if getattr(options, needed) is None:
        raise InputInvalid(f"To {options.action} a complaint, --{needed} is needed.", field=needed)
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome, complaint = _act(ledger, options, made)
    again = " (done before)" if outcome.repeat else ""
    done = {"open": "opened", "answer": "answered", "resolve": "resolved"}[options.action]
    data = {"command_id": made, "complaint": complaint, "done": done, "repeat": outcome.repeat}
    speaker.say(data, [f"Complaint {complaint} {done}{again}."])
    return 0


def _act(ledger: LoyaltyLedger, options: argparse.Namespace, made: str) -> tuple[Outcome, str]:
    card, text, author = options.card, options.text, options.author
    if options.action == "open":
        receipt: ReceiptKey = options.receipt
        opened = ledger.open_complaint(card, receipt, options.line, text, author, made)
        return opened, ledger.complaint_id(made)
    complaint: str = options.complaint
    if options.action == "answer":
        return ledger.answer_complaint(card, complaint, text, author, made), complaint
    points = options.points
    resolved = ledger.resolve_complaint(
        card, complaint, text, points, author, made, role=options.role,
        approved_by=options.approved_by, approver_role=options.approver_role,
    )  # fmt: skip
    return resolved, complaint
