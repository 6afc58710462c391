"""Are the kept states of pools and products what their events lead to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ledger.audit.findings import Finding
from ledger.store.codec import Codec
from ledger.store.keys import ID_BYTES, POOL, PRODUCT
from ledger.store.log import Log, Snapshot

PAGE = 5_000
KINDS = {POOL: "pool", PRODUCT: "product"}


def check_kept(log: Log, codec: Codec) -> Iterator[Finding]:
    """Replay every stream of these kinds that has a snapshot, and compare."""
    for kind, name in KINDS.items():
        snapshots = _snapshots(log, kind)
        kept = next(snapshots, None)
        for stream, events in groupby(_events(log, kind), key=lambda row: row[0]):
            while kept and kept.stream < stream:
                kept = next(snapshots, None)
            if kept and kept.stream == stream and kept.shape == codec.shape:
                yield from _compare(codec, kept, events, name)


def _compare(codec: Codec, kept: Snapshot, events: Iterator[Any], name: str) -> Iterator[Finding]:
    state: Any = None
    for _, version, _, topic, data in events:
        state = codec.kinds[kept.stream[0]].evolve(state, codec.decode[topic](data))
        if kept.version == version:
            if codec.encode(state) != kept.state:
                detail = f"the snapshot is not what the {name}'s events lead to"
                place = f"stream {kept.stream.hex()}, version {version}"
                yield Finding("snapshot", place, detail, "")
            return


def _snapshots(log: Log, kind: int) -> Iterator[Snapshot]:
    after = bytes([kind]).ljust(ID_BYTES, b"\0")
    while page := log.snapshots(after, PAGE):
        for one in page:
            if one.stream[0] != kind:
                return
            yield one
        after = page[-1].stream


def _events(log: Log, kind: int) -> Iterator[tuple[bytes, int, int, str, bytes]]:
    after = (bytes([kind]).ljust(ID_BYTES, b"\0"), 0)
    while rows := log.streams(kind, after, PAGE):
        yield from rows
        after = (rows[-1][0], rows[-1][1])
