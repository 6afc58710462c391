"""Is the log what was written? Every event against its leaf hash, none missing, none added."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import msgspec
from eventsourcing.persistence import PersistenceError

from ledger.aggregates.receipt import claim_of
from ledger.audit.findings import ENOUGH, Finding
from ledger.store.codec import Codec
from ledger.store.keys import ID_BYTES, MEMBER, Keys
from ledger.store.leaf import leaf_of
from ledger.store.log import Log, Stored

PAGE = 5_000
BEFORE_ALL = -(2**62)
"""A position that no row has, whatever it was changed to: nothing hides before the first."""
Progress = Callable[[int], None]


def check_log(
    log: Log, codec: Codec, keys: Keys, progress: Progress | None = None
) -> Iterator[Finding]:
    """Read the whole log once, in order, and then the shape of its streams."""
    after, seen = BEFORE_ALL, 0
    while True:
        try:
            rows = log.read(after, PAGE)
        except PersistenceError as error:
            yield Finding("log", f"after position {seen}", f"the store cannot be read: {error}")
            return
        for row in rows:
            if row.position < 1:
                place = f"position {row.position}, {shown(row.stream)}"
                yield Finding("log", place, "no event can stand there", _member(row.stream))
                continue
            seen += 1
            finding = _check_row(seen, row, codec, keys)
            if finding:
                yield finding
                if row.position != seen:
                    return
        if not rows:
            break
        after = rows[-1].position
        if progress:
            progress(len(rows))
    for stream in log.broken_streams(ENOUGH):
        yield Finding(
            "stream", shown(stream), "its versions have gaps, or it begins twice", _member(stream)
        )


def shown(stream: object) -> str:
    """A stream as people read it, whatever it was changed to."""
    return f"stream {stream.hex()}" if isinstance(stream, bytes) else f"stream {stream!r}"


def _check_row(expected: int, row: Stored, codec: Codec, keys: Keys) -> Finding | None:
    place = f"position {expected}, {shown(row.stream)}, version {row.version}"
    if row.position != expected:
        detail = f"the event is missing; the next one is at {row.position!r}"
        return Finding("log", f"position {expected}", detail)
    problem = _problem(row, codec, keys)
    return Finding("log", place, problem, _member(row.stream)) if problem else None


def _problem(row: Stored, codec: Codec, keys: Keys) -> str:
    try:
        leaf = leaf_of(row)
        ids = (row.stream, row.claims or row.stream)
        intact = leaf == row.leaf and all(len(one) == ID_BYTES for one in ids)
    except (struct.error, TypeError, AttributeError):
        return "a column is not of its type"
    if not intact:
        return "the event does not match its leaf hash"
    try:
        event = codec.decode[row.topic.decode()](row.state)
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        return f"the event cannot be decoded: {error}"
    right = row.claims == (claim_of(event, keys) or None)
    return "" if right else "it does not claim its own receipt"


def _member(stream: object) -> str:
    return stream.hex() if isinstance(stream, bytes) and stream[:1] == bytes([MEMBER]) else ""
