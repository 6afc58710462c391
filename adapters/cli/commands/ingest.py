"""`loyalty ingest`: receipts from a file or a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.cli.render import Speaker
from adapters.ingest import BATCH, Mark, Tally, ingest
from adapters.records import Found, Item
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid

REJECTED = 4
FORMATS = ("ndjson", "lgsr", "completejourney")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("source", type=Path, help="an NDJSON file, or a folder of retail data")
    parser.add_argument("--format", choices=FORMATS, help="(default: told by what is there)")
    parser.add_argument(
        "--history",
        action="store_true",
        help="import the past: recorded at the receipt's own time, no late limit",
    )
    parser.add_argument(
        "--enrol", action="store_true", help="make a member of every card that nobody holds"
    )
    parser.add_argument("--rejects", type=Path, help="(default: SOURCE.rejects.ndjson)")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N",
        help="processes that decide, each the members that are its own (default: this one)",
    )  # fmt: skip
    parser.add_argument(
        "--batch", type=int, default=BATCH, metavar="N",
        help=f"receipts that are recorded together (default: {BATCH})",
    )  # fmt: skip


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Take the receipts in, then bring the reporting tables up to date."""
    source: Path = options.source
    if not source.exists():
        raise InputInvalid(f"There is no `{source}`.", field="source")
    rejects_path: Path = options.rejects or source.with_name(f"{source.name}.rejects.ndjson")
    if rejects_path.exists() and source.exists() and rejects_path.samefile(source):
        raise InputInvalid("The reject file cannot be the source; use --rejects.", field="rejects")
    form = options.format or detect(source)
    with LoyaltyLedger.open(options.db) as ledger, Rejects(rejects_path) as rejects:
        tally = feed(
            ledger, source, form, rejects, speaker, history=options.history, enrol=options.enrol,
            workers=options.workers, batch=options.batch,
        )  # fmt: skip
        follow(ledger, speaker)
    speaker.say(_data(tally, rejects), _lines(tally, rejects))
    return REJECTED if tally.rejected else 0


def detect(source: Path) -> str:
    """The format of a source.

    Raises:
        InputInvalid: a folder that holds no known data.
    """
    from adapters import retail

    return retail.detect(source) if source.is_dir() else "ndjson"


def feed(
    ledger: LoyaltyLedger, source: Path, form: str, rejects: Rejects, speaker: Speaker, *,
    history: bool, enrol: bool, workers: int = 1, batch: int = BATCH,
) -> Tally:  # fmt: skip
    """Read a source to its end, with a progress bar; a text file from where it was left."""
    total, unit = _size(source, form)
    mark = None
    if form == "ndjson" and source.is_file():  # what comes through a pipe cannot be read again
        mark = Mark(ledger.log, source, f"{'history' * history} {'enrol' * enrol}")
        if mark.start.offset:
            speaker.note(f"goes on at byte {mark.start.offset}, line {mark.start.lines + 1}")
    with speaker.progress("ingest", total, unit) as update:
        items = found(source, form, update, mark)
        return ingest(
            ledger, items, rejects, history=history, enrol=enrol, workers=workers, batch=batch,
            mark=mark,
        )  # fmt: skip


def follow(ledger: LoyaltyLedger, speaker: Speaker) -> None:
    """Bring the reporting tables to the head of the log, with a progress bar."""
    lag = max((status.lag for status in ledger.status()), default=0)
    if lag:
        with speaker.progress("reports", lag, "ev") as update:
            ledger.catch_up(update)


def _size(source: Path, form: str) -> tuple[int, str]:
    from adapters import retail

    if form == "ndjson":
        return source.stat().st_size, "B"
    return retail.FORMATS[form].total(source), "rows"


def read(source: Path, form: str, update: Callable[[int], None] | None) -> Iterator[Item]:
    """The items of a source."""
    from adapters import retail
    from adapters.pos import ndjson

    if form == "ndjson":
        return ndjson.read(source, progress=update)
    return retail.FORMATS[form].read(source, progress=update)


def found(
    source: Path, form: str, update: Callable[[int], None] | None, mark: Mark | None
) -> Iterator[Found]:
    """The same, but lines of text not read yet, from the mark on."""
    from adapters.pos import ndjson

    if form != "ndjson":
        return read(source, form, update)
    start = mark.start if mark else ndjson.BEGINNING
    return ndjson.lines(source, start=start, progress=update)


def _data(tally: Tally, rejects: Rejects) -> dict[str, object]:
    return {
        "read": tally.read, "recorded": tally.recorded, "repeated": tally.repeated,
        "rejected": tally.rejected, "reasons": tally.reasons,
        "rejects": str(rejects.path) if tally.rejected else None,
    }  # fmt: skip


def _lines(tally: Tally, rejects: Rejects) -> list[str]:
    lines = [
        f"{tally.read} read: {tally.recorded} recorded, {tally.repeated} recorded before,"
        f" {tally.rejected} rejected."
    ]
    if tally.read and not tally.recorded and not tally.rejected:
        lines.append("Nothing was new; nothing changed.")
    lines += [f"  {count} x {reason}" for reason, count in sorted(tally.reasons.items())]
    if tally.rejected:
        lines.append(f"Correct them in {rejects.path} and feed that file again.")
    return lines
