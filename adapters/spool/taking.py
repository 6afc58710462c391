"""One file into the ledger: all of it durable, or what was refused written down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from eventsourcing.persistence import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    PersistenceError,
)
from msgspec import Raw, Struct, field

from adapters.ingest import BATCH, Mark, Tally
from adapters.ingest.feeding import feed
from adapters.ingest.hands import Hand
from adapters.pos import dialects, ndjson
from adapters.pos.terms import Reading
from adapters.records import Bad, Found, Place
from adapters.rejects import Rejects
from adapters.spool.folder import Take
from ledger.application import LoyaltyLedger
from ledger.calendar import moment_of
from ledger.errors import Busy, Closed, InputInvalid, LedgerError, StoreUnavailable
from ledger.types import Instant

_BEGIN_BYTES = 1 << 16
_NOT_THE_FILE = (LedgerError, PersistenceError, OSError, ImportError)
"""Errors that reading may end with and another try may not."""


class Taken(Struct):
    """What became of a file, as it is remembered in the log's own database.

    `token` is that of the take; `whole` says whether the reject file holds all that was refused;
    `same_as` names the file of the same content that was taken before, at `at`.
    """

    token: str
    file: str
    at: Instant
    form: str
    tally: Tally
    left_out: dict[str, int] = field(default_factory=dict)
    whole: bool = True
    same_as: str = ""


class Taker:
    """Takes files in by an open ledger and its hands."""

    def __init__(
        self, ledger: LoyaltyLedger, crew: Sequence[Hand], way: Callable[[], Reading], how: str,
        otherwise: str,
    ) -> None:  # fmt: skip
        """`way` is how a till's dialect is read; `otherwise` the format of what does not tell it.

        `how` names all else that makes other receipts of the same file.
        """
        self._ledger = ledger
        self._crew = crew
        self._way = way
        self._how = how
        self._otherwise = otherwise
        self._away: tuple[type[Exception], ...] = (
            StoreUnavailable, Busy, Closed, OperationalError, InterfaceError, InternalError,
            *ledger.log.away,
        )  # fmt: skip

    def is_away(self, error: Exception) -> bool:
        """Whether it is the store that does not answer, and no file's fault; nothing is lost.

        A server that was stopped under a statement has no class of its own.
        """
        return isinstance(error, self._away) or type(error) is DatabaseError

    def take(self, take: Take, name: str, rejects: Path) -> tuple[Taken, str]:
        """Take a file in, or recognise what was taken in before; and what to remember it under.

        Raises:
            OSError: it cannot be read, or what is refused of it not be written down.
            ImportError: its dialect needs a library that is not installed.
            LedgerError: the ledger is not fit for it.
        """
        reading = self._way()
        key = self._key(take.path, reading)
        known = self._known(key)
        if known and known.token == take.token:
            return known, key
        if known and not known.tally.rejected:
            was = known.tally
            again = Tally(repeated=was.read, repeated_minor=was.recorded_minor + was.repeated_minor)
            same = Taken(
                take.token, name, known.at, known.form, again, known.left_out, same_as=known.file
            )
            return same, key
        return self._feed(take, name, rejects, reading), key

    def remember(self, taken: Taken, key: str) -> None:
        """Keep what became of a file: it is durable, with what was refused of it."""
        if not taken.same_as:
            self._ledger.log.put_mark(key, msgspec.json.encode(taken).decode())

    def today(self) -> str:
        """The day by the ledger's clock, in UTC."""
        return moment_of(self._ledger.clock()).date().isoformat()

    def follow(self, stop: Callable[[], bool]) -> None:
        """Bring the reports up to date, or as far as it is until `stop` says so."""

        def took(_: int) -> None:
            if stop():
                raise _Stopped

        try:
            self._ledger.catch_up(took)
        except _Stopped:
            return

    def _known(self, key: str) -> Taken | None:
        kept = self._ledger.log.mark(key)
        return msgspec.json.decode(kept, type=Taken) if kept else None

    def _key(self, path: Path, reading: Reading) -> str:
        """What a file is remembered under: its bytes, and the way they are read."""
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        terms = repr([self._how, self._otherwise, *map(_in_order, reading.terms)])
        return f"spool {content} {hashlib.sha256(terms.encode()).hexdigest()}"

    def _feed(self, take: Take, name: str, rejects: Path, reading: Reading) -> Taken:
        mark, form = None, ""
        source: Iterator[Found]
        try:
            form = form_of(take.path, self._otherwise)
        except InputInvalid as error:
            source = iter([_unread(take, name, error)])
        else:
            mark = Mark(self._ledger.log, take.path, self._how) if form == "ndjson" else None
            source = self._items(take, name, form, mark, reading)
        if not _begin(rejects, mark.tally.rejected if mark else 0) and mark:
            mark.begin_again()
        with Rejects(rejects) as refused:
            tally = feed(self._ledger, self._crew, source, refused, BATCH, mark)
        return Taken(
            take.token, name, self._ledger.clock(), form, tally, dict(reading.left_out),
            whole=_holds_all(rejects),
        )  # fmt: skip

    def _items(
        self, take: Take, name: str, form: str, mark: Mark | None, reading: Reading
    ) -> Iterator[Found]:
        """What a file holds, under its own name; that it cannot be read on is the last item."""
        found: Iterator[Found]
        try:
            if form == "ndjson":
                found = ndjson.lines(take.path, start=mark.start if mark else ndjson.BEGINNING)
            else:
                found = dialects.dialect(form).read(take.path, reading)
            for one in found:
                yield one._replace(place=one.place._replace(file=name))
        except InputInvalid as error:
            yield _unread(take, name, error)
        except Exception as error:
            if self.is_away(error) or isinstance(error, _NOT_THE_FILE):
                raise
            yield _unread(take, name, error)


