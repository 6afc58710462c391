"""`loyalty statement`: a member's points, movement by movement."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from adapters.cli.render import Speaker, day, money, table, when
from adapters.cli.values import instant
from ledger.application import LoyaltyLedger
from ledger.projections.queries import Movement


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("member", help="a card's number, or the member's id")
    parser.add_argument("--from", dest="from_", type=instant, default=0)
    parser.add_argument("--until", type=instant, default=2**62, help="(not included)")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the movements."""
    with LoyaltyLedger.open(options.db) as ledger:
        movements = ledger.statement(options.member, options.from_, options.until)
        currency = ledger.programme_at(ledger.clock()).programme.currency
    rows = [{**m._asdict(), "captured_at": when(m.captured_at), "expires_at": when(m.expires_at)}
            for m in movements]  # fmt: skip
    speaker.say({"movements": rows, "sum": sum(m.points for m in movements)},
                statement_lines(movements, currency))  # fmt: skip
    return 0


def statement_lines(movements: Sequence[Movement], currency: str) -> list[str]:
    """The movements as a table."""
    head = ("date", "what", "points", "expires", "receipt", "amount", "why")
    rows = [
        (
            day(m.captured_at), m.kind, m.points, day(m.expires_at) if m.expires_at else "-",
            m.receipt or "",
            money(m.amount_minor, currency) if m.amount_minor is not None else "", m.reason,
        )
        for m in movements
    ]  # fmt: skip
    return table(head, rows) if rows else ["No movements."]
