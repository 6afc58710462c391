"""Reads a catalogue's files: CSV, Parquet, corrected rejects, folders of retail data."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from adapters import retail
from adapters.delimited import cells_of, header
from adapters.pos import ndjson
from adapters.products.rows import Item, Kind, Row, item, kind_of
from adapters.records import UNREADABLE, Bad, Place, Progress, Rejected, Unread, explain
from adapters.retail import parquet
from ledger.errors import InputInvalid, LedgerError


class _Envelope(Struct):
    """The members of a reject, as they are written."""

    rejected: Rejected
    row: dict[str, Any] | None = None
    text: str = ""
    base64: str = ""


_decode_row = msgspec.json.Decoder(dict[str, Any]).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def read(
    path: Path, kind: str | None = None, *, progress: Progress | None = None
) -> Iterator[Item]:
    """Yield what each row says, or what is wrong with it, in the order of the file.

    Raises:
        InputInvalid: it is no such file, or its columns are not those of a kind.
        ImportError: it is Parquet, and pyarrow is not installed.
    """
    form = format_of(path)
    if form == "folder":
        return _folder(path, kind, progress)
    if form == "parquet":
        return _parquet(path, kind, progress)
    lines = ndjson.lines(path, progress=progress)
    return _ndjson(lines, kind) if form == "ndjson" else _csv(lines, kind)


def format_of(path: Path) -> str:
    """`folder`, `parquet`, `ndjson` or `csv`, told by how it begins; what is no file is CSV."""
    if path.is_dir():
        return "folder"
    if not path.is_file():  # what is read from a pipe to find out would be gone
        return "csv"
    with path.open("rb") as file:
        begin = file.read(4)
    if begin == b"PAR1":
        return "parquet"
    return "ndjson" if begin.startswith(b"{") else "csv"


def total(path: Path) -> tuple[int, str]:
    """How much there is to read, and in which unit."""
    form = format_of(path)
    if form == "folder":
        return retail.FORMATS[retail.detect(path)].products_total(path), "rows"
    return (parquet.rows(path), "rows") if form == "parquet" else (path.stat().st_size, "B")


def _folder(path: Path, kind: str | None, progress: Progress | None) -> Iterator[Item]:
    if kind not in {None, "products"}:
        raise InputInvalid("A folder of retail data holds products.", field="kind")
    products = kind_of(("code",), "products")
    for place, row in retail.FORMATS[retail.detect(path)].products(path, progress=progress):
        yield item(products, place, row)


def _parquet(path: Path, kind: str | None, progress: Progress | None) -> Iterator[Item]:
    names = parquet.columns(path)
    known = kind_of(names, kind)
    for place, row in parquet.dicts(path, names, progress):
        yield item(known, place, row)


def _csv(lines: Iterator[Unread | Bad], kind: str | None) -> Iterator[Item]:
    """Each line is a row by itself, so that a quotation mark too many spoils no other."""
    names: list[str] = []
    known: Kind | None = None
    delimiter = ""
    for line in lines:
        if known is None:
            names, delimiter = header(line)
            known = kind_of(names, kind)
            continue
        found = cells_of(line, names, delimiter)
        yield found if isinstance(found, Bad) else item(known, line.place, found)
    if known is None:
        raise InputInvalid("There is no line with the names of the columns.", field="header")


def _ndjson(lines: Iterator[Unread | Bad], kind: str | None) -> Iterator[Item]:
    for line in lines:
        if isinstance(line, Bad):
            yield line
            continue
        try:
            yield _told(line, kind)
        except UNREADABLE as error:
            yield Bad(line.place, *explain(error), line.raw)


def _told(line: Unread, kind: str | None) -> Item:
    """A row as it is, or out of a reject, at the place where it was first found."""
    row = _decode_row(line.raw)
    if "rejected" not in row:
        return _one(row, line.place, kind)
    envelope = _decode_envelope(line.raw)
    found = envelope.rejected
    place = Place(found.file, found.line, found.offset, found.length)
    if envelope.row is not None:
        return _one(envelope.row, place, kind)
    raw = envelope.text.encode() or base64.b64decode(envelope.base64, validate=True)
    return Bad(place, found.field, found.error, raw or None)  # nobody put a row there yet


def _one(row: Row, place: Place, kind: str | None) -> Item:
    try:
        return item(kind_of(row, kind), place, row)
    except LedgerError as error:
        return Bad(place, error.field, error.detail, msgspec.json.encode(row))
