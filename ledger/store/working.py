"""The states that a batch of commands is decided on, and the rows it will append."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from eventsourcing.persistence import IntegrityError
from msgspec import Struct

from ledger import events as e
from ledger.store.codec import Codec
from ledger.store.draws import Draws
from ledger.store.keys import Keys
from ledger.store.log import AS_IT_WAS, DESTROYED, Kept, Loaded, Log, Row, Snapshot
from ledger.store.vault import Vault
from ledger.types import Instant

SNAPSHOT_EVERY = 32
"""Events between two snapshots of a stream: with more, loading a member with a long history costs
more than half a command on top (`make bench`)."""


NOTHING_SINCE = 2**62
"""A position that no log reaches: asks for no changes."""


class Torn(IntegrityError):
    """Streams were read at two moments, between which others wrote to both: decide again."""


class Entry(Struct, frozen=True, gc=False):
    """A stream as it is known: version 0 and no state where it does not exist.

    No collector looks at it: there are as many as a cache holds, and a state holds no circle.
    """

    version: int
    state: Any


ABSENT = Entry(0, None)


class Cache:
    """The latest states of streams that will be needed again; bounded, first in first out."""

    def __init__(self, size: int) -> None:
        """Hold at most so many streams."""
        self.size = size
        self.entries: dict[bytes, Entry] = {}
        self.head = 0
        """The position up to which the entries are known to be true."""

    def put(self, stream: bytes, entry: Entry) -> None:
        """Keep an entry, letting go of the oldest where the cache is full."""
        entries = self.entries
        entries.pop(stream, None)
        entries[stream] = entry
        if len(entries) > self.size:
            del entries[next(iter(entries))]

    def forget(self, streams: Iterable[bytes]) -> None:
        """Let go of streams that others have written to."""
        for stream in streams:
            self.entries.pop(stream, None)


class Batch(NamedTuple):
    """What was decided together: rows to append, what to keep beside the log, states as known."""

    rows: list[Row]
    kept: list[Kept]
    known: dict[bytes, Entry]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to record."""
        return not self.rows and not self.kept


NOTHING = Batch([], [], {})


def _written(batch: Batch) -> Iterator[bytes]:
    """The streams that the rows of a batch stand in."""
    for row in batch.rows:
        yield row.stream
        if row.claims:
            yield row.claims


