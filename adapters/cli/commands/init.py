"""`loyalty init`: make a ledger."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters.cli.render import Speaker
from ledger.application import LoyaltyLedger


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("programme", type=Path, help="the programme file (TOML)")
    parser.add_argument(
        "--secret", help="64 hex digits: stream ids are hashed under it (default: random)"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Make the ledger."""
    from adapters.cli.files import programme_text, secret_bytes

    secret = secret_bytes(options.secret) if options.secret else None
    with LoyaltyLedger.create(options.db, programme_text(options.programme), secret=secret) as made:
        programme = made.programme_at(made.clock()).programme
        data = {"programme": programme.name, "currency": programme.currency}
    speaker.say(data, [f"A ledger with the programme `{programme.name}` ({programme.currency})."])
    return 0
