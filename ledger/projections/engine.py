"""Following the log: a batch is folded, written and tracked in one transaction.

Several projections are fed by one pass. A projection that was written and not tracked, or
tracked and not written, cannot exist, so a kill at any moment loses and repeats nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from ledger.errors import RebuildNeeded, RebuildOvertaken
from ledger.projections.reports import PLACES, Reports
from ledger.projections.schema import At, Out, Projection
from ledger.store.codec import Codec
from ledger.store.keys import Keys
from ledger.store.log import Log
from ledger.types import ReceiptKey

BATCH = 5_000
Progress = Callable[[int], None]


class Status(NamedTuple):
    """How far a projection has come; `lag` is in events."""

    projection: str
    position: int
    lag: int


class Engine:
    """Keeps the reporting tables of one log."""

    def __init__(
        self, log: Log, codec: Codec, keys: Keys, projections: Sequence[Projection]
    ) -> None:
        """Follow the log with these projections."""
        self.projections = tuple(projections)
        self.reports = Reports(postgres=log.is_postgres)
        self._log = log
        self._folder = Folder(codec, keys)

    def prepare(self) -> None:
        """Make tables that are missing."""
        with self._log.transaction(commit=True) as cursor:
            self.reports.make(cursor, self.projections)

    def status(self) -> list[Status]:
        """How far each projection has come."""
        with self._log.transaction(commit=False) as cursor:
            known = self.reports.status(cursor)
        head = self._log.head()  # read later, so that nobody is ahead of it
        return [Status(n, at, head - at) for n, (_, _, at) in sorted(known.items())]

    def catch_up(self, progress: Progress | None = None) -> int:
        """Bring every projection to the head of the log; returns the position reached.

        Raises:
            RebuildNeeded: a projection was built in another shape.
        """
        with self._log.transaction(commit=False) as cursor:
            reached = min(position for _, position in self._live(cursor).values())
            if not self._log.page(reached, 1, cursor):
                return reached  # nothing new, so nobody's writing is held up
        while True:
            with self._log.transaction(commit=True) as cursor:
                self._lock(cursor)
                live = self._live(cursor)
                after = min(position for _, position in live.values())
                rows = self._log.page(after, BATCH, cursor)
                if not rows:
                    return max(reached, after)
                reached = int(rows[-1][0])
                self._advance(cursor, live, rows)
            if progress:
                progress(len(rows))

    def rebuild(self, names: Sequence[str], progress: Progress | None = None) -> int:
        """Build projections anew beside the live ones, then point readers to the new place.

        Returns the position reached. A rebuild that is killed leaves the live tables as they
        were. Rows are deleted, not tables dropped, so that who is reading goes on undisturbed.

        Raises:
            RebuildOvertaken: another rebuild began after this one.
        """
        chosen = [p for p in self.projections if p.name in names]
        with self._log.transaction(commit=False) as cursor:
            gone = not self.reports.exist(cursor)
        if gone:
            self.prepare()  # they can be dropped at any time; the log is what counts
        places = self._start(chosen)
        for projection in chosen:
            self._empty(projection, places[projection.name])
        after = 0
        while True:
            with self._log.transaction(commit=True) as cursor:
                self._lock(cursor)
                self._keep_on(cursor, chosen, places, after)
                rows = self._log.page(after, BATCH, cursor)
                if not rows:
                    self._flip(cursor, chosen, places, after)
                    break
                self._advance(cursor, {p.name: (places[p.name], after) for p in chosen}, rows)
                after = int(rows[-1][0])
            if progress:
                progress(len(rows))
        for projection in chosen:
            self._empty(projection, _other(places[projection.name]))
        return after

    def _start(self, chosen: Sequence[Projection]) -> dict[str, str]:
        """Choose the places to build in; what an earlier rebuild did there does not count."""
        with self._log.transaction(commit=True) as cursor:
            self._lock(cursor)
            known = self.reports.status(cursor)
            self.reports.make(cursor, [p for p in chosen if p.name not in known])
            status = self.reports.status(cursor)
            places = {p.name: _other(status[p.name][0]) for p in chosen}
            for projection in chosen:
                place = places[projection.name]
                self._log.untrack(cursor, _follower(projection, place))
                changed = status[projection.name][1] != projection.shape
                if changed or not self.reports.in_shape(cursor, projection, place):
                    self.reports.clear_place(cursor, projection, place)
                    if not changed:
                        self.reports.show(cursor, projection)
            return places

    def _keep_on(
        self, cursor: Any, chosen: Sequence[Projection], places: dict[str, str], after: int
    ) -> None:
        """Make sure that the places are as this rebuild left them."""
        for projection in chosen:
            follower = _follower(projection, places[projection.name])
            if self._log.tracked(cursor, follower) != after:
                raise RebuildOvertaken(f"`{projection.name}`")

    def _empty(self, projection: Projection, place: str) -> None:
        """Delete what a place holds, a part at a time, unless somebody builds in it or reads it."""
        more = True
        while more:
            with self._log.transaction(commit=True) as cursor:
                self._lock(cursor)
                live = self.reports.status(cursor)[projection.name][0]
                if live == place or self._log.tracked(cursor, _follower(projection, place)):
                    return
                more = self.reports.delete_some(cursor, projection, place, BATCH)

    def _flip(
        self, cursor: Any, chosen: Sequence[Projection], places: dict[str, str], position: int
    ) -> None:
        """Switch to the new places."""
        status = self.reports.status(cursor)
        for projection in chosen:
            place = places[projection.name]
            self.reports.set_status(cursor, projection, place, position)
            self._log.untrack(cursor, _follower(projection, _other(place)))
            if status[projection.name][1] != projection.shape:
                self.reports.clear_place(cursor, projection, _other(place))
                self.reports.show(cursor, projection)

    def digests(self) -> dict[str, str]:
        """A digest of each projection: the same for the same history on any store."""
        with self._log.transaction(commit=False) as cursor:
            status = self.reports.status(cursor)
            return {p.name: self._digest(cursor, p, status[p.name][0]) for p in self.projections}

    def _digest(self, cursor: Any, projection: Projection, place: str) -> str:
        digest = hashlib.sha256()
        encode = msgspec.msgpack.Encoder().encode
        for table in projection.tables:
            digest.update(table.name.encode())
            for chunk in self.reports.scan(cursor, table, place):
                for row in chunk:
                    digest.update(encode(row))
        return digest.hexdigest()

    def tracked(self, cursor: Any, projection: Projection) -> int:
        """How far the live place of a projection is tracked."""
        place = self.reports.status(cursor)[projection.name][0]
        return self._log.tracked(cursor, _follower(projection, place))

    def _live(self, cursor: Any) -> dict[str, tuple[str, int]]:
        """Place and position of each projection."""
        status = self.reports.status(cursor)
        live = {}
        for projection in self.projections:
            place, shape, position = status.get(projection.name, ("", None, 0))
            if shape != projection.shape:
                raise RebuildNeeded(f"`{projection.name}`")
            tracked = self._log.tracked(cursor, _follower(projection, place))
            if tracked != position:  # going on would count events twice, or not at all
                raise RebuildNeeded(f"`{projection.name}` is at {position}, tracked at {tracked}.")
            live[projection.name] = (place, tracked)
        return live

    def _advance(
        self, cursor: Any, live: dict[str, tuple[str, int]], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        head = int(rows[-1][0])
        behind = [p for p in self.projections if p.name in live and live[p.name][1] < head]
        outs = self._folder.fold(behind, rows, {p.name: live[p.name][1] for p in behind})
        for projection in behind:
            place = live[projection.name][0]
            self.reports.write(cursor, projection, place, outs[projection.name])
            self._log.track(cursor, _follower(projection, place), head)
            self._position(cursor, projection, place, head)

    def _position(self, cursor: Any, projection: Projection, place: str, head: int) -> None:
        mark = self.reports.mark
        cursor.execute(
            f"UPDATE {self.reports.prefix}projection_status SET position = {mark}"
            f" WHERE projection = {mark} AND place = {mark}",
            (head, projection.name, place),
        )

    def _lock(self, cursor: Any) -> None:
        """One follower at a time; SQLite's writing transaction is that already."""
        if self._log.is_postgres:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('reporting', 0))")


