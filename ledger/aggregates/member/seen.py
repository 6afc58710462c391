"""What a member keeps of receipts for the fraud limits, bounded however many there are."""

from __future__ import annotations

from msgspec import Struct

from ledger.programme import MAX_COUNTED_LATE_DAYS
from ledger.types import Day, Instant

KEPT_DAYS = MAX_COUNTED_LATE_DAYS + 3
"""Days before the newest for which receipts stay counted: the latest scan, and time zones."""
MOST_COUNTS = 128
MOST_VISITS = 50
VISIT_SECONDS = 86_400
MOST_CASHIERS = 20


class DayCount(Struct, frozen=True, array_like=True, gc=False):
    """Receipts of one card captured on one day of the store, and their points."""

    day: Day
    card: int
    receipts: int
    points: int


class Visit(Struct, frozen=True, array_like=True, gc=False):
    """A receipt's time and store."""

    at: Instant
    store: str


def counted(counts: tuple[DayCount, ...], day: Day, card: int, points: int) -> tuple[DayCount, ...]:
    """Count one more receipt, and let go of days that nothing can be claimed for any more."""
    newest = max(day, counts[-1].day if counts else day)
    mine = next((c for c in counts if c.day == day and c.card == card), None)
    so_far = mine or DayCount(day, card, 0, 0)
    added = DayCount(day, card, so_far.receipts + 1, so_far.points + points)
    kept = [c for c in (*counts, added) if c is not mine and c.day > newest - KEPT_DAYS]
    kept.sort(key=lambda c: (c.day, c.card))
    return tuple(kept[-MOST_COUNTS:])


def visited(visits: tuple[Visit, ...], at: Instant, store: str) -> tuple[Visit, ...]:
    """Add a visit, and let go of those a day before the newest."""
    if not store:
        return visits
    newest = max(at, max((v.at for v in visits), default=at))
    kept = [v for v in (*visits, Visit(at, store)) if v.at >= newest - VISIT_SECONDS]
    return tuple(kept[-MOST_VISITS:])
