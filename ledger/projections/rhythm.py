"""How often members come, and what each buys how often: one row of a member, and one packed.

A list of what a member needs is made from these two rows; the log is not read for it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from ledger import events as e
from ledger.policies.rhythm import DAYS, pace
from ledger.projections import habits
from ledger.projections.habits import FRESH, Habits
from ledger.projections.queries import Reader
from ledger.projections.schema import At, Column, Found, Out, Projection, Table
from ledger.store.keys import MEMBER, beside
from ledger.types import Day, Instant

DAY_SECONDS = 86_400

FCT_MEMBER_RHYTHM = Table(
    "fct_member_rhythm",
    "One row a member who bought or left: the rhythm of its visits",
    1,
    (
        Column("member_id", "id", "the member's stream"),
        Column("visits", "int", "receipts on which something was bought"),
        Column("spend_minor", "int", "what that cost; what came back is not taken off"),
        Column("first_day", "day", "of the earliest visit, at the store"),
        Column("last_day", "day", "of the latest visit, at the store"),
        Column("interval_days", "int", "middle of the latest intervals, with two of 14 among them"),
        Column("before_days", "int", "the same before the latest visit; 0: there was one day"),
        Column("away_days", "int", "between the last two days of visits; 0: there was one"),
        Column("gone", "int", "1: closed, erased or merged into another member"),
        Column("days", "packed", "the latest days of visits"),
        Column("fresh", "packed", "receipts that are not in `fct_member_goods` yet"),
        Column("recorded_at", "instant", "the ledger's time of the latest event", digest=False),
        Column("position", "int", "position of the last event", digest=False),
    ),
)
FCT_MEMBER_GOODS = Table(
    "fct_member_goods",
    "One row a member with 32 visits or more: what it buys how often, packed by product",
    1,
    (
        Column("member_id", "id", "the member's stream"),
        Column("goods", "packed", "visits and products, as `ledger.projections.habits` packs them"),
    ),
)
_DAYS = FCT_MEMBER_RHYTHM.place("days")
_RHYTHM, _GOODS = FCT_MEMBER_RHYTHM.name, FCT_MEMBER_GOODS.name
_encode = msgspec.msgpack.Encoder().encode
_days = msgspec.msgpack.Decoder(list[Day]).decode


class _Scan(Struct, array_like=True, frozen=True, gc=False):
    """Of a scan, what is asked here."""

    store: Raw
    lane: Raw
    business_day: Day
    number: Raw
    captured_at: Instant
    offset_minutes: int
    goods: e.Goods


class Scanned(Struct, array_like=True, frozen=True, gc=False):
    """Of a member's receipt, what a rhythm asks for; award and tenders are passed over."""

    scan: _Scan


class Rhythm:
    """A member's rows while events are taken into them, each in the order of its stream."""

    __slots__ = (
        "days", "first_day", "fresh", "gone", "goods", "packed", "position", "recorded_at",
        "spend_minor", "visits",
    )  # fmt: skip

    def __init__(self, row: Sequence[Any] | None = None) -> None:
        """Begin with the row that is there, or with nothing; `goods` are read where needed."""
        if row is None:
            self.visits = self.spend_minor = self.gone = self.recorded_at = self.position = 0
            self.first_day: Day | None = None
            self.days: list[Day] = []
            self.fresh = b""
        else:
            _, self.visits, self.spend_minor, self.first_day, *_, self.gone = row[:_DAYS]
            days, self.fresh, self.recorded_at, self.position = row[_DAYS:]
            self.days = _days(days)
        self.goods: Habits | None = None
        self.packed = False
        """Whether the goods have changed."""

    def take(self, news: Sequence[News]) -> None:
        """Take in what was told; where that packs goods, they must be there."""
        visits, spend_minor, fresh, days = self.visits, self.spend_minor, self.fresh, self.days
        for one in news:  # done for every receipt, so it is written out
            if len(one) == LEAVING:
                self.gone = one[2]
                continue
            _, _, day, amount_minor, packed = one
            visits += 1
            spend_minor += amount_minor
            fresh += packed
            if not days or day > days[-1]:
                days.append(day)
            elif day not in days:
                insort(days, day)
            if self.first_day is None or day < self.first_day:
                self.first_day = day
            if not visits % FRESH and not visits % habits.step(visits):
                count = habits.fresh(visits - 1) + 1
                self.goods = habits.taken(self.goods or Habits(), habits.receipts(fresh, count))
                self.packed, fresh = True, b""
        del days[:-DAYS]
        self.visits, self.spend_minor, self.fresh = visits, spend_minor, fresh
        self.recorded_at = max(self.recorded_at, *[one[1] for one in news])
        self.position = news[-1][0]

    def habits(self) -> Habits:
        """All that was bought."""
        fresh = habits.receipts(self.fresh, habits.fresh(self.visits))
        return habits.taken(self.goods or Habits(), fresh)

    def row(self, member: bytes) -> tuple[Any, ...]:
        """The row as it is now."""
        last, *known = pace(self.days) if self.days else (None, 0, 0, 0)
        return (
            member, self.visits, self.spend_minor, self.first_day, last, *known, self.gone,
            _encode(self.days), self.fresh, self.recorded_at, self.position,
        )  # fmt: skip