class Working:
    """One batch's view: reads through the cache to the log, and writes only to itself.

    Commands are decided on it one after another, each on the state left by the one before; a
    batch may also go on after one that is not durable yet.
    """

    def __init__(self, log: Log, codec: Codec, keys: Keys, cache: Cache, vault: Vault) -> None:
        """Begin with nothing read and nothing to append."""
        self.now: Instant = 0
        self.keys = keys
        self.vault = vault
        self.rows: list[Row] = []
        self.kept: list[Kept] = []
        self._personal: dict[bytes, bytes] = {}
        """What became of members' keys, in the batch in flight and since."""
        self._log = log
        self._codec = codec
        self._cache = cache
        self._known: dict[bytes, Entry] = {}
        self._before: list[tuple[bytes, Entry | None]] = []
        self._draws = Draws()
        self._ahead = NOTHING
        """The batch that is in flight: the log does not tell of it yet."""

    def begin(self, now: Instant) -> None:
        """Start a batch at an instant."""
        self.now = now
        self.rows = []
        self.kept = []
        ahead = self._ahead
        self._personal = {one.stream: one.key for one in ahead.kept}
        self._known = {stream: ahead.known[stream] for stream in _written(ahead)}
        self._before = []
        self._draws = Draws()

    def known(self, stream: bytes) -> Any:
        """The state of a stream if it is at hand, without asking the log."""
        entry = self._known.get(stream) or self._cache.entries.get(stream)
        return entry.state if entry else None

    def missing(self, streams: Iterable[bytes]) -> list[bytes]:
        """Those that are not at hand."""
        known, cached = self._known, self._cache.entries
        return [s for s in streams if s not in known and s not in cached]

    def expect_new(self, streams: Iterable[bytes]) -> None:
        """Decide as if these did not exist; where one does, appending is a conflict."""
        self._known.update(dict.fromkeys(streams, ABSENT))

    def fetch(self, streams: Iterable[bytes]) -> None:
        """Look up streams, each once, in one statement.

        The same statement tells which streams others have written to since the last look.
        """
        missing, since = list(dict.fromkeys(streams)), self._cache.head
        found = self._log.load(missing, self._codec.shape, since or NOTHING_SINCE)
        if found.changed is None:
            self._cache.entries.clear()
            self._known.clear()
        for stream, version in found.changed or ():
            # An own append that others came between is told of too, and known already.
            for entries in (self._cache.entries, self._known):
                if stream in entries and entries[stream].version < version:
                    del entries[stream]
        self._cache.head = max(found.head, since)
        self._take_in(missing, found)

    def _take_in(self, streams: list[bytes], found: Loaded) -> None:
        known = self._known
        for stream in streams:
            known[stream] = ABSENT
        codec = self._codec
        for stream, version, state in found.snapshots:
            known[stream] = Entry(version, codec.snapshot[stream[0]](state))
        for stream, by, version, topic, state in found.claims:
            known[stream] = self._begun(stream, by, version, codec.decode[topic](state))
        for stream, version, topic, state in found.events:
            evolve = codec.kinds[stream[0]].evolve
            known[stream] = Entry(version, evolve(known[stream].state, codec.decode[topic](state)))

    def _begun(self, stream: bytes, by: bytes, version: int, event: Any) -> Entry:
        """A stream that has begun with an event of another."""
        kind = self._codec.kinds[stream[0]]
        assert kind.claimed is not None, "only such streams are claimed"  # noqa: S101
        return Entry(1, kind.evolve(None, kind.claimed(by, version, event)))

    def entry(self, stream: bytes) -> Entry:
        """Version and state of a stream, from the log if need be."""
        entry = self._known.get(stream) or self._cache.entries.get(stream)
        if entry is None:
            found = self._log.load([stream], self._codec.shape, NOTHING_SINCE)
            self._take_in([stream], found)
            entry = self._known[stream]
        return entry

    def state(self, stream: bytes) -> Any:
        """The state of a stream; None where it does not exist."""
        entry = self._known.get(stream) or self._cache.entries.get(stream)
        return (entry or self.entry(stream)).state

    def version(self, stream: bytes) -> int:
        """The version of a stream; 0 where it does not exist."""
        return self.entry(stream).version

    def version_now(self, stream: bytes) -> int:
        """The version of a stream that was taken for new, from the log.

        Nothing is heard of other streams: what was decided on them has to stay as it was, so that
        what is appended behind it is a conflict where others wrote.
        """
        self._known.pop(stream, None)
        return self.version(stream)

    def event(self, stream: bytes, version: int) -> Any:
        """One event of a stream: of this batch or the one in flight, or from the log."""
        for row in chain(reversed(self.rows), reversed(self._ahead.rows)):
            if row.stream == stream and row.version == version:
                return self._codec.decode[row.topic](row.state)
        found = self._log.event(stream, version)
        assert found is not None, "a pointer leads to an event"  # noqa: S101
        return self._codec.decode[found[0]](found[1])

    def emit(
        self, stream: bytes, event: Any, recorded_at: Instant | None = None, claims: bytes = b""
    ) -> int:
        """Put an event at the end of a stream and return its version.

        A stream that it claims must not have begun: this is its first event too.
        """
        before = self._known.get(stream)
        entry = before or self.entry(stream)
        version = entry.version + 1
        codec = self._codec
        self._before.append((stream, before))
        self._known[stream] = Entry(version, codec.kinds[stream[0]].evolve(entry.state, event))
        if claims:
            self._before.append((claims, self._known.get(claims)))
            self._known[claims] = self._begun(claims, stream, version, event)
        self.rows.append(
            Row(
                stream,
                version,
                codec.topic_of[type(event)],
                codec.encode(event),
                self.now if recorded_at is None else recorded_at,
                claims,
            )
        )
        return version

    def seal(self, stream: bytes, plain: bytes, birthday: int = AS_IT_WAS) -> bytes:
        """Encrypt personal data under the member's key, making the key with the first event.

        A birthday (100 x month + day, 0 for none) is kept beside the key.
        """
        key = self.personal_key(stream)
        if key is None or birthday != AS_IT_WAS:
            key = key or self.vault.new_key()
            self._keep(Kept(stream, key, birthday))
        return self.vault.encrypt(stream, key, plain)

    def to_keep(self) -> list[Kept]:
        """What this batch keeps of personal data: the last word on each stream."""
        last: dict[bytes, Kept] = {}
        for one in self.kept:
            before = last.get(one.stream)
            if before and before.key == DESTROYED:
                continue
            if before and one.key and one.birthday == AS_IT_WAS:
                last[one.stream] = before
            else:
                last[one.stream] = one
        return list(last.values())

    def destroy_key(self, stream: bytes) -> None:
        """Destroy a member's key in the transaction that appends this batch."""
        self._keep(Kept(stream, DESTROYED))
        self.vault.forget(stream)

    def _keep(self, one: Kept) -> None:
        self.kept.append(one)
        self._personal[one.stream] = one.key

    def personal_key(self, stream: bytes) -> bytes | None:
        """The key of a member's personal data: stored, or made in this batch."""
        made = self._personal.get(stream)
        if made == DESTROYED:
            return None
        if made or not self.version(stream):
            return made  # a key is stored with its member's first event, never before
        return self.vault.key(stream)

    def unseal(self, stream: bytes, sealed: bytes) -> bytes | None:
        """Decrypt personal data; None where there are none or the key was destroyed."""
        own = self._personal.get(stream)
        return None if own == DESTROYED else self.vault.decrypt(stream, sealed, own)

    def pool_drawn(self, stream: bytes) -> int:
        """What was taken of a shared quantity, by this batch too."""
        pool = self.state(stream)
        return (pool.drawn if pool else 0) + self._draws.of(stream)

    def pool_left(self, stream: bytes) -> int:
        """What is left of what was put into a shared quantity."""
        pool = self.state(stream)
        return (pool.stocked if pool else 0) - self.pool_drawn(stream)

    def draw(self, stream: bytes, quantity: int) -> None:
        """Take of a shared quantity, or give back below zero; who asks looked what is left."""
        self._draws.add(stream, quantity)

    def settle(self) -> None:
        """Put one event at the end of each stream that was drawn from.

        Of two processes that drew from one stream, the second meets the first's version and
        decides again, so what is given out is never more than there is.
        """
        for stream, quantity in self._draws.sums():
            self.emit(stream, e.Drawn(quantity))
        self._draws = Draws()

    def mark(self) -> tuple[int, int, int, int]:
        """A point to come back to if the next command is refused."""
        return len(self.rows), len(self._before), len(self.kept), self._draws.mark()

    def back_to(self, mark: tuple[int, int, int, int]) -> None:
        """Undo everything since the mark."""
        rows, before, kept, draws = mark
        self._draws.back_to(draws)
        for stream, entry in reversed(self._before[before:]):
            if entry is None:
                self._known.pop(stream, None)
            else:
                self._known[stream] = entry
        if len(self.kept) > kept:
            del self.kept[kept:]
            self._personal = {one.stream: one.key for one in (*self._ahead.kept, *self.kept)}
        del self.rows[rows:], self._before[before:]

    def batch(self) -> Batch:
        """What was decided since the beginning."""
        return Batch(self.rows, self.to_keep(), self._known)

    def go_on_after(self, batch: Batch) -> None:
        """Believe a batch that is on its way, so that the next one is decided after it.

        Its states go to the cache now and not when it is durable: what others write meanwhile
        takes them out again.
        """
        kinds = self._codec.kinds
        for stream, entry in batch.known.items():
            if kinds[stream[0]].cached and entry.version:
                self._cache.put(stream, entry)
        self._ahead = batch

    def landed(self, batch: Batch, first: int) -> None:
        """The batch is durable, from this position on: the log tells of it from now on."""
        if first == self._cache.head + 1:
            self._cache.head += len(batch.rows)
        if self._ahead is batch:
            self._ahead = NOTHING

    def forget(self) -> None:
        """After a conflict: nothing that this batch or the one in flight touched is believed."""
        for batch in (self._ahead, self.batch()):
            self._cache.forget(_written(batch))
            self._cache.forget(batch.known)
        self._ahead = NOTHING

    def snapshots_due(self, batch: Batch) -> list[Snapshot]:
        """The snapshots that the appended rows of a batch make worth taking."""
        due = []
        for stream in {r.stream for r in batch.rows if r.version % SNAPSHOT_EVERY == 0}:
            if stream[0] in self._codec.snapshot:
                version, state = batch.known[stream].version, batch.known[stream].state
                due.append(Snapshot(stream, version, self._codec.shape, self._codec.encode(state)))
        return due
