"""Days and midnights in the programme's time zone."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from ledger.types import Day, Instant, date_of, day_of

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone by its IANA name.

    Raises:
        ZoneInfoNotFoundError: the machine does not know it.
    """
    return ZoneInfo(name)


@lru_cache(maxsize=65536)
def midnight(day: Day, zone: str) -> Instant:
    """The instant at which a day begins in the zone.

    Where a clock change skips midnight, the first instant that exists is taken.
    """
    date = date_of(day)
    local = dt.datetime(date.year, date.month, date.day, tzinfo=zone_of(zone))
    return (local - EPOCH) // SECOND


def local_instant(date: dt.date, minute: int, zone: str) -> Instant:
    """The instant of a local time, so many minutes after the day's 00:00 by the clock on the wall.

    Of a time that comes twice the first; of one that is skipped the first instant that exists.
    """
    there = zone_of(zone)
    wall = dt.datetime(date.year, date.month, date.day, minute // 60, minute % 60)  # noqa: DTZ001
    found = instant_of(wall.replace(tzinfo=there))
    if dt.datetime.fromtimestamp(found, there).replace(tzinfo=None) == wall:
        return found
    # Skipped: read with either offset it lies on one side of the change, which is looked for.
    before, after = instant_of(wall.replace(tzinfo=there, fold=1)), found
    changed = dt.datetime.fromtimestamp(after, there).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if dt.datetime.fromtimestamp(middle, there).utcoffset() == changed:
            after = middle
        else:
            before = middle
    return after


def local_day(instant: Instant, zone: str) -> Day:
    """The day that an instant falls on in the zone."""
    return day_of(dt.datetime.fromtimestamp(instant, zone_of(zone)).date())


def add_months(date: dt.date, months: int) -> dt.date:
    """The same day of a later month, or that month's last day where there is none."""
    index = date.year * 12 + date.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(date.day, last_day(year, month + 1)))


def month_day(date: dt.date) -> int:
    """A day of the year as 100 x month + day."""
    return date.month * 100 + date.day


def last_day(year: int, month: int) -> int:
    """How many days a month has."""
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return (following - dt.timedelta(days=1)).day


def instant_of(moment: dt.datetime) -> Instant:
    """The epoch second of a moment that knows its offset (floor)."""
    since = moment - EPOCH
    return since.days * 86_400 + since.seconds  # a duration's microseconds are never negative


def moment_of(instant: Instant) -> dt.datetime:
    """The moment of an epoch second, in UTC."""
    return EPOCH + instant * SECOND
