"""What is asked of the reporting tables most: balance, tier, statement, totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ledger.errors import RebuildNeeded
from ledger.projections.balance import FCT_LOT
from ledger.projections.member import DIM_MEMBER
from ledger.projections.membership import DIM_STANDING
from ledger.projections.points import FCT_POINTS_MOVEMENT
from ledger.projections.receipt import FCT_RECEIPT
from ledger.projections.reports import Reports
from ledger.projections.schema import Projection, Table
from ledger.projections.tier import FCT_QUALIFYING, FCT_TIER, FCT_TIER_GRANT
from ledger.types import Day, Instant, ReceiptKey

DAY_SECONDS = 86_400


class Balance(NamedTuple):
    """A member's points at an instant."""

    available: int
    pending: int
    expired: int
    arrears: int
    held: int = 0
    in_review: int = 0


Sum = tuple[Instant, Instant, str, int]
"""When a lot's points can be used and when they are gone, the kind of movement, points."""


def balance_of(sums: Iterable[Sum], at: Instant) -> Balance:
    """The balance that movements up to an instant come to."""
    available = pending = expired = arrears = held = in_review = 0
    for activates_at, expires_at, kind, total in sums:
        points = int(total)
        if kind == "arrears":
            arrears -= points  # raised: the movement is a debt, of no lot
            continue
        if kind == "repay":
            arrears += points  # repaid: the points left the lot they were earned into
        elif kind in {"hold", "release"}:
            held -= points
        elif kind in {"review", "approve"}:
            in_review -= points
        elif kind == "expire":
            expired -= points  # recorded: they left their lot, and stay expired
        if at < activates_at:
            pending += points
        elif at < expires_at:
            available += points
        else:
            expired += points
    return Balance(available, pending, expired, arrears, held, in_review)


class Movement(NamedTuple):
    """One line of a statement."""

    captured_at: Instant
    kind: str
    points: int
    expires_at: Instant
    reason: str
    receipt: str | None
    """STORE/LANE/DATE/NUMBER, where a receipt is the reason."""
    amount_minor: int | None
    programme: int


class MemberRow(NamedTuple):
    """A member as the reports know it."""

    member_id: bytes
    enrolled_at: Instant
    receipts: int
    spend_minor: int
    last_receipt_at: Instant | None


class Expiring(NamedTuple):
    """Points of one member that are gone at one instant."""

    member_id: bytes
    expires_at: Instant
    points: int