class _Stopped(Exception):
    """In the middle of a long catching up, between two batches."""


def form_of(path: Path, otherwise: str = "") -> str:
    """The format of a file, or what it otherwise is.

    Raises:
        InputInvalid: it is of no dialect, or could be of several.
    """
    form = dialects.detect(path, otherwise)
    if form == "ndjson" and not otherwise:
        with path.open("rb") as file:
            begin = file.read(_BEGIN_BYTES)
        if begin.strip() and b"\n{" not in b"\n" + begin.removeprefix(b"\xef\xbb\xbf").lstrip():
            raise InputInvalid("It is of no dialect that is known.", field="format")
    return form


def _unread(take: Take, name: str, error: Exception) -> Bad:
    """Something that was not read, at the place where nothing was."""
    told = str(error).replace(str(take.path), name)
    if isinstance(error, InputInvalid):
        return Bad(Place(name, 0, 0, 0), error.field, told, None)
    return Bad(Place(name, 0, 0, 0), None, f"{type(error).__name__}: {told}"[:400], None)


def _in_order(value: object) -> object:
    """The same for sets and mappings in which the same is in another order."""
    if isinstance(value, Mapping):
        return sorted(value.items())
    return sorted(value) if isinstance(value, frozenset) else value


def _begin(rejects: Path, lines: int) -> bool:
    """Leave so many lines of a reject file, which are before the mark; whether they are there."""
    if not lines:
        rejects.unlink(missing_ok=True)
        return True
    try:
        with rejects.open("rb+") as file:
            kept = sum(1 for _ in zip(range(lines), file, strict=False))
            file.truncate(0 if kept < lines else file.tell())
    except FileNotFoundError:
        return False
    return kept == lines


def _holds_all(rejects: Path) -> bool:
    """Whether every envelope has the content that was refused."""
    if not rejects.exists():
        return True
    with rejects.open("rb") as file:
        return all(len(msgspec.json.decode(line, type=dict[str, Raw])) > 1 for line in file)
