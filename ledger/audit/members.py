"""Do decisions and reports agree, and is any point made or lost.

Each member's state is replayed and held against its snapshot, its lots and its totals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from ledger.aggregates.member.state import TOTALS, Member
from ledger.audit.findings import ENOUGH, Finding
from ledger.audit.kept import KINDS
from ledger.events import MemberErased
from ledger.projections.balance import FCT_LOT, FCT_MEMBER_POINTS
from ledger.projections.points import FCT_POINTS_MOVEMENT
from ledger.projections.reports import Reports
from ledger.projections.schema import Table
from ledger.store.codec import Codec
from ledger.store.keys import ID_BYTES, MEMBER
from ledger.store.log import Log, Snapshot

PAGE = 5_000
FIRST = bytes([MEMBER]).ljust(ID_BYTES, b"\0")
_SUMS = [column.name for column in FCT_MEMBER_POINTS.columns[1:-1]]
LAST = b"\xff" * (ID_BYTES + 1)
Progress = Callable[[int], None]


class Live(NamedTuple):
    """The live reporting tables: where they are, and how far they have come."""

    reports: Reports
    cursor: Any
    places: dict[str, str]
    """By table."""
    upto: int

    def name(self, table: Table) -> str:
        """The table that readers see."""
        return self.reports.name(table, self.places[table.name])

    def by_member(self, table: Table) -> Iterator[tuple[bytes, list[tuple[Any, ...]]]]:
        """The rows of each member, in the order of members."""
        chunks = self.reports.scan(self.cursor, table, self.places[table.name])
        rows = (row for chunk in chunks for row in chunk)
        for member, group in groupby(rows, key=lambda row: row[0]):
            yield member, list(group)


def check_members(
    log: Log, codec: Codec, live: Live, progress: Progress | None = None
) -> Iterator[Finding]:
    """Replay every member, and compare."""
    snapshots = _InStep(_snapshots(log, codec.shape))
    evolve = codec.kinds[MEMBER].evolve
    lots = _InStep(live.by_member(FCT_LOT))
    totals = _InStep(live.by_member(FCT_MEMBER_POINTS))
    for stream, events in groupby(_member_events(log, progress), key=lambda row: row[0]):
        snapshot: Snapshot | None = snapshots.at(stream)
        yield from _unfounded(snapshots.passed())
        state: Member | None = None
        after: Member | None = None
        erased = False
        for _, version, position, topic, data in events:
            erased = erased or topic == MemberErased.TOPIC
            if snapshot or position <= live.upto:
                after = evolve(after, codec.decode[topic](data))
            if snapshot and snapshot.version == version:
                if codec.encode(after) != snapshot.state:
                    detail = "the snapshot is not what the member's events lead to"
                    yield Finding("snapshot", f"version {version}", detail, stream.hex())
                snapshot = None
            if position <= live.upto:
                state = after
        # A member who goes on while this runs may have a snapshot of what was not read.
        if snapshot and log.event(stream, snapshot.version) is None:
            yield from _unfounded([snapshot])
        if erased and log.personal_key(stream) is not None:
            detail = "the member was erased, and the key is there: erase again to destroy it"
            yield Finding("personal", "personal_keys", detail, stream.hex())
        if state is not None:
            yield from _compare(stream, state, lots.at(stream) or [], totals.at(stream) or [])
    snapshots.at(LAST)
    yield from _unfounded(
        s
        for s in snapshots.passed()
        if s.stream[0] not in {MEMBER, *KINDS} or log.event(s.stream, s.version) is None
    )


def _unfounded(snapshots: Iterable[Snapshot]) -> Iterator[Finding]:
    for snapshot in snapshots:
        detail = "the snapshot is of an event that the log does not have, or of no member"
        yield Finding("snapshot", f"version {snapshot.version}", detail, snapshot.stream.hex())


def check_conservation(live: Live) -> Iterator[Finding]:
    """Law 3: what came in is what is left plus what went out, for each member and in all."""
    lots, totals, moved = (
        live.name(table) for table in (FCT_LOT, FCT_MEMBER_POINTS, FCT_POINTS_MOVEMENT)
    )
    joined = (
        "SELECT m.member_id, m.earned + m.adjusted_in + m.transferred_in + m.restored"
        " + m.reinstated + m.arrears AS came,"
        " coalesce(l.points, 0) + m.held + m.in_review + m.redeemed + m.expired + m.reversed"
        " + m.adjusted_out + m.transferred_out AS went,"
        " coalesce(l.points, 0) + m.held AS kept, coalesce(v.points, 0) AS moved"
        f" FROM {totals} m"
        f" LEFT JOIN (SELECT member_id, sum(points) AS points FROM {lots} GROUP BY member_id) l"
        " ON l.member_id = m.member_id"
        f" LEFT JOIN (SELECT member_id, sum(points) AS points FROM {moved}"
        " WHERE kind NOT IN ('arrears', 'hold', 'release') GROUP BY member_id) v ON v.member_id = m.member_id"
    )
    live.cursor.execute(
        f"SELECT * FROM ({joined}) j WHERE came <> went OR kept <> moved"
        f" ORDER BY member_id LIMIT {ENOUGH}"
    )
    for member, came, went, kept, movements in live.cursor.fetchall():
        detail = (
            f"{came} points came in and {went} are accounted for;"
            f" {kept} are left in lots and holds and the movements sum to {movements}"
        )
        yield Finding("conservation", "this member", detail, member.hex())
    live.cursor.execute(f"SELECT coalesce(sum(came), 0), coalesce(sum(went), 0) FROM ({joined}) j")
    came, went = live.cursor.fetchone()
    if came != went:
        detail = f"{came} points came in and {went} are accounted for"
        yield Finding("conservation", "all members", detail)


class _InStep:
    """Reads (key, value) pairs in the order of keys, beside a walk over the same keys."""

    def __init__(self, pairs: Iterator[tuple[bytes, Any]]) -> None:
        self._pairs = pairs
        self._next = next(pairs, None)
        self._at = b""
        self._passed: list[Any] = []

    def at(self, key: bytes) -> Any:
        while self._next and self._next[0] < key:
            if self._next[0] != self._at:
                self._passed.append(self._next[1])
            self._next = next(self._pairs, None)
        self._at = key
        return self._next[1] if self._next and self._next[0] == key else None

    def passed(self) -> list[Any]:
        """The values since the last call whose keys the walk did not have."""
        passed, self._passed = self._passed, []
        return passed


def _member_events(
    log: Log, progress: Progress | None
) -> Iterator[tuple[bytes, int, int, str, bytes]]:
    after = (FIRST, 0)
    while rows := log.streams(MEMBER, after, PAGE):
        yield from rows
        after = (rows[-1][0], rows[-1][1])
        if progress:
            progress(len(rows))


def _snapshots(log: Log, shape: str) -> Iterator[tuple[bytes, Snapshot]]:
    after = FIRST
    while page := log.snapshots(after, PAGE):
        yield from ((s.stream, s) for s in page if s.shape == shape)
        after = page[-1].stream


def _compare(
    stream: bytes, state: Member, lots: list[tuple[Any, ...]], totals: list[tuple[Any, ...]]
) -> Iterator[Finding]:
    reported = {tuple(row[1:4]): row[4] for row in lots if row[4]}
    decided = {(lot.expires_at, lot.activates_at, lot.origin): lot.points for lot in state.lots}
    wrong = next((key for key in decided if decided[key] != reported.get(key)), None)
    if wrong:
        place = f"fct_lot, expires_at {wrong[0]}, activates_at {wrong[1]}, origin {wrong[2]}"
        detail = f"decisions see {decided[wrong]} points, reports {reported.get(wrong, 0)}"
        yield Finding("member", place, detail, stream.hex())
    row = dict(zip(_SUMS, totals[0][1:], strict=False)) if totals else dict.fromkeys(_SUMS, 0)
    kept, told = sum(decided.values()) + state.lapsed, sum(reported.values()) + row["expired"]
    if not wrong and kept != told:
        detail = f"decisions see {kept} points in lots, expired ones included, reports {told}"
        yield Finding("member", "fct_lot", detail, stream.hex())
    known = {name: getattr(state, name) for name in TOTALS}
    if any(row[name] != known[name] for name in TOTALS):
        detail = f"decisions see {known}, reports {row}"
        yield Finding("member", "fct_member_points", detail, stream.hex())
