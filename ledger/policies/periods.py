"""Periods of a promotion."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from ledger.types import Day, day_of


class Period(Protocol):
    """Anything with a first and a last date, either of which may be open."""

    @property
    def from_(self) -> dt.date | None: ...  # noqa: D102
    @property
    def until(self) -> dt.date | None: ...  # noqa: D102


def in_period(period: Period, day: Day) -> bool:
    """Whether a day lies between the two dates, both included."""
    if period.from_ is not None and day < day_of(period.from_):
        return False
    return period.until is None or day <= day_of(period.until)
