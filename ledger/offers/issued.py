"""Lists as they were issued, read from the log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ledger import events as e
from ledger.offers.histories import PAGE, Part
from ledger.offers.plan import MadeList
from ledger.projections.rhythm import LEFT
from ledger.store.codec import Codec
from ledger.store.log import Log, Paged
from ledger.types import Day

_GONE = {event.TOPIC: gone for event, gone in LEFT.items()}
_TOPICS = (e.ListIssued.TOPIC, *_GONE)


def issued(log: Log, codec: Codec, as_of: Day, part: Part) -> Iterator[MadeList]:
    """The lists that were made for a day and issued, in the order of members who are still there."""
    for _, rows in groupby(_rows(log, part), key=lambda row: row[1]):
        found, gone = [], False
        for row in rows:
            if row[3] == e.ListIssued.TOPIC:
                event = codec.decode[row[3]](row[4])
                if event.shopping and event.shopping.as_of == as_of:
                    found.append(_made(row[1], event))
            else:
                gone = bool(_GONE[row[3]])
        if not gone:
            yield from found


def _rows(log: Log, part: Part) -> Iterator[Paged]:
    for rows in log.in_streams((part.after, 0), part.until, log.head(), _TOPICS, PAGE):
        yield from rows


def _made(member: bytes, event: e.ListIssued) -> MadeList:
    assert event.shopping is not None  # noqa: S101  only such are asked for
    return MadeList(
        member, event.from_day, event.until_day, event.shopping, event.offers,
        tuple(map(e.ListedOffer, event.held_out)), event.barcode,
    )  # fmt: skip
