"""Some members instead of all, and what in the log is theirs."""

from __future__ import annotations

from typing import NamedTuple

from ledger import events as e
from ledger.store.codec import Codec
from ledger.store.keys import CARD, COMMAND, ID_BYTES, MEMBER, RECEIPT, Keys
from ledger.store.log import Log
from ledger.types import ReceiptKey

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
    """The first so many members in the order of streams.

    Stream ids are keyed hashes, so the first ones are as good as drawn by lot, and the same
    each time.
    """
    members: set[bytes] = set()
    cards: set[bytes] = set()
    receipts: set[bytes] = set()
    after = (bytes([MEMBER]).ljust(ID_BYTES, b"\0"), 0)
    while rows := log.streams(MEMBER, after, PAGE):
        for stream, _, _, topic, state in rows:
            if stream not in members and len(members) == size:
                return Sample(frozenset(members), frozenset(cards), frozenset(receipts))
            members.add(stream)
            event = codec.decode[topic](state)
            if isinstance(event, e.CardLinked):
                cards.add(event.card)
            elif isinstance(event, e.ReceiptAttributed):
                receipts.add(event.receipt)
            elif isinstance(event, e.ReceiptScanned):
                scan = event.scan
                key = ReceiptKey(scan.store, scan.lane, scan.business_day, scan.number)
                receipts.add(keys.receipt(key))
        after = (rows[-1][0], rows[-1][1])
    return Sample(frozenset(members), frozenset(cards), frozenset(receipts))
