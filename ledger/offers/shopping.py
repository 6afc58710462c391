"""What members bought, read from their streams up to a day, some thousand members at a time.

Only what had been recorded by the end of the day is read, so a list of a past day is what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Raw, Struct

from ledger import events as e
from ledger.calendar import midnight
from ledger.forecast.purchases import Ints, Purchases, purchases
from ledger.store.keys import ID_BYTES, MEMBER
from ledger.store.log import Log, Paged
from ledger.types import Day, Instant

PAGE = 5_000
LAST = 2**31 - 1
"""A version behind all of a stream."""
_SALE = "sale"


class _Scan(Struct, array_like=True, frozen=True, gc=False):
    """Of a scan, what is asked here."""

    store: Raw
    lane: Raw
    business_day: Day
    number: Raw
    captured_at: Instant
    offset_minutes: int
    goods: e.Goods


class _Scanned(Struct, array_like=True, frozen=True, gc=False):
    scan: _Scan


_decode = msgspec.msgpack.Decoder(_Scanned).decode
_SCAN = e.ReceiptScanned.TOPIC
GONE = (e.MemberClosed.TOPIC, e.MemberErased.TOPIC, e.MergedAway.TOPIC)
_TOPICS = (_SCAN, *GONE, e.PartedAgain.TOPIC)


class Cut(NamedTuple):
    """Up to where the log is read: a position, and what had been recorded by an instant."""

    upto: int
    until: Instant


def cut_at(log: Log, day: Day, zone: str) -> Cut:
    """What had been recorded at the end of a day."""
    return Cut(log.head(), midnight(day + 1, zone) - 1)


class Part(NamedTuple):
    """Members by their streams: after one, before another."""

    after: bytes
    until: bytes

    @classmethod
    def of(cls, member: bytes) -> Part:
        """One member."""
        return cls(_moved(member, -1), _moved(member, 1))


def _moved(stream: bytes, by: int) -> bytes:
    return (int.from_bytes(stream) + by).to_bytes(ID_BYTES)


EVERYBODY = Part(bytes([MEMBER]).ljust(ID_BYTES, b"\0"), bytes([MEMBER + 1]).ljust(ID_BYTES, b"\0"))


class Chunk(NamedTuple):
    """Some members in the order of their streams, and what they bought."""

    members: list[bytes]
    gone: set[bytes]
    items: list[str]
    """Sorted; numbers of items are places in it."""
    bought: Purchases
    member: Ints
    """Of each line that was bought: by number, as items are."""
    item: Ints
    day: Ints
    quantity: Ints
    amount_minor: Ints


class Lines:
    """Gathers lines of receipts, member by member."""

    def __init__(self) -> None:
        """Nothing is gathered yet."""
        self.members: list[bytes] = []
        self.gone: set[bytes] = set()
        """Who was closed, erased or merged away, and gets no list."""
        self._codes: list[str] = []
        self._quantities: list[int] = []
        self._amounts: list[int] = []
        self._receipts: list[tuple[int, int, int, int]] = []
        """Member, day, number of the receipt in its stream, lines."""

    def add(self, row: Paged) -> None:
        """Take an event in; a receipt on which nothing was bought is no visit."""
        if row[3] == _SCAN:
            self._scanned(row)
        elif row[3] in GONE:
            self.gone.add(row[1])
        else:
            self.gone.discard(row[1])

    def _scanned(self, row: Paged) -> None:
        scan = _decode(row[4]).scan
        goods = scan.goods
        codes: Sequence[str] = goods.product_codes
        quantities: Sequence[int] = goods.quantities
        amounts: Sequence[int] = goods.amounts_minor
        if goods.kinds or goods.kind_letters or goods.voided or min(quantities, default=0) <= 0:
            codes, quantities, amounts = _sold(goods)
        if not codes:
            return
        if not self.members or self.members[-1] != row[1]:
            self.members.append(row[1])
        day = (scan.captured_at + scan.offset_minutes * 60) // 86_400
        self._receipts.append((len(self.members) - 1, day, row[2], len(codes)))
        self._codes += codes
        self._quantities += quantities
        self._amounts += amounts

    def chunk(self, known: Sequence[str] = ()) -> Chunk:
        """What was gathered; items are numbered among those that are known, and the new ones."""
        items = sorted({*known, *self._codes})
        number = {code: index for index, code in enumerate(items)}
        item = np.array(list(map(number.__getitem__, self._codes)), dtype=np.int64)
        receipts = np.array(self._receipts, dtype=np.int64).reshape(-1, 4)
        member, day, basket = (np.repeat(receipts[:, n], receipts[:, 3]) for n in range(3))
        bought = purchases(member, day, basket, item)._replace(items=len(items))
        numbers = (np.array(c, dtype=np.int64) for c in (self._quantities, self._amounts))
        return Chunk(self.members, self.gone, items, bought, member, item, day, *numbers)


def _sold(goods: e.Goods) -> tuple[list[str], list[int], list[int]]:
    """Lines of goods that were bought: no deposit, no return, nothing voided."""
    kinds = goods.kind_names
    codes = goods.product_codes
    kept = [
        index
        for index, quantity in enumerate(goods.quantities)
        if quantity > 0 and index not in goods.voided and (not kinds or kinds[index] == _SALE)
    ]
    return (
        [codes[index] for index in kept], [goods.quantities[index] for index in kept],
        [goods.amounts_minor[index] for index in kept],
    )  # fmt: skip


def lines(log: Log, cut: Cut, size: int, part: Part = EVERYBODY) -> Iterator[Lines]:
    """So many members at a time who bought something, in the order of their streams."""
    gathered = Lines()
    for rows in log.in_streams((part.after, LAST), part.until, cut.upto, _TOPICS, PAGE):
        for row in rows:
            if row[5] > cut.until:
                continue
            if len(gathered.members) == size and row[1] != gathered.members[-1]:
                yield gathered
                gathered = Lines()
            gathered.add(row)
    if gathered.members:
        yield gathered