News = tuple[Any, ...]
"""Position and the ledger's time, then whether the member is gone; or the day, what was paid for
what was bought, and the receipt as `habits` keeps it."""
LEAVING = 3
"""So long is what tells of leaving or coming back; longer is a visit."""
LEFT: Mapping[type[e.Event], int] = {
    e.MemberClosed: 1, e.MemberErased: 1, e.MergedAway: 1, e.PartedAgain: 0
}  # fmt: skip
"""Events after which a member is gone, or back."""


def visit(position: int, recorded_at: Instant, scan: _Scan | e.Scan) -> News | None:
    """What a receipt tells; None where nothing was bought on it."""
    day = (scan.captured_at + scan.offset_minutes * 60) // DAY_SECONDS
    amount_minor, packed = habits.bought(day, scan.goods)
    return (position, recorded_at, day, amount_minor, packed) if packed else None


def _scanned(at: At, event: Scanned, out: Out) -> None:
    if news := visit(at.position, at.recorded_at, event.scan):
        out.told[at.stream].append(news)


def _left(at: At, event: e.Event, out: Out) -> None:
    out.told[at.stream].append((at.position, at.recorded_at, LEFT[type(event)]))


def _folded(
    told: Sequence[tuple[bytes, list[Any]]], found: Found
) -> Mapping[str, list[tuple[Any, ...]]]:
    """The rows with what was told taken in; goods are read of those for whom it is time only."""
    there = found(FCT_MEMBER_RHYTHM, [member for member, _ in told])
    rhythms = {member: Rhythm(there.get(member)) for member, _ in told}
    due = [member for member, news in told if _is_due(rhythms[member].visits, news)]
    for member, row in found(FCT_MEMBER_GOODS, due).items():
        rhythms[member].goods = habits.decode(row[1])
    rows, goods = [], []
    for member, news in told:
        one = rhythms[member]
        one.take(news)
        rows.append(one.row(member))
        if one.packed:
            goods.append((member, habits.encode(one.goods)))
    return {_RHYTHM: rows, _GOODS: goods}


def _is_due(visits: int, news: Sequence[Sequence[Any]]) -> bool:
    """Whether goods can be packed, all news being visits."""
    return len(news) >= habits.step(visits) - habits.fresh(visits)


def later_than(reader: Reader, upto: int, until: Instant) -> tuple[int, int]:
    """Members of whom something was recorded after a position or an instant, and all members."""
    name = reader.name(FCT_MEMBER_RHYTHM)
    query = f"SELECT count(*) FROM {name}"
    ((later,),) = reader.rows(f"{query} WHERE position > ? OR recorded_at > ?", (upto, until))
    ((members,),) = reader.rows(query, ())
    return later, members


def rhythms(reader: Reader, after: bytes, until: bytes, limit: int) -> list[tuple[bytes, Rhythm]]:
    """So many members who bought something, after one id and before another."""
    columns = ", ".join(f"r.{column.name}" for column in FCT_MEMBER_RHYTHM.columns)
    query = (
        f"SELECT {columns}, g.goods FROM {reader.name(FCT_MEMBER_RHYTHM)} r"
        f" LEFT JOIN {reader.name(FCT_MEMBER_GOODS)} g ON g.member_id = r.member_id"
        " WHERE r.member_id > ? AND r.member_id < ? AND r.visits > 0 ORDER BY r.member_id LIMIT ?"
    )
    found = []
    for *row, goods in reader.rows(query, (after, until, limit)):
        rhythm = Rhythm(row)
        rhythm.goods = habits.decode(goods) if goods else None
        found.append((row[0], rhythm))
    return found


def rhythm_of(reader: Reader, member: bytes) -> Rhythm | None:
    """What is kept of a member; None where it bought nothing."""
    found = rhythms(reader, beside(member, -1), beside(member, 1), 1)
    return next((rhythm for _, rhythm in found), None)


RHYTHM = Projection(
    "rhythm",
    1,
    (FCT_MEMBER_RHYTHM, FCT_MEMBER_GOODS),
    {e.ReceiptScanned: _scanned, **dict.fromkeys(LEFT, _left)},
    MEMBER,
    {e.ReceiptScanned: Scanned},
    _folded,
)
