"""The log as the rest of the house sees it, whichever database holds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from eventsourcing.persistence import StoredEvent

from ledger.types import Instant

CHANGES_TOLD = 20_000
"""Events of others that a look-up tells of; after more it is cheaper to believe nothing."""
DESTROYED = b""
"""In place of a personal key: whatever is kept of the member goes."""
AS_IT_WAS = -1
"""In place of a birthday: the one that is kept stays."""


class Row(NamedTuple):
    """An event to append; `version` counts from 1 in its stream."""

    stream: bytes
    version: int
    topic: str
    state: bytes
    recorded_at: Instant
    claims: bytes = b""
    """A stream of which this is the first event too: it does not begin a second time."""


class Stored(NamedTuple):
    """An event of the log as an auditor meets it: nothing in it is trusted, not even its types.

    `position` is its leaf index, `topic` the UTF-8 bytes, `written_at` wall time in microseconds.
    """

    position: int
    stream: bytes
    version: int
    topic: bytes
    state: bytes
    recorded_at: Instant
    written_at: int
    leaf: bytes
    claims: bytes | None = None


Paged = tuple[int, bytes, int, str, bytes, Instant]
"""Position, stream, version, topic, bytes, the ledger's time: an event as a follower meets it."""


class Loaded(NamedTuple):
    """What a look-up found, all at one moment."""

    head: int
    changed: list[tuple[bytes, int]] | None
    """Streams that got events after the position asked about, with the versions of the events;
    None where there are too many to tell. Nothing of those that they claim: such are not cached."""
    snapshots: list[tuple[bytes, int, bytes]]
    events: list[tuple[bytes, int, str, bytes]]
    """Events after the snapshot, in the order of their versions within a stream."""
    claims: list[Claimed]
    """Where streams begin with an event of another; those come before their own events."""


class Claimed(NamedTuple):
    """A stream that begins with an event of another one."""

    stream: bytes
    by: bytes
    """The stream in which that event lies."""
    version: int
    topic: str
    state: bytes


class Kept(NamedTuple):
    """What is kept beside the log of a member's personal data, and goes when it is erased.

    The birthday is 100 x month + day, 0 where there is none: only so can those who have theirs
    be found without decrypting everybody's data.
    """

    stream: bytes
    key: bytes
    birthday: int = AS_IT_WAS


class Seen(NamedTuple):
    """Who did something through a face of the ledger, or looked at something there."""

    at: int
    """Wall time, microseconds since the epoch."""
    key: str
    """Id of the access key; empty where none was shown, or a wrong one."""
    holder: str
    role: str
    operation: str
    subject: bytes
    """The stream that it was about, where it was about one."""
    store: str
    code: str
    """`ok`, or why it was refused."""


class Snapshot(NamedTuple):
    """A stream's state at a version, kept to save replaying; `shape` says how it is laid out."""

    stream: bytes
    version: int
    shape: str
    state: bytes