class Reader:
    """Reads the live places of one log's reporting tables, in one transaction's cursor."""

    def __init__(self, reports: Reports, cursor: Any, projections: tuple[Projection, ...]) -> None:
        """Look up which places are live, once.

        Raises:
            RebuildNeeded: a report is younger than the tables.
        """
        self._reports = reports
        self.cursor = cursor
        places = {name: place for name, (place, _, _) in reports.status(cursor).items()}
        for projection in projections:
            if projection.name not in places:
                raise RebuildNeeded(f"`{projection.name}`")
        self._place = {t.name: places[p.name] for p in projections for t in p.tables}

    def balance(self, member: bytes, at: Instant, known_at: Instant | None = None) -> Balance:
        """The balance at an instant, from what was recorded up to `known_at` (all, if none).

        A movement counts from its captured instant; pending and expired follow from the lot.
        """
        return balance_of(self.sums(member, at, known_at), at)

    def sums(self, member: bytes, at: Instant, known_at: Instant | None = None) -> list[Sum]:
        """What moved up to an instant, by lot and kind; what was recorded up to `known_at`."""
        return self._rows(
            "SELECT activates_at, expires_at, kind, sum(points) FROM {t}"
            " WHERE member_id = ? AND captured_at <= ? AND recorded_at <= ?"
            " GROUP BY activates_at, expires_at, kind",
            FCT_POINTS_MOVEMENT,
            (member, at, 2**62 if known_at is None else known_at),
        )

    def last_movement(self, member: bytes) -> int:
        """The version of the last event that moved points; 0 where none did."""
        query = "SELECT max(version) FROM {t} WHERE member_id = ?"
        return int(self._rows(query, FCT_POINTS_MOVEMENT, (member,))[0][0] or 0)

    def tiers(self, member: bytes, at: Instant) -> list[tuple[str, Instant, Instant]]:
        """Changes of tier up to an instant in the order of the log: tier, until, from when."""
        return self._rows(
            "SELECT tier, kept_until, captured_at FROM {t}"
            " WHERE member_id = ? AND captured_at <= ? ORDER BY version",
            FCT_TIER,
            (member, at),
        )

    def grants(self, member: bytes, at: Instant) -> list[tuple[str, Instant, Instant]]:
        """Tiers granted up to an instant in the order of the log: tier, until, from when."""
        return self._rows(
            "SELECT tier, granted_until, captured_at FROM {t}"
            " WHERE member_id = ? AND captured_at <= ? ORDER BY version",
            FCT_TIER_GRANT,
            (member, at),
        )

    def qualifying(self, member: bytes) -> tuple[tuple[Day, ...], tuple[int, ...]]:
        """Days with qualifying points, ascending, and the points beside them."""
        rows = self._rows(
            "SELECT day, points FROM {t} WHERE member_id = ? ORDER BY day",
            FCT_QUALIFYING,
            (member,),
        )
        return tuple(int(day) for day, _ in rows), tuple(int(points) for _, points in rows)

    def statement(self, member: bytes, since: Instant, until: Instant) -> list[Movement]:
        """The movements of a period (until excluded), oldest first."""
        receipts = self.name(FCT_RECEIPT)
        rows = self._rows(
            "SELECT m.captured_at, m.kind, m.points, m.expires_at, m.reason,"
            " r.store, r.lane, r.business_day, r.number,"
            f" r.amount_minor, m.programme FROM {{t}} m LEFT JOIN {receipts} r"
            " ON r.receipt_id = m.receipt_id WHERE m.member_id = ? AND m.captured_at >= ?"
            " AND m.captured_at < ? ORDER BY m.captured_at, m.version, m.part",
            FCT_POINTS_MOVEMENT,
            (member, since, until),
        )
        return [_movement(*row) for row in rows]

    def member(self, member: bytes) -> MemberRow | None:
        """One member."""
        rows = self._rows(
            "SELECT member_id, enrolled_at, receipts, spend_minor, last_receipt_at FROM {t}"
            " WHERE member_id = ?",
            DIM_MEMBER,
            (member,),
        )
        return MemberRow(*rows[0]) if rows else None

    def members(self, after: bytes, limit: int) -> list[bytes]:
        """The streams of members after one, in their order; a page of everybody."""
        rows = self._rows(
            "SELECT member_id FROM {t} WHERE member_id > ? ORDER BY member_id LIMIT ?",
            DIM_MEMBER,
            (after, limit),
        )
        return [row[0] for row in rows]

    def count_members(self) -> int:
        """How many members there ever were."""
        return int(self._rows("SELECT count(*) FROM {t}", DIM_MEMBER)[0][0])

    def dormant(self, at: Instant, days: int) -> int:
        """Open accounts without a receipt (or enrolment) in so many days before an instant."""
        standing = self.name(DIM_STANDING)
        rows = self._rows(
            f"SELECT count(*) FROM {{t}} m JOIN {standing} s ON s.member_id = m.member_id"
            " WHERE s.standing = 'open' AND coalesce(m.last_receipt_at, m.enrolled_at) < ?",
            DIM_MEMBER,
            (at - days * DAY_SECONDS,),
        )
        return int(rows[0][0])

    def best(self, limit: int) -> list[MemberRow]:
        """The members who spent most."""
        rows = self._rows(
            "SELECT member_id, enrolled_at, receipts, spend_minor, last_receipt_at FROM {t}"
            " ORDER BY spend_minor DESC, member_id LIMIT ?",
            DIM_MEMBER,
            (limit,),
        )
        return [MemberRow(*row) for row in rows]

    def expiring(
        self, since: Instant, until: Instant, limit: int, after: Expiring | None = None
    ) -> list[Expiring]:
        """What expires after an instant and up to another, soonest first, from a place on."""
        first = (after.expires_at, after.member_id) if after else (since, b"\xff" * 17)
        rows = self._rows(
            "SELECT member_id, expires_at, sum(points) FROM {t} WHERE expires_at > ?"
            " AND expires_at <= ? AND (expires_at, member_id) > (?, ?) AND points > 0"
            " GROUP BY expires_at, member_id ORDER BY expires_at, member_id LIMIT ?",
            FCT_LOT,
            (since, until, *first, limit),
        )
        return [Expiring(bytes(member), int(at), int(points)) for member, at, points in rows]

    def totals(self, at: Instant) -> dict[str, int]:
        """Sums over everybody: members, receipts, and points by what they are at an instant."""
        members, receipts, spend = self._rows(
            "SELECT count(*), coalesce(sum(receipts), 0), coalesce(sum(spend_minor), 0) FROM {t}",
            DIM_MEMBER,
        )[0]
        available, pending, expired = self._rows(
            "SELECT coalesce(sum(CASE WHEN activates_at <= ? AND expires_at > ? THEN points END), 0),"
            " coalesce(sum(CASE WHEN activates_at > ? THEN points END), 0),"
            " coalesce(sum(CASE WHEN expires_at <= ? THEN points END), 0) FROM {t}",
            FCT_LOT,
            (at, at, at, at),
        )[0]
        everyone = self._rows("SELECT count(*) FROM {t}", FCT_RECEIPT)[0][0]
        return {
            "members": int(members), "member_receipts": int(receipts), "receipts": int(everyone),
            "spend_minor": int(spend), "available": int(available), "pending": int(pending),
            "expired": int(expired),
        }  # fmt: skip

    def last_captured(self) -> Instant:
        """When the latest receipt of all was captured; 0 before the first."""
        found = self._rows("SELECT max(captured_at) FROM {t}", FCT_RECEIPT)[0][0]
        return int(found or 0)

    def name(self, table: Table) -> str:
        """The table as it is to be asked now."""
        return self._reports.name(table, self._place[table.name])

    def rows(self, query: str, parameters: tuple[Any, ...]) -> list[Any]:
        """What a question finds; `?` stands for a parameter."""
        self.cursor.execute(query.replace("?", self._reports.mark), parameters)
        found: list[Any] = self.cursor.fetchall()
        return found

    def join_whole_tables(self) -> None:
        """Read large parts of several tables from here on; see `Reports`."""
        self._reports.join_whole_tables(self.cursor)

    def stream(self, query: str, parameters: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """The same row by row, for answers that are longer than memory."""
        for chunk in self._reports.stream(self.cursor, query, parameters):
            yield from chunk

    def _rows(self, query: str, table: Table, parameters: tuple[Any, ...] = ()) -> list[Any]:
        text = query.format(t=self.name(table))
        self.cursor.execute(text.replace("?", self._reports.mark), parameters)
        rows: list[Any] = self.cursor.fetchall()
        return rows


def _movement(
    captured_at: Instant, kind: str, points: int, expires_at: Instant, reason: str,
    store: str | None, lane: str, day: Day, number: str, amount_minor: int | None, programme: int,
) -> Movement:  # fmt: skip
    receipt = None if store is None else str(ReceiptKey(store, lane, day, number))
    return Movement(captured_at, kind, points, expires_at, reason, receipt, amount_minor, programme)
