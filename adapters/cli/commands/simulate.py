"""`loyalty simulate`: a made-up chain's receipts, the same for the same seed."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from adapters.cli.render import Speaker
from adapters.cli.values import positive

DATABASE = False


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--members", type=positive, default=300)
    parser.add_argument("--weeks", type=positive, default=26)
    parser.add_argument("--stores", type=positive, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=dt.date.fromisoformat, default=dt.date(2025, 1, 6))
    parser.add_argument("--currency", default="EUR")
    parser.add_argument("--out", type=Path, help="(default: stdout)")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Write the receipts, one a line."""
    if options.out is None:
        write(options, sys.stdout.buffer)
        return 0
    with options.out.open("wb") as file:
        count = write(options, file)
    speaker.say(
        {"receipts": count, "out": str(options.out)}, [f"{count} receipts in {options.out}."]
    )
    return 0


def write(options: argparse.Namespace, file: object) -> int:
    """Write the receipts to a binary file and count them."""
    import msgspec

    from adapters.simulate import simulate

    encode = msgspec.json.Encoder().encode
    count = 0
    for receipt in simulate(
        members=options.members, weeks=options.weeks, stores=options.stores, seed=options.seed,
        start=options.start, currency=options.currency,
    ):  # fmt: skip
        file.write(encode(receipt) + b"\n")  # type: ignore[attr-defined]
        count += 1
    return count
