"""When a job is due: a local time on every day, every so many weeks, every month or every year."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from ledger.calendar import last_day, local_day, local_instant
from ledger.types import Instant, date_of, day_of

LONGEST_MONTH = 31
FIRST_MONDAY = 4
"""5 January 1970, from which weeks are counted."""
_LEAP_YEAR = 2024


class Schedule(NamedTuple):
    """Local times in the programme's zone; made by the functions below."""

    minute: int
    """Of the day."""
    day: int = 0
    """Of the month; 0 for every day."""
    month: int = 0
    """0 for every month."""
    weeks: int = 0
    """Every so many weeks, on Mondays; 0 for none of these."""

    def __str__(self) -> str:
        """Show it as people say it."""
        at = f"at {self.minute // 60:02d}:{self.minute % 60:02d}"
        if self.weeks:
            return f"every {self.weeks} weeks on Monday {at}"
        if not self.day:
            return f"daily {at}"
        if not self.month:
            return f"monthly on day {self.day} {at}"
        return f"yearly on {self.month:02d}-{self.day:02d} {at}"

    def next_after(self, instant: Instant, zone: str) -> Instant:
        """The first due instant after an instant."""
        index = self._index(instant, zone) - 1
        while (due_at := self._due(index, zone)) <= instant:
            index += 1
        return due_at

    def last_until(self, instant: Instant, zone: str) -> Instant:
        """The last due instant that is not after an instant."""
        index = self._index(instant, zone) + 1
        while (due_at := self._due(index, zone)) > instant:
            index -= 1
        return due_at

    def _index(self, instant: Instant, zone: str) -> int:
        """The number of the weeks, day, month or year that an instant lies in."""
        day = local_day(instant, zone)
        if self.weeks:
            return (day - FIRST_MONDAY) // (7 * self.weeks)
        date = date_of(day)
        if not self.day:
            return day
        return date.year if self.month else date.year * 12 + date.month - 1

    def _due(self, index: int, zone: str) -> Instant:
        if self.weeks:
            day = FIRST_MONDAY + 7 * self.weeks * index
            return local_instant(date_of(day), self.minute, zone)
        if not self.day:
            return local_instant(date_of(index), self.minute, zone)
        year, month = (index, self.month) if self.month else (index // 12, index % 12 + 1)
        last = min(self.day, last_day(year, month))
        return local_instant(dt.date(year, month, last), self.minute, zone)


def due_between(schedule: Schedule, after: Instant, until: Instant, zone: str) -> list[Instant]:
    """Every due instant after one instant up to another, in order."""
    found = []
    while (due_at := schedule.next_after(after, zone)) <= until:
        found.append(due_at)
        after = due_at
    return found


def daily(at: str) -> Schedule:
    """Every day at HH:MM."""
    return Schedule(_minute(at))


def fortnightly(at: str) -> Schedule:
    """Every second Monday, the same ones for everybody."""
    return Schedule(_minute(at), weeks=2)


def monthly(day: int, at: str) -> Schedule:
    """On a day of every month, or on the last day of a month that has fewer."""
    if not 1 <= day <= LONGEST_MONTH:
        msg = f"no month has a day {day}"
        raise ValueError(msg)
    return Schedule(_minute(at), day)


def yearly(month: int, day: int, at: str) -> Schedule:
    """On a day of the year; 29 February is the 28th in years that have none."""
    day_of(dt.date(_LEAP_YEAR, month, day))  # refuses what is no date
    return Schedule(_minute(at), day, month)


def _minute(at: str) -> int:
    time = dt.time.fromisoformat(at)
    return time.hour * 60 + time.minute
