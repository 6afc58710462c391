"""The leaf hash of a stored event: what an auditor holds the log to.

SHA-256 over a zero byte and, each with its length before it: leaf index, stream, version,
topic, recorded_at, written_at, the stored bytes and, where the event begins a second stream, that
stream. Integers are 8 bytes, big-endian. The leaf index is the event's place in the log, counted from 1 without gaps.
Source: the leaf domain separation of RFC 6962, section 2.1.
"""

from __future__ import annotations

import hashlib
import struct

from ledger.store.log import Stored

_HEAD = struct.Struct(">BIQI16sIQI")
_TAIL = struct.Struct(">IqIqI")
_CLAIMS = struct.pack(">I", 16)


def leaf_hash(
    index: int,
    stream: bytes,
    version: int,
    topic: bytes,
    recorded_at: int,
    written_at: int,
    state: bytes,
    claims: bytes = b"",
) -> bytes:
    """The 32-byte leaf hash.

    Raises:
        struct.error: a value does not have the form of a stored event's.
    """
    head = _HEAD.pack(0, 8, index, 16, stream, 8, version, len(topic))
    tail = _TAIL.pack(8, recorded_at, 8, written_at, len(state))
    parts = (head, topic, tail, state, _CLAIMS, claims) if claims else (head, topic, tail, state)
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_of(row: Stored) -> bytes:
    """The leaf hash that a stored event should have.

    Raises:
        struct.error, TypeError, AttributeError: a column does not have the form of its own.
    """
    return leaf_hash(
        row.position, row.stream, row.version, row.topic, row.recorded_at, row.written_at,
        row.state, row.claims or b"",
    )  # fmt: skip


LEAF_SQL = (
    r"sha256('\x0000000008'::bytea || int8send({index}) || '\x00000010'::bytea || {stream}"
    r" || '\x00000008'::bytea || int8send({version})"
    r" || int4send(octet_length(convert_to({topic}, 'UTF8'))) || convert_to({topic}, 'UTF8')"
    r" || '\x00000008'::bytea || int8send({recorded_at})"
    r" || '\x00000008'::bytea || int8send({written_at})"
    r" || int4send(octet_length({state})) || {state}"
    r" || coalesce('\x00000010'::bytea || uuid_send({claims}), ''))"
)
"""The same in PostgreSQL, which alone knows the index, since it is given under the lock."""
