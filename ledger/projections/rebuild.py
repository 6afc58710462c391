"""Building reports anew: ranges of streams first, then what the log's order decides, then the tail.

A head is fixed. What a stream by itself decides is folded from the streams in order, a page in
memory at a time, and written as finished rows; the rest is read by position. Then what was
appended meanwhile is followed as ever, and the last step of that points readers to the new place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

from ledger.errors import RebuildOvertaken
from ledger.projections.folder import Folder
from ledger.projections.intake import Intake
from ledger.projections.reports import PLACES, Reports
from ledger.projections.runs import Part, Run, Runs, new_number
from ledger.projections.schema import Projection, Said
from ledger.store.log import Log, Paged

RANGES = 256
"""Where a part may begin within one kind of stream; ids are hashes, so that all are as far apart."""
IN_ORDER = 0
"""The part that is read in the log's order; the others are kind x RANGES + where they begin, and
each ends where the next one begins."""
SMALL = 4
"""Parts of a worker where a part is a piece of an index; on PostgreSQL each reads the table."""
MOST_EVENTS = 50_000_000
"""Of the log, for each part: to read one may mean to read the log once and sort what is of it."""
PAGES = 4
"""A range is read in longer pages than the tail: nobody waits for a lock meanwhile."""
LITTLE = 10
"""A tenth of a page is little enough to be written under the lock, with what comes meanwhile."""
SHORT = 20
"""Fewer events than this are not worth another round."""
Progress = Callable[[int], None]


class Written(NamedTuple):
    """What one page said: a part's cursor before and after it, and rows by projection."""

    before: Part
    after: Part
    said: dict[str, Said] | None
    """None where something on it cannot be taken."""


class _Step(NamedTuple):
    """A batch of the tail: after which position, and whether it may be the last."""

    after: int
    last: bool


class _LeftOut(Exception):
    """Something on a page is not to be taken, or cannot be."""


