"""When points begin and end."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from ledger.calendar import add_months, last_day, midnight
from ledger.programme import Expiry, Lots
from ledger.types import Day, Instant, date_of, day_of

AT_ONCE: Instant = 0
NEVER: Instant = 0xFFFF_FFFF
"""Later than any expiry, and still five bytes in a stored event."""


@lru_cache(maxsize=16384)
def lot_dates(lots: Lots, day: Day, zone: str, window_days: int = 0) -> tuple[Instant, Instant]:
    """The instants at which points earned on a day become active and expire.

    Both are midnights of the programme's zone, so that the points of a period share a lot;
    points with no pending time are active at once. `window_days` is how long goods can be
    returned: where points wait for that, they are active at the midnight after its last day.
    """
    pending = window_days + 1 if lots.pending == "return_window" else lots.pending_days
    activates_at = midnight(day + pending, zone) if pending else AT_ONCE
    return activates_at, expires_at(lots.expiry, day, zone)


def expires_at(expiry: Expiry | None, day: Day, zone: str) -> Instant:
    """The instant at which points earned on a day are gone: the midnight after their last day.

    An expiry beyond the calendar's end is the latest that can be told.
    """
    if expiry is None:
        return NEVER
    date = date_of(day)
    try:
        if expiry.unit == "days":
            last = date + dt.timedelta(days=expiry.after)
        else:
            last = add_months(date, expiry.after)
        return min(midnight(day_of(_round_up(last, expiry.round_to)) + 1, zone), NEVER - 1)
    except (ValueError, OverflowError):
        return NEVER - 1


def _round_up(date: dt.date, to: str) -> dt.date:
    if to == "day":
        return date
    month = {"month": date.month, "quarter": (date.month + 2) // 3 * 3, "year": 12}[to]
    return dt.date(date.year, month, last_day(date.year, month))