class Log(Protocol):
    """An append-only log of events in streams, with what stands beside it.

    Every method raises the `eventsourcing.persistence` errors: `IntegrityError` for a
    conflict, `OperationalError` or `InterfaceError` where the store did not answer.
    """

    is_postgres: bool
    db: str
    """The name it was opened under, for a process that opens it too."""
    away: tuple[type[Exception], ...]
    """The driver's own errors that say nothing about what was written."""

    def append(
        self,
        rows: Sequence[Row],
        written_at: int,
        kept: Sequence[Kept] = (),
    ) -> int:
        """Append all rows or none, durably, and return the first one's position.

        In the same transaction it keeps what stands beside the log of personal data: one a stream.
        """

    def load(self, streams: Sequence[bytes], shape: str, since: int) -> Loaded:
        """Read streams from their snapshots on, the head, and what changed after `since`."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait for those who take turns at deciding; who waits too long goes on without.

        Only a courtesy, so that processes that write to the same streams do not decide in vain:
        what decides who comes first is the version, and who takes no turn is as safe.
        """

    def event(self, stream: bytes, version: int) -> tuple[str, bytes] | None:
        """Topic and bytes of one event."""

    def read(self, after: int, limit: int) -> list[Stored]:
        """Whole events after a position, in the order of the log."""

    def page(
        self, after: int, limit: int, cursor: Any = None
    ) -> list[tuple[int, bytes, int, str, bytes, int]]:
        """The same without the two columns that only an auditor needs.

        Who is in a writing transaction reads on its cursor: on SQLite a second connection could
        wait for a writer that waits for this one.
        """

    def streams(
        self, kind: int, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, int, str, bytes]]:
        """Events of one kind of stream after (stream, version), each stream's together.

        Stream, version, position, topic, bytes.
        """

    def by_position(self, after: int, upto: int, topics: Sequence[str], limit: int) -> list[Paged]:
        """Events of some topics (of all, where none are named) after a position, up to another."""

    def by_stream(
        self, after: tuple[bytes, int], until: bytes, upto: int, topics: Sequence[str], limit: int
    ) -> list[Paged]:
        """Events of some topics up to a position, in the order of their streams.

        After (stream, version), before the stream `until`; each stream's in its own order. Events
        of other topics may be among them.
        """

    def in_streams(
        self, after: tuple[bytes, int], until: bytes, upto: int, topics: Sequence[str], size: int
    ) -> Iterator[list[Paged]]:
        """The same to the end, in pages of this size; the last one is shorter, and may be empty.

        For long readings, and one at a time: it may keep a connection, and what was true when it
        began, until its end.
        """

    def broken_streams(self, limit: int) -> list[bytes]:
        """Streams whose versions do not run from 1 without gaps, or that begin twice."""

    def receipts(self, after: bytes, limit: int) -> list[bytes]:
        """Streams of receipts that have begun, in their order, wherever their first event lies."""

    def head(self) -> int:
        """The position of the last event; 0 in an empty log."""

    def put_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep snapshots in place of earlier ones of the same streams."""

    def snapshots(self, after: bytes, limit: int) -> list[Snapshot]:
        """Snapshots in the order of their streams."""

    def personal_key(self, stream: bytes) -> bytes | None:
        """The key of a member's personal data; None once it was destroyed."""

    def born_on(self, days: Sequence[int], after: bytes, limit: int) -> list[bytes]:
        """Streams of members with a birthday on one of these days (100 x month + day), ascending."""

    def setting(self, name: str) -> str | None:
        """A setting fixed when the log was made."""

    def put_setting(self, name: str, value: str) -> None:
        """Fix a setting; it must not be there yet."""

    def mark(self, name: str) -> str | None:
        """How far somebody outside came with work of this name."""

    def put_mark(self, name: str, value: str | None) -> None:
        """Keep how far somebody came, in place of what was kept; None forgets it."""

    def put_seen(self, seen: Sequence[Seen]) -> None:
        """Keep who did what, and who looked, beside the log: all of it durably, or nothing."""

    def seen(self, after: int, limit: int) -> list[tuple[int, Seen]]:
        """What was kept of that after a number, in order, with the number of each."""

    def bytes_used(self) -> int:
        """The bytes that the events take on disk, indexes included."""

    def transaction(self, *, commit: bool) -> Any:
        """A context manager that gives a cursor in one transaction of the reporting tables."""

    def track(self, cursor: Any, names: Sequence[str], position: int) -> None:
        """Record, in the cursor's transaction, how far followers have come; never back."""

    def untrack(self, cursor: Any, name: str) -> None:
        """Forget how far a follower has come."""

    def tracked(self, cursor: Any) -> dict[str, int]:
        """How far each follower has come; who is not there is at 0."""

    def renew(self) -> None:
        """Give tables that an older version made what this one needs; nothing stored is changed."""

    def close(self) -> None:
        """Let go of connections."""


def row_of(event: StoredEvent, now: Instant) -> Row:
    """The row of an event that comes through the library's own path."""
    stream = event.originator_id
    key = stream.encode() if isinstance(stream, str) else stream.bytes
    recorded_at = getattr(event, "recorded_at", now)
    return Row(key, event.originator_version, event.topic, event.state, recorded_at)