class Scan:
    """Reads, folds and writes the parts of one run."""

    def __init__(
        self, log: Log, folder: Folder, chosen: Sequence[Projection], run: Run, batch: int
    ) -> None:
        """Work for a run on these projections."""
        self._log, self._folder, self._chosen, self._batch = log, folder, chosen, batch
        self.run = run
        self._reports = Reports(postgres=log.is_postgres)
        self._runs = Runs(self._reports)
        self._intake = Intake(log, self._reports, folder)

    def finish(self, number: int) -> Generator[Written]:
        """Read a part to its end and write it; what somebody else wrote is told with what follows."""
        told: Part | None = None
        done = False
        while not done:
            done = True
            with closing(self._sent(number)) as sent:
                for page, is_written in sent:
                    told = told or page.before
                    if not is_written():  # the commit of somebody who was killed came through
                        done = False
                        break
                    yield page._replace(before=told)
                    told = page.after
        if told and not told.done:  # the end was written by somebody else
            yield Written(told, self._parts(number)[number], {})

    def _sent(self, number: int) -> Generator[tuple[Written, Callable[[], bool]]]:
        """The pages of a part, each with what writes it, or waits until it is written.

        A server writes one page while the next is read and folded. Should one not be written, the
        one behind it is only if the part's cursor, moved by somebody else, is where it begins.
        """
        if not self._log.is_postgres:
            yield from ((page, partial(self.write, page)) for page in self.pages(number))
            return
        with ThreadPoolExecutor(1, "ledger-rebuild") as beside:
            before: tuple[Written, Callable[[], bool]] | None = None
            for page in self.pages(number):
                sent = page, beside.submit(self.write, page).result
                if before:
                    yield before
                before = sent
            if before:
                yield before

    def pages(self, number: int) -> Generator[Written]:
        """Read a part from where it stands to its end."""
        parts = self._parts(number)
        part = parts[number]
        if part.done:
            return
        until = _bound(min((n for n in parts if n > number), default=_next_kind(number)))
        takers = self._takers(number)
        for rows in self._rows(part, until):
            before, part = part, self._moved(part, rows, until)
            page = Written(before, part, self._folded(takers, rows))
            del rows  # or there would be two pages of them while the next one is read
            yield page

    def _parts(self, number: int) -> dict[int, Part]:
        """All parts as they stand, one of which is there."""
        with self._log.transaction(commit=False) as cursor:
            parts = {part.number: part for part in self._runs.parts(cursor, self.run.number)}
        if number not in parts:
            raise RebuildOvertaken(_names(self._chosen))
        return parts

    def _takers(self, number: int) -> list[Projection]:
        return [p for p in self._chosen if p.kind == _kind(number)]

    def _folded(self, takers: list[Projection], rows: list[Paged]) -> dict[str, Said] | None:
        try:
            return self._folder.fold(takers, rows, dict.fromkeys((p.name for p in takers), 0))
        except Exception as error:
            if not self._intake.blames_an_event(error):
                raise
            return None

    def _rows(self, part: Part, until: bytes) -> Iterator[list[Paged]]:
        """What is left of a part, by pages."""
        topics = self._topics(part)
        if part.number != IN_ORDER:
            size = self._batch * PAGES
            yield from self._log.in_streams(part.after, until, self.run.head, topics, size)
            return
        after, rows = part.after[1], None
        while rows is None or len(rows) == self._batch:
            rows = self._log.by_position(after, self.run.head, topics, self._batch)
            after = rows[-1][0] if rows else after
            yield rows

    def _again(self, page: Written) -> list[Paged]:
        """The rows of a page, read once more."""
        before, after, head, topics = *page[:2], self.run.head, self._topics(page.before)
        if before.number == IN_ORDER:
            return self._log.by_position(before.after[1], head, topics, self._batch)
        until = after.after[0] if after.done else _bound(_next_kind(before.number))
        return self._log.by_stream(before.after, until, head, topics, self._batch * PAGES)

    def _topics(self, part: Part) -> list[str]:
        return self._folder.topics(self._takers(part.number))

    def _moved(self, part: Part, rows: Sequence[Paged], until: bytes) -> Part:
        """The part after a page; at its end, the cursor is where the next part begins."""
        if part.number == IN_ORDER:
            done = len(rows) < self._batch
            return part._replace(after=(b"", self.run.head if done else rows[-1][0]), done=done)
        if len(rows) < self._batch * PAGES:
            return part._replace(after=(until, 0), done=True)
        return part._replace(after=(rows[-1][1], rows[-1][2]))

    def write(self, page: Written) -> bool:
        """Write a page with its cursor; False where the cursor is not where the page began.

        Raises:
            RebuildOvertaken: the run is not there any more.
            ReportBroken: too much on it cannot be taken.
        """
        try:
            return self._write(page, None)
        except Exception as error:
            if not self._intake.blames_an_event(error):
                raise
        return self._write(page, self._again(page))

    def _write(self, page: Written, rows: list[Paged] | None) -> bool:
        """Write what a page came to or, carefully, its rows again."""
        with self._log.transaction(commit=True) as cursor:
            self._reports.leave_to_later(cursor)  # the flip's commit waits for all before it too
            if not self._runs.move(cursor, self.run.number, page.before, page.after):
                self._runs.check(cursor, self.run)
                return False
            parked = self._intake.parking.versions(cursor, self.run.places)
            for projection in self._takers(page.before.number):
                if rows is not None:
                    self._put_carefully(cursor, projection, page, rows, parked)
                elif projection.name in parked or page.said is None:
                    raise _LeftOut
                else:
                    said = page.said[projection.name]
                    self._put(cursor, projection, page, said, page.before.after[0])
        return True

    def _put_carefully(
        self, cursor: Any, projection: Projection, page: Written, rows: list[Paged],
        parked: dict[str, dict[bytes, int]],
    ) -> None:  # fmt: skip
        name, cut = projection.name, [page.before.after[0]]

        def put(some: Sequence[Paged], said: Said) -> None:
            self._put(cursor, projection, page, said, cut[0])
            cut[0] = some[-1][1]  # what is put next may go on with this stream

        place, left_out = self.run.places[name], parked.get(name, {})
        self._intake.take_carefully(cursor, rows, projection, place, 0, left_out, put)

    def _put(
        self, cursor: Any, projection: Projection, page: Written, said: Said, cut: bytes
    ) -> None:
        place = self.run.places[projection.name]
        if page.before.number == IN_ORDER:
            self._reports.write(cursor, projection, place, said)
        else:
            self._reports.put(cursor, projection, place, said, cut)


