"""Are the kept states of shared quantities what their events lead to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ledger.audit.findings import Finding
from ledger.store.codec import Codec
from ledger.store.keys import ID_BYTES, POOL
from ledger.store.log import Log

PAGE = 5_000
FIRST = bytes([POOL]).ljust(ID_BYTES, b"\0")


def check_pools(log: Log, codec: Codec) -> Iterator[Finding]:
    """Replay every pool that has a snapshot, and compare."""
    kept = {s.stream: s for s in log.snapshots(FIRST, PAGE) if s.shape == codec.shape}
    evolve = codec.kinds[POOL].evolve
    for stream, events in groupby(_events(log), key=lambda row: row[0]):
        snapshot = kept.get(stream)
        state: Any = None
        for _, version, _, topic, data in events:
            state = evolve(state, codec.decode[topic](data))
            wrong = snapshot and snapshot.version == version
            if wrong and snapshot and codec.encode(state) != snapshot.state:
                detail = "the snapshot is not what the pool's events lead to"
                yield Finding("snapshot", f"stream {stream.hex()}, version {version}", detail, "")


def _events(log: Log) -> Iterator[tuple[bytes, int, int, str, bytes]]:
    after = (FIRST, 0)
    while rows := log.streams(POOL, after, PAGE):
        yield from rows
        after = (rows[-1][0], rows[-1][1])
