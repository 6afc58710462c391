"""Reading the log as typed events: the columns and topics that are asked for, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.store.codec import Codec
from ledger.store.log import Log

PAGE = 5_000


def replay(
    log: Log, codec: Codec, topics: Sequence[str] = (), after: int = 0, upto: int | None = None
) -> Iterator[tuple[int, bytes, Any]]:
    """Position, stream and event in the order of the log, up to a position or the head.

    Events of other topics, where some are named, are neither sent by the database nor decoded.
    """
    decode = codec.decode
    head = log.head() if upto is None else upto
    while rows := log.by_position(after, head, topics, PAGE):
        after = rows[-1][0]
        # One at a time: a page of events kept alive would set the garbage collector to work.
        for position, stream, _, topic, state, _ in rows:
            yield position, stream, decode[topic](state)
