"""`loyalty export parquet`: the log in a form that other tools read."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters.cli.render import Speaker
from adapters.cli.values import positive, whole
from ledger.application import LoyaltyLedger

_TOLD = {
    "new": "",
    "resumed": "An earlier export was cut off; it went on after position {after}.\n",
    "anew": "An earlier export was cut off and did not fit; it was begun anew.\n",
    "already": "It was there already; nothing was written.\n",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("format", choices=("parquet",))
    parser.add_argument("folder", type=Path, help="a new one")
    parser.add_argument("--since", type=whole, default=0, help="only events after this position")
    parser.add_argument("--until", type=whole, help="the last position (default: the head)")
    parser.add_argument("--part-events", type=positive, default=500_000, help="events a file")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Export, or go on with an export that was cut off."""
    from adapters.export.parquet import export

    with LoyaltyLedger.open(options.db) as ledger:
        total = (options.until or ledger.log.head()) - options.since
        with speaker.progress("export", max(total, 0), "ev") as update:
            done = export(
                ledger, options.folder, since=options.since, until=options.until,
                part_events=options.part_events, progress=update,
            )  # fmt: skip
    manifest = done.manifest
    data = {
        "folder": str(options.folder), "how": done.how, "after": done.after,
        "since": manifest.since, "until": manifest.until, "rows": manifest.rows,
        "parts": len(manifest.parts), "bytes": sum(part.bytes for part in manifest.parts),
    }  # fmt: skip
    counts = ", ".join(f"{count} {table}" for table, count in manifest.rows.items())
    told = _TOLD[done.how].format(after=done.after).splitlines()
    range_ = f"after position {manifest.since} up to {manifest.until}"
    speaker.say(data, [*told, f"Events {range_} in {options.folder}: {counts}."])
    return 0