class Folder:
    """Turns rows of the log into what they say to projections."""

    def __init__(self, codec: Codec, keys: Keys) -> None:
        """Decode with the codec; the keys give a receipt its id."""
        self._decode = codec.decode
        self._events = {topic: event for event, topic in codec.topic_of.items()}
        self._keys = keys
        self._last: tuple[Any, bytes] = (None, b"")

    def fold(
        self, projections: Sequence[Projection], rows: Sequence[tuple[Any, ...]],
        after: dict[str, int],
    ) -> dict[str, Out]:  # fmt: skip
        """What the rows say to each projection, as far as it has not heard them."""
        outs = {p.name: Out(p.tables, self._receipt_id) for p in projections}
        heard = [(after[p.name], outs[p.name], p.folds) for p in projections]
        wanted = {
            topic: [(a, out, folds[event]) for a, out, folds in heard if event in folds]
            for topic, event in self._events.items()
        }
        decode = self._decode
        for position, stream, version, topic, state, recorded_at in rows:
            takers = wanted[topic]
            if takers:
                event = decode[topic](state)
                at = At(position, stream, version, recorded_at)
                for seen, out, fold in takers:
                    if position > seen:
                        fold(at, event, out)
        return outs

    def _receipt_id(self, scan: Any) -> bytes:
        """The receipt stream of a scan; several projections ask for the same one in a row."""
        if self._last[0] is not scan:
            key = ReceiptKey(scan.store, scan.lane, scan.business_day, scan.number)
            self._last = (scan, self._keys.receipt(key))
        return self._last[1]


def _other(place: str) -> str:
    return PLACES[1 - PLACES.index(place)]


def _follower(projection: Projection, place: str) -> str:
    return f"{projection.name}.{place}"
