"""Some members instead of all, and what in the log is theirs."""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger import events as e
from ledger.store.codec import Codec
from ledger.store.keys import CARD, COMMAND, ID_BYTES, MEMBER, RECEIPT, Keys
from ledger.store.log import Log

PAGE = 5_000


class Sample(NamedTuple):
    """Members, and the streams of their cards and receipts."""

    members: frozenset[bytes]
    cards: frozenset[bytes]
    receipts: frozenset[bytes]

    def holds(self, stream: bytes, topic: str, event: bytes, codec: Codec) -> bool:
        """Whether an event is theirs, or nobody's in particular."""
        kind = stream[0]
        if kind == MEMBER:
            return stream in self.members
        if kind == CARD:
            return stream in self.cards
        if kind == RECEIPT:
            return stream in self.receipts or self._waits(topic, event, codec)
        if kind == COMMAND and topic == e.CommandClaimed.TOPIC:
            return codec.decode[topic](event).stream in self.members
        return True

    def _waits(self, topic: str, event: bytes, codec: Codec) -> bool:
        """Whether a receipt without a member was made with one of their cards."""
        return topic == e.ReceiptUnclaimed.TOPIC and codec.decode[topic](event).card in self.cards


def sample(log: Log, codec: Codec, keys: Keys, size: int) -> Sample:
    """The first so many members in the order of streams, and whom they share points with.

    Stream ids are keyed hashes, so the first ones are as good as drawn by lot, and the same
    each time. Who was merged with one of them, or gave or got points, comes along.
    """
    drawn = _Drawing(log, codec, keys)
    drawn.read(bytes([MEMBER]).ljust(ID_BYTES, b"\0"), size)
    while drawn.others:
        drawn.read(drawn.others.pop(), 1)
    return Sample(frozenset(drawn.members), frozenset(drawn.cards), frozenset(drawn.receipts))


class _Drawing:
    def __init__(self, log: Log, codec: Codec, keys: Keys) -> None:
        self._log = log
        self._codec = codec
        self._keys = keys
        self.members: set[bytes] = set()
        self.cards: set[bytes] = set()
        self.receipts: set[bytes] = set()
        self.others: set[bytes] = set()

    def read(self, first: bytes, size: int) -> None:
        """Read so many members, from a stream on."""
        after = (first, 0)
        seen: set[bytes] = set()
        while rows := self._log.streams(MEMBER, after, PAGE):
            for stream, _, _, topic, state in rows:
                if stream not in seen and len(seen) == size:
                    return
                seen.add(stream)
                self.members.add(stream)
                self.others.discard(stream)
                self._note(self._codec.decode[topic](state))
            after = (rows[-1][0], rows[-1][1])

    def _note(self, event: Any) -> None:
        match event:
            case e.CardLinked():
                self.cards.add(event.card)
            case e.ReceiptAttributed():
                self.receipts.add(event.receipt)
            case e.ReceiptScanned():
                self.receipts.add(self._keys.receipt(event.scan.key))
            case e.MergedAway():
                self._other(event.into)
            case e.MergedIn():
                self._other(event.member)
            case e.PointsSent():
                self._other(event.to)
            case e.PointsReceived():
                self._other(event.sender)

    def _other(self, member: bytes) -> None:
        if member not in self.members:
            self.others.add(member)
