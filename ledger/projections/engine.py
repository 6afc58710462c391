"""Following the log: a batch is folded, written and tracked in one transaction.

Several projections are fed by one pass. A projection that was written and not tracked, or
tracked and not written, cannot exist, so a kill at any moment loses and repeats nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from ledger.errors import RebuildNeeded
from ledger.projections.folder import Folder
from ledger.projections.intake import Intake
from ledger.projections.parking import Parked
from ledger.projections.rebuild import Rebuild, follower
from ledger.projections.reports import Reports
from ledger.projections.schema import Projection, Said
from ledger.store.codec import Codec
from ledger.store.keys import ID_BYTES, Keys
from ledger.store.log import Log, Paged

BATCH = 5_000
Progress = Callable[[int], None]


class Status(NamedTuple):
    """How far a projection has come; `lag` is in events, `parked` counts streams left out."""

    projection: str
    position: int
    lag: int
    parked: int = 0


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
        self._intake = Intake(log, self.reports, self._folder)
        self._parking = self._intake.parking

    def prepare(self) -> None:
        """Make tables that are missing."""
        with self._log.transaction(commit=True) as cursor:
            self.reports.make(cursor, self.projections)
            self._parking.make(cursor)

    def status(self) -> list[Status]:
        """How far each projection has come."""
        with self._log.transaction(commit=False) as cursor:
            known = self.reports.status(cursor)
            places = {name: place for name, (place, _, _) in known.items()}
            left = Counter(one.projection for one in self._parking.parked(cursor, places))
        head = self._log.head()  # read later, so that nobody is ahead of it
        return [Status(n, at, head - at, left[n]) for n, (_, _, at) in sorted(known.items())]

    def parked(self) -> list[Parked]:
        """What the live reports leave out, in the order of the log."""
        with self._log.transaction(commit=False) as cursor:
            return self._parking.parked(cursor, self.places(cursor))

    def places(self, cursor: Any) -> dict[str, str]:
        """The live place of each projection."""
        return {name: place for name, (place, _, _) in self.reports.status(cursor).items()}

    def catch_up(self, progress: Progress | None = None) -> int:
        """Bring every projection to where the head of the log is now; returns the position reached.

        What others go on appending meanwhile is not waited for: they might never pause.

        Raises:
            RebuildNeeded: a projection was built in another shape.
        """
        head = self._log.head()
        with self._log.transaction(commit=False) as cursor:
            reached = min(position for _, position in self._live(cursor).values())
        while reached < head:  # where nothing is new, nobody's writing is held up
            rows, reached = self._intake.in_doubt(partial(self._next, head))
            if progress and rows:
                progress(rows)
        return reached

    def hears_all(self, cursor: Any, projection: Projection, stream: bytes) -> bool:
        """Whether a report is of today's shape and leaves nothing of a stream out."""
        place, shape, _ = self.reports.status(cursor).get(projection.name, ("", None, 0))
        left_out = self._parking.versions(cursor, {projection.name: place})
        return shape == projection.shape and stream not in left_out.get(projection.name, {})

    def unheard(self, projection: Projection, stream: bytes, version: int) -> Said | None:
        """What the events of a stream after a version come to, from the log; nothing is written.

        None where the report cannot take one of them, or a database not hold what it comes to.
        """
        topics = self._folder.topics([projection])
        rows = list(self._of_stream(stream, version + 1, topics, self._log.head()))
        try:
            said = self._folder.fold([projection], rows, {projection.name: 0})[projection.name]
        except Exception as error:
            if not self._intake.blames_an_event(error):
                raise
            return None
        told = (value for rows in said.rows.values() for row in rows for value in row)
        return said if all(map(_storable, told)) else None

    def _next(self, head: int, *, carefully: bool) -> tuple[int, int]:
        """Take the next batch; how many events that were, and the position reached."""
        with self._log.transaction(commit=True) as cursor:
            self.reports.lock(cursor)
            live = self._live(cursor)
            reached = min(position for _, position in live.values())
            if reached >= head:
                return 0, reached  # somebody else did it
            rows = self._log.page(reached, BATCH, cursor)
            self._advance(cursor, live, rows, carefully=carefully)
            return len(rows), int(rows[-1][0])

    def unpark(self, names: Sequence[str], progress: Progress | None = None) -> list[Parked]:
        """Try again what these projections left out; returns what still is.

        Where streams decide by themselves only theirs are read; where the log's order counts the
        projection is built anew.

        Raises:
            RebuildOvertaken: another rebuild began after this one.
        """
        left = {one.projection for one in self.parked() if one.projection in names}
        if anew := [p.name for p in self.projections if p.name in left and not p.kind]:
            self.rebuild(anew, progress)
        for projection in self.projections:
            if projection.name in left and projection.kind:
                for one in [one for one in self.parked() if one.projection == projection.name]:
                    while not self._unpark(projection, one.stream):
                        pass  # it moved on meanwhile
        return [one for one in self.parked() if one.projection in names]

    def _unpark(self, projection: Projection, stream: bytes) -> bool:
        """Try one stream again; False where the projection moved on while it was read."""
        with self._log.transaction(commit=False) as cursor:
            seen = self._left_out(cursor, projection)
        place, upto, parked = seen
        if stream not in parked:
            return True  # somebody else took it
        topics = self._folder.topics([projection])
        rows = list(self._of_stream(stream, parked[stream], topics, upto))
        with self._log.transaction(commit=True) as cursor:
            self.reports.lock(cursor)
            if self._left_out(cursor, projection) != seen:
                return False
            del parked[stream]
            self._parking.release(cursor, projection.name, place, stream)
            self._intake.take_carefully(
                cursor, rows, projection, place, 0, parked,
                self._intake.writing(cursor, projection, place),
            )  # fmt: skip
        return True

    def _left_out(self, cursor: Any, projection: Projection) -> tuple[str, int, dict[bytes, int]]:
        """The live place, how far it has come, and what it leaves out from which version on."""
        name = projection.name
        place, _, position = self.reports.status(cursor)[name]
        return place, position, self._parking.versions(cursor, {name: place}).get(name, {})

    def _of_stream(
        self, stream: bytes, version: int, topics: Sequence[str], upto: int
    ) -> Iterator[Paged]:
        """What a stream has from a version on."""
        after, until = version - 1, _next_stream(stream)
        while rows := self._log.by_stream((stream, after), until, upto, topics, BATCH):
            yield from rows
            after = rows[-1][2]

    def rebuild(
        self, names: Sequence[str], progress: Progress | None = None, *, workers: int = 1,
        anew: bool = False,
    ) -> int:  # fmt: skip
        """Build projections anew beside the live ones, then point readers to the new place.

        Returns the position reached. One that was killed goes on where it stopped, unless it is
        to begin `anew`; until its end the live tables stay as they were.

        Raises:
            RebuildOvertaken: another rebuild began after this one.
        """
        chosen = [p for p in self.projections if p.name in names]
        with self._log.transaction(commit=False) as cursor:
            gone = not self.reports.exist(cursor)
        if gone:
            self.prepare()  # they can be dropped at any time; the log is what counts
        task = Rebuild(self._log, self.reports, self._folder, chosen, BATCH)
        return task.run(progress or (lambda _: None), workers=workers, anew=anew)

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
        return self._log.tracked(cursor).get(follower(projection, place), 0)

    def _live(self, cursor: Any) -> dict[str, tuple[str, int]]:
        """Place and position of each projection."""
        status, reached = self.reports.status(cursor), self._log.tracked(cursor)
        live = {}
        for projection in self.projections:
            place, shape, position = status.get(projection.name, ("", None, 0))
            if shape != projection.shape:
                raise RebuildNeeded(f"`{projection.name}`")
            tracked = reached.get(follower(projection, place), 0)
            if tracked != position:  # going on would count events twice, or not at all
                raise RebuildNeeded(f"`{projection.name}` is at {position}, tracked at {tracked}.")
            live[projection.name] = (place, tracked)
        return live

    def _advance(
        self, cursor: Any, live: dict[str, tuple[str, int]], rows: Sequence[Paged], *,
        carefully: bool,
    ) -> None:  # fmt: skip
        head = int(rows[-1][0])
        behind = [p for p in self.projections if p.name in live and live[p.name][1] < head]
        places = {p.name: live[p.name][0] for p in behind}
        after = {p.name: live[p.name][1] for p in behind}
        self._intake.take(cursor, rows, behind, places, after, carefully=carefully)
        self._log.track(cursor, [follower(p, places[p.name]) for p in behind], head)
        self.reports.advance(cursor, places, head)


def _storable(value: Any) -> bool:
    """Whether every database can hold it."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return not isinstance(value, str) or "\0" not in value


def _next_stream(stream: bytes) -> bytes:
    """The stream id after this one."""
    return (int.from_bytes(stream, "big") + 1).to_bytes(ID_BYTES, "big")
