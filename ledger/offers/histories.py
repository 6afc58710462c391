"""What is kept of members, as it stood at a cut: from their rows where nothing came after it.

Where something did, from their events: the same functions take these in, so the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import msgspec

from ledger import events as e
from ledger.calendar import midnight
from ledger.projections import habits
from ledger.projections.queries import Reader
from ledger.projections.rhythm import (
    LEAVING,
    LEFT,
    News,
    Rhythm,
    Scanned,
    later_than,
    rhythms,
    visit,
)
from ledger.store.keys import ID_BYTES, MEMBER, beside
from ledger.store.log import Log, Paged
from ledger.types import Day, Instant

PAGE = 5_000
FEW = 4
"""With more than a quarter of all members changed since the cut, the log is read for everybody."""
_SCAN = e.ReceiptScanned.TOPIC
_TOPICS = (_SCAN, *(event.TOPIC for event in LEFT))
_LEFT = {event.TOPIC: is_gone for event, is_gone in LEFT.items()}
_decode = msgspec.msgpack.Decoder(Scanned).decode


class Cut(NamedTuple):
    """Up to where the log is read: a position, and what had been recorded by an instant."""

    upto: int
    until: Instant


class Part(NamedTuple):
    """Members by their ids: after one, before another."""

    after: bytes
    until: bytes

    @classmethod
    def of(cls, member: bytes) -> Part:
        """One member."""
        return cls(beside(member, -1), beside(member, 1))

    @property
    def single(self) -> bool:
        """Whether it is one member's."""
        return beside(self.after, 2) == self.until


EVERYBODY = Part(*(bytes([kind]).ljust(ID_BYTES, b"\0") for kind in (MEMBER, MEMBER + 1)))


def cut_at(log: Log, day: Day, zone: str) -> Cut:
    """What had been recorded at the end of a day."""
    return Cut(log.head(), midnight(day + 1, zone) - 1)


class History(NamedTuple):
    """A member and what is kept of it."""

    member: bytes
    rhythm: Rhythm


Glance = Callable[[], AbstractContextManager[Reader]]
"""A reader of the reporting tables as they are, for a moment."""


class Histories:
    """Everybody who bought something by a cut."""

    def __init__(self, log: Log, cut: Cut, glance: Glance | None = None) -> None:
        """Read the log alone, or rows too: with `glance`, they must have come to the cut."""
        self.cut = cut
        self._log = log
        self._glance = glance

    def by(self, size: int, part: Part = EVERYBODY) -> Iterator[list[History]]:
        """So many members at a time, in the order of their ids."""
        if self._glance and (part.single or self._few_changed(self._glance)):
            yield from self._rows(self._glance, part, size)
            return
        some: list[History] = []
        for one in self._logged(part):
            some.append(one)
            if len(some) == size:
                yield some
                some = []
        if some:
            yield some

    def receipts(self) -> Iterator[tuple[bytes, habits.Fresh, Instant]]:
        """Each receipt on which something was bought, member by member, and when it was recorded.

        Always from the log.
        """
        for member, own in groupby(self._events(EVERYBODY, (_SCAN,)), key=itemgetter(1)):
            for row in own:
                if (news := _news(row)) and len(news) > LEAVING:
                    yield member, habits.receipts(news[-1], 1)[0], row[5]

    def _few_changed(self, glance: Glance) -> bool:
        with glance() as reader:
            changed, members = later_than(reader, *self.cut)
        return changed * FEW <= members

    def _rows(self, glance: Glance, part: Part, size: int) -> Iterator[list[History]]:
        """By a moment's reading for each page: who reads long keeps what others would clear away.

        A page is read while the one before it is worked on.
        """

        def read(after: bytes) -> list[tuple[bytes, Rhythm]]:
            with glance() as reader:
                return rhythms(reader, after, part.until, size)

        with ThreadPoolExecutor(1, "ledger-lists") as beside:
            reading = beside.submit(read, part.after)
            found = None
            while found is None or len(found) == size:
                found = reading.result()
                if len(found) == size:
                    reading = beside.submit(read, found[-1][0])
                some = []
                for member, rhythm in found:
                    if rhythm.recorded_at <= self.cut.until and rhythm.position <= self.cut.upto:
                        some.append(History(member, rhythm))
                    else:
                        some += self._logged(Part.of(member))
                if some:
                    yield some

    def _logged(self, part: Part) -> Iterator[History]:
        """From the log."""
        for member, own in groupby(self._events(part, _TOPICS), key=itemgetter(1)):
            rhythm = Rhythm()
            if news := [one for row in own if (one := _news(row))]:
                rhythm.take(news)
            if rhythm.visits:
                yield History(member, rhythm)

    def _events(self, part: Part, topics: Sequence[str]) -> Iterator[Paged]:
        for page in self._log.in_streams((part.after, 0), part.until, self.cut.upto, topics, PAGE):
            for row in page:
                if row[5] <= self.cut.until:
                    yield row


def _news(row: Paged) -> News | None:
    position, _, _, topic, state, recorded_at = row
    if topic == _SCAN:
        return visit(position, recorded_at, _decode(state).scan)
    return (position, recorded_at, _LEFT[topic]) if topic in _LEFT else None
