"""`loyalty spool`: folders that are watched, each file in them taken in once."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from eventsourcing.persistence import PersistenceError

from adapters.cli.commands.ingest import REJECTED, given_of, tills
from adapters.cli.render import Speaker, when
from adapters.cli.stopping import stopped
from adapters.cli.values import positive, whole
from adapters.ingest import BATCH, Tally
from adapters.ingest.feeding import MOST_WORKERS
from adapters.ingest.hands import How, hands
from adapters.pos.dialects import DIALECTS
from adapters.pos.given import way
from adapters.spool import Folder, Spool, Taker
from adapters.spool.folder import locked
from adapters.spool.looking import Put, named, on_one_line
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid, LedgerError, StoreUnavailable

LEFT, INTERRUPTED = 1, 130
RETRY_S = 5
"""Between two tries to reach a store that is away."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, nargs="+", help="where files are dropped")
    parser.add_argument("--once", action="store_true", help="take what is there, and end")
    parser.add_argument("--every", type=positive, default=2, help="seconds between two looks")
    parser.add_argument(
        "--settle", type=whole, default=2, help="seconds a file stays as it is to be complete"
    )
    parser.add_argument(
        "--done", default="done", metavar="PATH", help="where taken files go, from each folder"
    )
    parser.add_argument(
        "--rejected", default="rejected", metavar="PATH", help="where rejects go, from each folder"
    )
    parser.add_argument(
        "--format", choices=("ndjson", *DIALECTS), default="",
        help="what a file is that does not tell it (default: it is rejected)",
    )  # fmt: skip
    parser.add_argument("--history", action="store_true", help="as in `loyalty ingest`")
    parser.add_argument("--enrol", action="store_true", help="as in `loyalty ingest`")
    parser.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="as in `loyalty ingest`"
    )
    tills(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Watch until stopped; a line for each file, and the totals at the end."""
    if options.settle < 0:
        raise InputInvalid("There is no time below zero.", field="settle")
    if options.workers > MOST_WORKERS:
        raise InputInvalid(f"From 1 to {MOST_WORKERS} workers.", field="workers")
    folders = [Folder(path, options.done, options.rejected) for path in options.folder]
    totals = _Totals(speaker)
    spool = Spool(folders, options.settle, totals.took, speaker.note)
    with locked(folders), stopped() as stop:
        away = _watch(spool, options, speaker, stop)
        for path in spool.unsettled:
            speaker.note(f"`{named(path)}` may still be written to; the next run takes it.")
        totals.say(spool.left)
        if away:
            raise away
        if options.once and stop.is_set():
            return INTERRUPTED
    if spool.left:
        return LEFT
    return REJECTED if totals.tally.rejected else 0


def _watch(
    spool: Spool, options: argparse.Namespace, speaker: Speaker, stop: Event
) -> LedgerError | None:
    """Watch to the end, by a ledger that is opened again where the store was away.

    Returns what kept the store from answering, if it was looked at once.

    Raises:
        LedgerError: the ledger is not there, or an option is not what it should be.
    """
    said = ""
    while not stop.is_set():
        try:
            with _taker(options) as taker:
                if said:
                    speaker.note("The store answers again.")
                    said = ""
                elif not options.once:
                    speaker.note(f"Looking every {options.every} s; SIGTERM or Ctrl-C ends it.")
                spool.watch(taker, stop, options.every, once=options.once)
                return None
        except LedgerError as error:
            if not error.retryable:
                raise
            if options.once:
                return error
            why = " ".join(str(error).split())
            if why != said:
                said = why
                speaker.note(f"loyalty: {said} It is tried again; files wait where they are.")
            stop.wait(RETRY_S)
    return None


@contextmanager
def _taker(options: argparse.Namespace) -> Iterator[Taker]:
    """Open the ledger, with the hands that decide.

    Raises:
        StoreUnavailable: the store does not answer, or no more.
    """
    with LoyaltyLedger.open(options.db) as ledger:
        away: tuple[type[Exception], ...] = (PersistenceError, *ledger.log.away)
        try:
            with hands(ledger, How(options.history, options.enrol, BATCH), options.workers) as crew:
                way(ledger, given_of(options))
                how = f"{'history' * options.history} {'enrol' * options.enrol}"
                yield Taker(
                    ledger, crew, lambda: way(ledger, given_of(options)), how, options.format
                )
        except away as error:
            raise StoreUnavailable(str(error)) from error


class _Totals:
    """Says what became of each file, and of all."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._files = 0
        self.tally = Tally()

    def took(self, put: Put) -> None:
        """Count a file, and say what became of it."""
        taken = put.taken
        told = taken.tally
        self._files += 1
        self.tally.recorded += told.recorded
        self.tally.repeated += told.repeated
        self.tally.rejected += told.rejected
        self.tally.recorded_minor += told.recorded_minor
        self.tally.repeated_minor += told.repeated_minor
        data = {
            "file": taken.file, "format": taken.form or None, **_figures(told),
            "reasons": told.reasons, "left_out": taken.left_out,
            "same_as": taken.same_as or None, "archived": named(put.archived),
            "rejects": named(put.rejects) if put.rejects else None,
        }  # fmt: skip
        self._speaker.say(data, [_line(put)])

    def say(self, left: int) -> None:
        """Say the totals."""
        files = f"{self._files} {'file' if self._files == 1 else 'files'}"
        lines = [f"{files}: {_counts(self.tally)}; {left} left lying."]
        self._speaker.say({"files": self._files, **_figures(self.tally), "left": left}, lines)


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "read": tally.read, "recorded": tally.recorded, "repeated": tally.repeated,
        "rejected": tally.rejected, "recorded_minor": tally.recorded_minor,
        "repeated_minor": tally.repeated_minor,
    }  # fmt: skip


def _counts(tally: Tally) -> str:
    return (
        f"{tally.read} read: {tally.recorded} recorded ({tally.recorded_minor}),"
        f" {tally.repeated} recorded before ({tally.repeated_minor}), {tally.rejected} rejected"
    )


def _line(put: Put) -> str:
    taken = put.taken
    line = f"{taken.file}: {taken.form or 'no dialect'}, {_counts(taken.tally)}."
    if taken.same_as:
        line += f" The same as {taken.same_as}, taken in at {when(taken.at)}."
    elif taken.left_out:
        left_out = ", ".join(f"{count} x {what}" for what, count in sorted(taken.left_out.items()))
        line += f" Left out: {left_out}."
    if put.rejects:
        line += f" Rejects: {named(put.rejects)}."
    return on_one_line(line)
