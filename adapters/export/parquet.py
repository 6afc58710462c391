"""The log as Parquet: parts by ranges of positions, and a manifest.

Memory holds one page of events, however long the log. A part depends on its range alone, so an
export that was killed and goes on ends as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from adapters.export.folder import Folder, Manifest, Part, put, sha256, synced
from adapters.export.tables import SHAPES, TABLES, Reader, Rows, arrow_table
from adapters.retail.parquet import arrow
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid

PAGE = 20_000
"""Events a row group."""
PART_EVENTS = 500_000
_LIES = "It must lie from {} up to the head of the log, {}."
Progress = Callable[[int], None]


class Exported(NamedTuple):
    """What an export holds, how it came about, and after which position this run wrote."""

    manifest: Manifest
    how: str
    after: int


def export(
    ledger: LoyaltyLedger, folder: Path, *, since: int = 0, until: int | None = None,
    part_events: int = PART_EVENTS, progress: Progress | None = None,
) -> Exported:  # fmt: skip
    """Write the events after `since`, up to `until` or the head, into a new folder.

    `how` is `new`, `resumed` (an export that was cut off), `anew` (one that was cut off did not
    fit) or `already` (it is there, and nothing was written).

    Raises:
        InputInvalid: the range or the folder cannot be, or the log is damaged.
        OSError: it cannot be written; what is written so far is kept.
    """
    reader, place = Reader(ledger), Folder(folder)
    wanted = _wanted(ledger, reader, since, until, part_events)
    if there := place.finished():
        return _already(there, wanted, place, until)
    make = arrow_table(arrow())  # before anything is made, if it is not installed
    with place.working():
        manifest, how = _begun(place, wanted, until)
        after = manifest.reached()
        write = _Parts(place, reader, make, progress)
        with _explained(place):
            for first in range(after + 1, manifest.until + 1, part_events):
                write.part(manifest, first, min(first + part_events - 1, manifest.until))
            place.publish()
    return Exported(manifest, how, after)


def _wanted(
    ledger: LoyaltyLedger, reader: Reader, since: int, until: int | None, part_events: int
) -> Manifest:
    """The manifest before anything is written."""
    head = ledger.log.head()
    end = head if until is None else until
    if not 0 <= since <= head:
        raise InputInvalid(_LIES.format(0, head), field="since")
    if not since <= end <= head:
        raise InputInvalid(_LIES.format(since, head), field="until")
    return Manifest(
        reader.leaf(1) if head else "", since, reader.leaf(since), end, reader.leaf(end),
        part_events, dict(SHAPES), {table.name: 0 for table in TABLES}, [],
    )  # fmt: skip


def _already(there: Manifest, wanted: Manifest, place: Folder, until: int | None) -> Exported:
    """A finished export is never written to: it is the one that is wanted, or refused."""
    same = _fits(there, wanted) and there.since_leaf == wanted.since_leaf
    if not same or (until is not None and there.until != until):
        told = f"after position {there.since} up to {there.until} of log {there.log[:16]}"
        raise InputInvalid(f"`{place.path}` holds an export of the events {told}.", field="folder")
    if there.until != wanted.until:
        detail = (
            f"`{place.path}` ends at position {there.until}; export the rest into another folder,"
            f" since {there.until}."
        )
        raise InputInvalid(detail, field="folder")
    return Exported(there, "already", there.until)


def _fits(one: Manifest, other: Manifest) -> bool:
    return (one.log, one.since, one.shapes) == (other.log, other.since, other.shapes)


def _begun(place: Folder, wanted: Manifest, until: int | None) -> tuple[Manifest, str]:
    """What an earlier run began, if it fits; else an empty list, on disk."""
    begun = place.listed()
    if begun and begun.log != wanted.log:
        raise InputInvalid(f"`{place.work}` is of another log.", field="folder")
    same = begun and _fits(begun, wanted) and begun.part_events == wanted.part_events
    if begun and same and until in {None, begun.until}:
        begun.parts = place.sound(begun.parts)
        begun.rows = {t: sum(p.rows for p in begun.parts if p.table == t) for t in begun.rows}
        return begun, "resumed"
    place.clear()
    place.keep(wanted)
    return wanted, "anew" if begun else "new"


@contextmanager
def _explained(place: Folder) -> Iterator[None]:
    """Say of a full disk and the like what becomes of the export."""
    try:
        yield
    except OSError as error:
        told = f"{error.strerror or error}; the export is unfinished, run it again to go on"
        raise OSError(error.errno, told, str(place.work)) from error


class _Parts:
    """Writes the parts of all tables, range by range."""

    def __init__(
        self, place: Folder, reader: Reader, make: Callable[..., Any], progress: Progress | None
    ) -> None:
        self._place, self._reader, self._make = place, reader, make
        self._progress = progress
        self._writer = arrow("pyarrow.parquet").ParquetWriter

    def part(self, manifest: Manifest, first: int, last: int) -> None:
        """Write a range of positions durably, then list it."""
        name = f"{first:012}-{last:012}.parquet"
        files = {t.name: self._place.work / t.name / f"{name}.new" for t in TABLES}
        counts = self._write(files, first, last)
        for table, written in files.items():
            path = written.with_name(name)
            size, digest = written.stat().st_size, sha256(written)
            put(written, path)
            file = f"{table}/{name}"
            manifest.parts.append(Part(table, file, first, last, counts[table], size, digest))
            manifest.rows[table] += counts[table]
        self._place.keep(manifest)

    def _write(self, files: dict[str, Path], first: int, last: int) -> dict[str, int]:
        counts = dict.fromkeys(files, 0)
        with ExitStack() as stack:
            opened = {t: stack.enter_context(path.open("wb")) for t, path in files.items()}
            empty = {t.name: self._make(t, ()).schema for t in TABLES}
            writers = {
                t: stack.enter_context(self._writer(opened[t], empty[t], compression="zstd"))
                for t in files
            }
            for rows in self._pages(first, last):
                for table in TABLES:
                    found = rows[table.name]
                    counts[table.name] += len(found)
                    if found:
                        writers[table.name].write_table(self._make(table, found))
            for name, writer in writers.items():
                writer.close()
                opened[name].flush()
                synced(opened[name].fileno())
        return counts

    def _pages(self, first: int, last: int) -> Iterator[Rows]:
        for start in range(first, last + 1, PAGE):
            count = min(PAGE, last + 1 - start)
            yield self._reader.page(start - 1, count)
            if self._progress:
                self._progress(count)
