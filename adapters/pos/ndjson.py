"""Reads canonical receipts, one JSON object a line, and corrected reject envelopes.

Whatever the bytes are, memory stays bounded and every line that is not blank yields one item.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from adapters.records import (
    UNREADABLE,
    Bad,
    Good,
    Item,
    Place,
    Progress,
    Rejected,
    Unread,
    explain,
)
from ledger.types import Receipt

_BOM = b"\xef\xbb\xbf"
_CHUNK_BYTES = 1 << 16
_REPORT_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
_ENVELOPE = b'{"rejected":'
# Inside an envelope a control character becomes six bytes, so a line that was within the
# limit may come back as an envelope that is not.
_ENVELOPE_FACTOR = 8


class _Envelope(Struct):
    """The members of a reject envelope, as they are written."""

    rejected: Raw = Raw()
    receipt: Raw = Raw()
    text: Raw = Raw()
    base64: Raw = Raw()


class Start(NamedTuple):
    """Where reading begins: at the beginning of a line, with so many lines before it."""

    offset: int
    lines: int


BEGINNING = Start(0, 0)


class _Span(NamedTuple):
    """One line: `length` without its end, `raw` None if too long, `ended` by a newline."""

    line: int
    offset: int
    length: int
    raw: bytes | None
    ended: bool


_decode_receipt = msgspec.json.Decoder(Receipt).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_found = msgspec.json.Decoder(Rejected).decode
_decode_text = msgspec.json.Decoder(str).decode


def read(
    path: Path, *, max_line_bytes: int = MAX_LINE_BYTES, progress: Progress | None = None
) -> Iterator[Item]:
    """Yield one item for every line that is not blank, in the order of the file."""
    for found in lines(path, max_line_bytes=max_line_bytes, progress=progress):
        yield found if isinstance(found, Bad) else parse(found)


def lines(
    path: Path, *, start: Start = BEGINNING, max_line_bytes: int = MAX_LINE_BYTES,
    progress: Progress | None = None,
) -> Iterator[Unread | Bad]:  # fmt: skip
    """Yield every line that is not blank without reading it, from a line's beginning on."""
    name = str(path)
    with path.open("rb") as file:
        for span in _spans(file, start, max_line_bytes, _Tally(progress)):
            place = Place(name, span.line, span.offset, span.length)
            if span.raw is None:
                yield Bad(place, None, f"longer than {max_line_bytes} bytes", None)
            else:
                yield Unread(place, span.raw, span.ended)


def parse(line: Unread) -> Item:
    """The receipt on a line, or what is wrong with it."""
    try:
        return Good(line.place, _decode_receipt(line.raw), line.raw)
    except UNREADABLE as error:
        return _otherwise(line.place, line.raw, error, ended=line.ended)


class _Tally:
    """Passes on how much was consumed about once a mebibyte."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._pending = 0

    def add(self, count: int) -> None:
        self._pending += count
        if self._pending >= _REPORT_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._progress and self._pending:
            self._progress(self._pending)
        self._pending = 0


def _spans(file: io.BufferedReader, start: Start, limit: int, tally: _Tally) -> Iterator[_Span]:
    """Cut the file into lines, counting the blank ones but not yielding them.

    A line without its end is the last one, also where somebody goes on writing it meanwhile.
    """
    offset, line = start
    ended = True
    if offset:  # what comes through a pipe can only be read from its beginning
        file.seek(offset)
    else:
        offset = _skip_bom(file)
    tally.add(offset)
    while ended and (chunk := _first_part(file, limit)):
        line += 1
        tally.add(len(chunk))
        ended = chunk.endswith(b"\n")
        raw = _without_end(chunk)
        taken, length = len(chunk), len(raw)
        if length > _allowed(chunk, limit):
            raw = b""
            if not ended:
                taken, length, ended = _skip_rest(file, chunk, tally)
            yield _Span(line, offset, length, None, ended)
        elif raw and not raw.isspace():
            yield _Span(line, offset, length, raw, ended)
        offset += taken
    tally.flush()


def _skip_bom(file: io.BufferedReader) -> int:
    """Pass over a byte order mark at the start of the file."""
    return len(file.read(3)) if file.peek(3)[:3] == _BOM else 0


def _allowed(chunk: bytes, limit: int) -> int:
    """How long a line that begins like this may be."""
    return limit * _ENVELOPE_FACTOR if chunk.startswith(_ENVELOPE) else limit


def _first_part(file: io.BufferedReader, limit: int) -> bytes:
    """Read a line with its end, or so much of it that it is certainly too long."""
    chunk = file.readline(limit + 2)  # two more for the line's end
    if len(chunk) < limit + 2 or chunk.endswith(b"\n") or not chunk.startswith(_ENVELOPE):
        return chunk
    return chunk + file.readline(limit * (_ENVELOPE_FACTOR - 1))


def _without_end(chunk: bytes) -> bytes:
    return chunk.removesuffix(b"\n").removesuffix(b"\r")


def _skip_rest(file: io.BufferedReader, chunk: bytes, tally: _Tally) -> tuple[int, int, bool]:
    """Pass over what is left of a line; its bytes with its end and without, and if it has one."""
    taken, tail = len(chunk), chunk[-2:]
    while not tail.endswith(b"\n") and (more := file.readline(_CHUNK_BYTES)):
        taken += len(more)
        tail = (tail + more)[-2:]
        tally.add(len(more))
    return taken, taken - len(tail) + len(_without_end(tail)), tail.endswith(b"\n")


def _otherwise(place: Place, raw: bytes, error: Exception, *, ended: bool) -> Item:
    """Open the line if it is an envelope, else say what is wrong with it."""
    try:
        envelope = _decode_envelope(raw)
    except UNREADABLE:
        envelope = _Envelope()
    if bytes(envelope.rejected):
        return _unwrap(place, raw, envelope)
    return _wrong(place, raw, error, ended=ended)


def _wrong(place: Place, raw: bytes, error: Exception, *, ended: bool = True) -> Bad:
    """Say first whether it is JSON at all, because a decoder may stop at a field before that."""
    try:
        raw.decode()
        _decode_envelope(raw)
    except msgspec.ValidationError:
        return Bad(place, None, "not a JSON object", raw)
    except UNREADABLE as reason:
        return Bad(place, None, f"not JSON: {reason}" if ended else "truncated line", raw)
    return Bad(place, *explain(error), raw)


def _unwrap(place: Place, raw: bytes, envelope: _Envelope) -> Item:
    """Take out what an envelope holds, at the place where it was first found."""
    try:
        found = _decode_found(envelope.rejected)
    except UNREADABLE as error:
        field, message = explain(error)
        return Bad(place, f"rejected.{field}" if field else "rejected", message, raw)
    first = Place(found.file, found.line, found.offset, found.length)
    try:
        inner = _content(envelope)
    except UNREADABLE as error:
        return Bad(first, "text" if bytes(envelope.text) else "base64", explain(error)[1], raw)
    if inner is None:
        return Bad(first, found.field, found.error or "an envelope without a receipt", None)
    try:
        return Good(first, _decode_receipt(inner), inner)
    except UNREADABLE as error:
        return _wrong(first, inner, error)


def _content(envelope: _Envelope) -> bytes | None:
    """Take the rejected bytes; a receipt put in by hand counts before the text it replaces."""
    if inner := bytes(envelope.receipt):
        return inner
    if text := bytes(envelope.text):
        return _decode_text(text).encode()
    if encoded := bytes(envelope.base64):
        return base64.b64decode(_decode_text(encoded), validate=True)
    return None
