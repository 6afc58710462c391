"""`loyalty rhythm`: how often a member comes, and buys what."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, money, table
from adapters.cli.values import positive
from ledger.application import LoyaltyLedger
from ledger.application.rhythm import RhythmView
from ledger.types import LEVELS, date_of

DAYS = ("first_day", "last_day")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("card", help="a card number, or a member's id")
    parser.add_argument(
        "--level", type=int, choices=range(LEVELS + 1), default=0,
        help="0: by product; 1: by the catalogue's nearest groups; 4: by the widest",
    )  # fmt: skip
    parser.add_argument("--limit", type=positive, default=20, help="rows at most (default: 20)")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the visits, and what is bought, most often first."""
    with LoyaltyLedger.open(options.db) as ledger:
        found = ledger.rhythm_of(options.card, options.level)
    if found is None:
        speaker.say({"visits": 0, "habits": []}, ["Nothing bought."])
        return 0
    habits = found.habits[: options.limit]
    rows = [
        one._asdict() | {day: str(date_of(getattr(one, day))) for day in DAYS} for one in habits
    ]
    data = found._asdict() | {"member_id": found.member_id.hex(), "habits": rows}
    data |= {day: str(date_of(getattr(found, day))) for day in DAYS}
    speaker.say(data, _lines(found, options.limit))
    return 0


def _lines(found: RhythmView, limit: int) -> list[str]:
    visits = (
        f"{found.rhythm}: {found.visits} visits from {date_of(found.first_day)} to"
        f" {date_of(found.last_day)}, every {found.interval_days} days,"
        f" {money(found.spend_minor, found.currency)}."
    )
    head = ("code", "purchases", "last", "every", "quantity", "paid", "spend", "rhythm")
    rows = [
        (
            one.code or "-", one.purchases, date_of(one.last_day), one.every_days, one.quantity,
            money(one.paid_minor, found.currency), money(one.spend_minor, found.currency), one.rhythm,
        )
        for one in found.habits[:limit]
    ]  # fmt: skip
    return [visits, "", *table(head, rows)]
