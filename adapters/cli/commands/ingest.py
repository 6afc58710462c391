"""`loyalty ingest`: receipts from a file of any dialect, or a folder of retail data."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.cli.render import Speaker
from adapters.ingest import BATCH, Mark, Tally, ingest
from adapters.pos import given
from adapters.pos.dialects import DIALECTS
from adapters.pos.terms import Reading
from adapters.records import Found, Item
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid

REJECTED = 4
FORMATS = ("ndjson", *DIALECTS, "lgsr", "completejourney")
_OF_TILLS = ("zone", "currency", "store", "walk_in", "scale", "pounds")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("source", type=Path, help="a file of receipts, or a folder of retail data")
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
    tills(parser)


def given_of(options: argparse.Namespace) -> given.Given:
    """What the options say that a till leaves out."""
    return given.Given(
        options.zone or "", options.currency or "", tuple(options.store or ()),
        tuple(options.walk_in or ()), tuple(options.scale or ()), options.pounds,
    )  # fmt: skip


def tills(parser: argparse.ArgumentParser) -> None:
    """What a till's dialect may leave out."""
    parser.add_argument("--zone", help="where times without an offset are (default: programme's)")
    parser.add_argument("--currency", help="where none is told (default: the programme's)")
    parser.add_argument(
        "--store", action="append", metavar="NAME|THEIRS=NAME",
        help="the store where none is told, or the chain's name of one; again for each",
    )  # fmt: skip
    parser.add_argument(
        "--walk-in", action="append", metavar="CUSTOMER",
        help="a customer that stands for nobody; again for each",
    )  # fmt: skip
    parser.add_argument(
        "--scale", action="append", metavar="PATTERN",
        help="codes with a weight or price, e.g. 28IIIIIWWWWWC; again for each",
    )  # fmt: skip
    parser.add_argument(
        "--pounds", action="store_true", help="weights without a unit are in pounds"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Take the receipts in, then bring the reporting tables up to date."""
    source: Path = options.source
    if not source.exists():
        raise InputInvalid(f"There is no `{source}`.", field="source")
    rejects_path: Path = options.rejects or source.with_name(f"{source.name}.rejects.ndjson")
    if rejects_path.exists() and source.exists() and rejects_path.samefile(source):
        raise InputInvalid("The reject file cannot be the source; use --rejects.", field="rejects")
    form = options.format or detect(source)
    if form not in DIALECTS and (told := [name for name in _OF_TILLS if getattr(options, name)]):
        raise InputInvalid(f"The format {form} leaves nothing out.", field=told[0])
    with LoyaltyLedger.open(options.db) as ledger, Rejects(rejects_path) as rejects:
        reading = given.way(ledger, given_of(options)) if form in DIALECTS else None
        tally = feed(
            ledger, source, form, rejects, speaker, history=options.history, enrol=options.enrol,
            workers=options.workers, batch=options.batch, reading=reading,
        )  # fmt: skip
        follow(ledger, speaker)
    left_out = dict(sorted(reading.left_out.items())) if reading else {}
    speaker.say(_data(tally, rejects, left_out), _lines(tally, rejects, left_out))
    return REJECTED if tally.rejected else 0


def detect(source: Path) -> str:
    """The format of a source.

    Raises:
        InputInvalid: a folder that holds no known data, or a file that could be several things.
    """
    from adapters import retail
    from adapters.pos import dialects

    return retail.detect(source) if source.is_dir() else dialects.detect(source)


def feed(
    ledger: LoyaltyLedger, source: Path, form: str, rejects: Rejects, speaker: Speaker, *,
    history: bool, enrol: bool, workers: int = 1, batch: int = BATCH,
    reading: Reading | None = None,
) -> Tally:  # fmt: skip
    """Read a source to its end, with a progress bar; canonical lines from where they were left."""
    total, unit = _size(source, form)
    mark = None
    if form == "ndjson" and source.is_file():  # what comes through a pipe cannot be read again
        mark = Mark(ledger.log, source, f"{'history' * history} {'enrol' * enrol}")
        if mark.start.offset:
            speaker.note(f"goes on at byte {mark.start.offset}, line {mark.start.lines + 1}")
    with speaker.progress("ingest", total, unit) as update:
        items = found(source, form, update, mark, reading)
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

    if source.is_file() or form not in retail.FORMATS:
        return source.stat().st_size, "B"
    return retail.FORMATS[form].total(source), "rows"


def read(
    source: Path, form: str, update: Callable[[int], None] | None, reading: Reading | None = None
) -> Iterator[Item]:
    """The items of a source."""
    from adapters import retail
    from adapters.pos import dialects, ndjson
    from adapters.pos.terms import Terms

    if form == "ndjson":
        return ndjson.read(source, progress=update)
    if form in DIALECTS:
        reading = reading or Reading(Terms())
        reading.progress = update
        return dialects.dialect(form).read(source, reading)
    return retail.FORMATS[form].read(source, progress=update)


def found(
    source: Path, form: str, update: Callable[[int], None] | None, mark: Mark | None,
    reading: Reading | None = None,
) -> Iterator[Found]:  # fmt: skip
    """The same, but lines of text not read yet, from the mark on."""
    from adapters.pos import ndjson

    if form != "ndjson":
        return read(source, form, update, reading)
    start = mark.start if mark else ndjson.BEGINNING
    return ndjson.lines(source, start=start, progress=update)


def _data(tally: Tally, rejects: Rejects, left_out: dict[str, int]) -> dict[str, object]:
    return {
        "read": tally.read, "recorded": tally.recorded, "repeated": tally.repeated,
        "rejected": tally.rejected, "reasons": tally.reasons,
        "recorded_minor": tally.recorded_minor, "repeated_minor": tally.repeated_minor,
        "left_out": left_out, "rejects": str(rejects.path) if tally.rejected else None,
    }  # fmt: skip


def _lines(tally: Tally, rejects: Rejects, left_out: dict[str, int]) -> list[str]:
    lines = [
        f"{tally.read} read: {tally.recorded} recorded, {tally.repeated} recorded before,"
        f" {tally.rejected} rejected.",
        f"Amounts in minor units: {tally.recorded_minor} recorded,"
        f" {tally.repeated_minor} recorded before.",
    ]
    if tally.read and not tally.recorded and not tally.rejected:
        lines.append("Nothing was new; nothing changed.")
    lines += [f"  {count} x {reason}" for reason, count in sorted(tally.reasons.items())]
    lines += [f"  left out: {count} x {what}" for what, count in left_out.items()]
    if tally.rejected:
        lines.append(f"Correct them in {rejects.path} and feed that file again.")
    return lines
