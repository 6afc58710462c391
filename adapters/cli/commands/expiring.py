"""`loyalty expiring`: whose points are gone soon."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, table, when
from adapters.cli.values import positive
from ledger.application import LoyaltyLedger
from ledger.projections.queries import Expiring


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--within", type=positive, required=True, metavar="DAYS")
    parser.add_argument("--limit", type=positive, default=100, help="rows at most (default: 100)")
    parser.add_argument("--after", type=_place, help="`next` of the page before")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show one page, the soonest first."""
    with LoyaltyLedger.open(options.db) as ledger:
        found = ledger.expiring(options.within, options.limit, options.after)
    more = None
    if len(found) == options.limit:
        more = f"{found[-1].expires_at}/{found[-1].member_id.hex()}"
    rows = [(row.member_id.hex(), row.points, when(row.expires_at)) for row in found]
    data = {
        "expiring": [dict(zip(("member_id", "points", "expires_at"), r, strict=True)) for r in rows],
        "next": more,
    }  # fmt: skip
    lines = table(("member", "points", "expires"), rows) if rows else ["Nothing expires."]
    speaker.say(data, [*lines, *([f"More: --after {more}"] if more else [])])
    return 0


def _place(text: str) -> Expiring:
    expires_at, _, member = text.partition("/")
    try:
        return Expiring(bytes.fromhex(member), int(expires_at), 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is not `next` of a page before") from None