class Rebuild:
    """One call of `rebuild`."""

    def __init__(
        self, log: Log, reports: Reports, folder: Folder, chosen: Sequence[Projection], batch: int
    ) -> None:
        """Build these projections."""
        self._log, self._reports, self._folder = log, reports, folder
        self._chosen, self._batch = chosen, batch
        self._runs = Runs(reports)
        self._intake = Intake(log, reports, folder)

    def run(self, progress: Progress, *, workers: int = 1, anew: bool = False) -> int:
        """Do it all, or the rest of it; returns the position reached.

        Raises:
            RebuildOvertaken: another rebuild began after this one.
        """
        run, begun = self._start(anew=anew)
        if not begun:
            for projection in self._chosen:
                self._empty(projection, run.places[projection.name], run.number)
            self._plan(run, workers)
        self._read_parts(run, progress, workers)
        after = self._follow(run, progress)
        for projection in self._chosen:
            self._empty(projection, other(run.places[projection.name]), 0)
        return after

    def _start(self, *, anew: bool) -> tuple[Run, bool]:
        """Go on with what was left unfinished, or choose places to build in."""
        head = self._log.head()
        with self._log.transaction(commit=True) as cursor:
            self._reports.lock_rebuilds(cursor)
            self._reports.lock(cursor)
            self._runs.make(cursor)
            self._intake.parking.make(cursor)
            known = self._reports.status(cursor)
            self._reports.make(cursor, [p for p in self._chosen if p.name not in known])
            status = self._reports.status(cursor)
            places = {p.name: other(status[p.name][0]) for p in self._chosen}
            found = None if anew else self._runs.unfinished(cursor, self._chosen, places)
            if found and self._may_go_on(cursor, found):
                return self._runs.take_over(cursor, found), True
            run = Run(new_number(), head, places)
            self._runs.begin(cursor, self._chosen, run)
            for projection in self._chosen:
                changed = status[projection.name][1] != projection.shape
                self._make_room(cursor, projection, places[projection.name], changed=changed)
            return run, False

    def _may_go_on(self, cursor: Any, run: Run) -> bool:
        """Unless it was divided otherwise, by another release, or left something out.

        A rebuild is how what was left out is tried again.
        """
        kinds = {_kind(part.number) for part in self._runs.parts(cursor, run.number)}
        parked = self._intake.parking.versions(cursor, run.places)
        return kinds == {p.kind for p in self._chosen} and not parked

    def _make_room(self, cursor: Any, projection: Projection, place: str, *, changed: bool) -> None:
        self._log.untrack(cursor, follower(projection, place))
        self._intake.parking.clear(cursor, projection.name, place)
        if changed or not self._reports.in_shape(cursor, projection, place):
            self._reports.clear_place(cursor, projection, place)
            if not changed:
                self._reports.show(cursor, projection)

    def _plan(self, run: Run, workers: int) -> None:
        """Divide the log into parts, now that the places are empty.

        A part for each worker; more, where one of them will be long about what is read in order, or
        is the one that writes: who is quicker takes more of them.
        """
        kinds = sorted({p.kind for p in self._chosen})
        each = (1 if self._log.is_postgres else SMALL) * (1 if len(kinds) == 1 else 2)
        count = workers * each if workers > 1 else 1
        count = min(max(count, run.head // MOST_EVENTS), RANGES)
        begins = [RANGES * index // count for index in range(count)]
        parts = []
        for kind in kinds:
            numbers = [kind * RANGES + begin for begin in begins] if kind else [IN_ORDER]
            parts += [Part(n, (_bound(n) if kind else b"", 0), done=False) for n in numbers]
        with self._log.transaction(commit=True) as cursor:
            self._reports.lock(cursor)
            self._runs.check(cursor, run)
            self._runs.plan(cursor, run, parts)

    def _read_parts(self, run: Run, progress: Progress, workers: int) -> None:
        """Write what the log says up to the head."""
        with self._log.transaction(commit=False) as cursor:
            parts = self._runs.parts(cursor, run.number)
        left = [part.number for part in parts if not part.done]
        scan = Scan(self._log, self._folder, self._chosen, run, self._batch)
        covered = _Covered(run.head, {_kind(part.number) for part in parts}, progress)
        if workers > 1 and len(left) > 1:
            from ledger.projections.workers import spread  # noqa: PLC0415  they import this file

            spread(scan, self._log, self._batch, self._chosen, left, workers, covered)
        else:
            for number in left:
                with closing(scan.finish(number)) as pages:
                    for page in pages:
                        covered(page.before, page.after)
        with self._log.transaction(commit=True) as cursor:
            self._reports.lock(cursor)
            self._runs.check(cursor, run)
            tracked = self._log.tracked(cursor)
            names = [follower(p, run.places[p.name]) for p in self._chosen]
            behind = [name for name in names if tracked.get(name, 0) < run.head]
            if behind:
                self._log.track(cursor, behind, run.head)

    def _follow(self, run: Run, progress: Progress) -> int:
        """Read what was appended since, and flip in the transaction that writes the last of it.

        Others may never stop appending, so a moment with nothing left is not waited for. Followers,
        and who reads through them, wait for the lock: it is taken when only little is left.
        """
        with self._log.transaction(commit=False) as cursor:
            after = self._tracked(cursor, run)
        nearly, flipped, before = False, False, self._batch
        while not flipped:
            step = _Step(after, last=nearly)
            rows, flipped = self._intake.in_doubt(partial(self._next, run, step))
            # While there is half as much each time, going on without the lock makes it still less.
            shrinks = SHORT < len(rows) < before // 2
            nearly = len(rows) <= self._batch // LITTLE and not shrinks
            before = len(rows)
            if rows:
                after = int(rows[-1][0])
                progress(len(rows))
        return after

    def _next(self, run: Run, step: _Step, *, carefully: bool) -> tuple[list[Paged], bool]:
        """Take the next batch, and flip where that was all; whether it was."""
        with self._log.transaction(commit=True) as cursor:
            if step.last:
                self._reports.lock(cursor)
            self._runs.hold(cursor, run)
            if self._tracked(cursor, run) != step.after:
                raise RebuildOvertaken(_names(self._chosen))
            rows, reached = self._log.page(step.after, self._batch, cursor), step.after
            if rows:
                reached = int(rows[-1][0])
                heard = dict.fromkeys(run.places, step.after)
                self._intake.take(
                    cursor, rows, self._chosen, run.places, heard, carefully=carefully
                )
                names = [follower(p, run.places[p.name]) for p in self._chosen]
                self._log.track(cursor, names, reached)
            flips = step.last and len(rows) < self._batch
            if flips:
                self._flip(cursor, run, reached)
            return rows, flips

    def _tracked(self, cursor: Any, run: Run) -> int:
        tracked = self._log.tracked(cursor)
        return min(tracked.get(follower(p, run.places[p.name]), 0) for p in self._chosen)

    def _flip(self, cursor: Any, run: Run, position: int) -> None:
        """Switch to the new places."""
        status = self._reports.status(cursor)
        for projection in self._chosen:
            place = run.places[projection.name]
            self._reports.set_status(cursor, projection, place, position)
            self._log.untrack(cursor, follower(projection, other(place)))
            self._intake.parking.clear(cursor, projection.name, other(place))
            if status[projection.name][1] != projection.shape:
                self._reports.clear_place(cursor, projection, other(place))
                self._reports.show(cursor, projection)
        self._runs.end(cursor, run.number)

    def _empty(self, projection: Projection, place: str, run: int) -> None:
        """Delete what a place holds, a part at a time; rows, so that who is reading goes on."""
        for table in projection.tables:
            last: tuple[Any, ...] | None = ()
            while last is not None:
                with self._log.transaction(commit=True) as cursor:
                    self._reports.leave_to_later(cursor)  # what is lost is deleted again
                    self._reports.lock_rebuilds(cursor)
                    if not self._is_ours(cursor, projection, place, run):
                        return
                    last = self._reports.delete_some(cursor, table, place, self._batch, last)

    def _is_ours(self, cursor: Any, projection: Projection, place: str, run: int) -> bool:
        """Whether nobody reads a place, and nobody but this run builds in it.

        Raises:
            RebuildOvertaken: it was this run's, and is not any more.
        """
        building = self._runs.building(cursor, projection, place)
        if run and building != run:
            raise RebuildOvertaken(f"`{projection.name}`")
        live = self._reports.status(cursor)[projection.name][0]
        followed = self._log.tracked(cursor).get(follower(projection, place), 0)
        return building == run and live != place and not followed


class _Covered:
    """Tells events covered: kinds of stream and the log's order have equal shares of the head."""

    def __init__(self, head: int, kinds: Collection[int], progress: Progress) -> None:
        self._head, self._shares, self._progress = head, max(len(kinds), 1), progress

    def __call__(self, before: Part, after: Part) -> None:
        """A page of a part is written."""
        self._progress((self._upto(after) - self._upto(before)) // self._shares)

    def _upto(self, part: Part) -> int:
        if part.number == IN_ORDER:
            return part.after[1]
        # Ids are hashes: how far one lies behind the first says how many streams are before it.
        passed = int.from_bytes(part.after[0].ljust(8, b"\0")[:8], "big")
        return self._head * (passed - (_kind(part.number) << 56)) >> 56


def other(place: str) -> str:
    """The other place."""
    return PLACES[1 - PLACES.index(place)]


def follower(projection: Projection, place: str) -> str:
    """The name under which the library tracks how far a place has come."""
    return f"{projection.name}.{place}"


def _kind(number: int) -> int:
    return number // RANGES


def _next_kind(number: int) -> int:
    return (_kind(number) + 1) * RANGES


def _bound(number: int) -> bytes:
    """Before the first stream of a part."""
    return bytes(divmod(number, RANGES))


def _names(chosen: Sequence[Projection]) -> str:
    return ", ".join(f"`{p.name}`" for p in chosen)
