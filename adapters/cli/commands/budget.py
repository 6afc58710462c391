"""`loyalty budget`: what campaigns have left to give."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, table
from ledger.application import LoyaltyLedger


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the budgets."""
    with LoyaltyLedger.open(options.db) as ledger:
        budgets = ledger.budgets()
    rows = [(b.name, b.points, b.drawn, max(0, b.points - b.drawn)) for b in budgets]
    heads = ("campaign", "points", "drawn", "left")
    data = {"budgets": [dict(zip(heads, row, strict=True)) for row in rows]}
    speaker.say(data, table(heads, rows) if rows else ["The programme has no campaigns."])
    return 0
