"""The period of a dry run: business dates, as people write them."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from ledger.calendar import add_months
from ledger.errors import InputInvalid
from ledger.store.keys import ID_BYTES, RECEIPT
from ledger.store.log import Log
from ledger.types import Day, date_of, day_of

_LAST_DAY = 0xFFFF


class Period(NamedTuple):
    """From one day to another, both included."""

    first: Day
    last: Day

    def __str__(self) -> str:
        """Show the period as people write it."""
        return f"{date_of(self.first)}..{date_of(self.last)}"


def period(text: str, known: Period) -> Period:
    """The period that `2026-01-01..2026-03-31`, `90d`, `12m` or `all` means.

    Days and months are counted back from the newest business date, that day included.

    Raises:
        InputInvalid: it is none of these, ends before it begins, or holds no receipt.
    """
    found = known if text == "all" else _counted(text, known.last) or _between(text)
    if found is None:
        detail = f"`{text}` is no period; write 2026-01-01..2026-03-31, 90d, 12m or all."
        raise InputInvalid(detail, field="over")
    if found.last < found.first:
        raise InputInvalid(f"`{text}` ends before it begins.", field="over")
    if found.last < known.first or known.last < found.first:
        raise InputInvalid(f"No receipt is of {found}; there are some of {known}.", field="over")
    return found


def business_dates(log: Log) -> Period | None:
    """The oldest and the newest business date of the log's receipts; None where it has none.

    A receipt's stream begins with its day, so this looks at a few streams and at no table.
    """
    first = _from(log, 0)
    if first is None:
        return None
    low, high = first, _LAST_DAY  # the newest day lies between these two
    while low < high:
        middle = (low + high + 1) // 2
        found = _from(log, middle)
        low, high = (low, middle - 1) if found is None else (found, high)
    return Period(first, low)


def business_day(receipt: bytes) -> Day:
    """The business day in a receipt's stream id."""
    return int.from_bytes(receipt[1:3], "big")


def _from(log: Log, day: Day) -> Day | None:
    """The first day with receipts from a day on."""
    start = (bytes([RECEIPT]) + day.to_bytes(2, "big")).ljust(ID_BYTES, b"\0")
    found = log.receipts(start, 1)
    return business_day(found[0]) if found else None


def _counted(text: str, last: Day) -> Period | None:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([dm])", text)
    if not found:
        return None
    count = int(found[1])
    if found[2] == "d":
        return Period(last - count + 1, last)
    try:
        return Period(day_of(add_months(date_of(last), -count)) + 1, last)
    except ValueError:
        return None  # before the calendar begins


def _between(text: str) -> Period | None:
    first, dots, last = text.partition("..")
    try:
        return Period(_day(first), _day(last)) if dots else None
    except ValueError:
        return None


def _day(text: str) -> Day:
    return day_of(dt.date.fromisoformat(text))
