"""Who a job has something to record for: pages of members, in the order of their streams."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from ledger.calendar import local_day, month_day
from ledger.policies.earn.birthday import birthday_in
from ledger.programme import Programme
from ledger.projections.balance import FCT_LOT, FCT_MEMBER_POINTS
from ledger.projections.queries import Reader
from ledger.projections.tier import FCT_TIER
from ledger.store.log import Log
from ledger.types import Instant, date_of

LEAP_DAY = dt.date(2000, 2, 29)


class Look(NamedTuple):
    """What a job may look at to find who is due: at an instant, under the programme of then."""

    reader: Reader
    log: Log
    programme: Programme
    at: Instant
    kept: dict[str, Any]
    """What the job keeps from one page of its turn to the next."""
    histories: Callable[[Any], Any]
    """What is kept of members at a cut, see `ledger.offers.histories`."""


def with_expired_points(look: Look, after: bytes, limit: int) -> list[bytes]:
    """Members with points that had expired at an instant and are not written off."""
    return _page(
        look.reader,
        f"SELECT DISTINCT member_id FROM {look.reader.name(FCT_LOT)}"
        " WHERE member_id > ? AND expires_at <= ? AND points > 0 ORDER BY member_id LIMIT ?",
        (after, look.at, limit),
    )


def with_activated_points(look: Look, after: bytes, limit: int) -> list[bytes]:
    """Members with points that had become usable at an instant, and nobody recorded it."""
    return _page(
        look.reader,
        f"SELECT DISTINCT l.member_id FROM {look.reader.name(FCT_LOT)} l"
        f" JOIN {look.reader.name(FCT_MEMBER_POINTS)} m ON m.member_id = l.member_id"
        " WHERE l.member_id > ? AND l.activates_at > m.activated_until AND l.activates_at <= ?"
        " AND l.expires_at > ? AND l.points > 0 ORDER BY l.member_id LIMIT ?",
        (after, look.at, look.at, limit),
    )


def with_holds(look: Look, after: bytes, limit: int) -> list[bytes]:
    """Members with a hold whose end is not recorded."""
    return _page(
        look.reader,
        f"SELECT member_id FROM {look.reader.name(FCT_MEMBER_POINTS)}"
        " WHERE member_id > ? AND held > 0 ORDER BY member_id LIMIT ?",
        (after, limit),
    )


def with_reviews_due(look: Look, after: bytes, limit: int) -> list[bytes]:
    """Members whose tier had come to a review at an instant that is not recorded."""
    tiers = look.reader.name(FCT_TIER)
    return _page(
        look.reader,
        f"SELECT t.member_id FROM {tiers} t WHERE t.member_id > ? AND t.kept_until > 0"
        f" AND t.kept_until <= ? AND NOT EXISTS (SELECT 1 FROM {tiers} n"
        " WHERE n.member_id = t.member_id AND n.version > t.version)"
        " ORDER BY t.member_id LIMIT ?",
        (after, look.at, limit),
    )


def with_birthdays(look: Look, after: bytes, limit: int) -> list[bytes]:
    """Members whose birthday is that day, or was the day before, where the programme has a gift.

    The day before is looked at again for those who joined, or told theirs, in the course of it.
    """
    rule = look.programme.earn.birthday
    if rule is None or not rule.gift_points:
        return []
    today = local_day(look.at, look.programme.time_zone)
    born_on = []
    for day in (today - 1, today):
        date = date_of(day)
        born_on.append(month_day(date))
        if birthday_in(LEAP_DAY, date.year) == date:
            born_on.append(month_day(LEAP_DAY))
    return look.log.born_on(born_on, after, limit)


def everybody(look: Look, after: bytes, limit: int) -> list[bytes]:
    """All members."""
    return look.reader.members(after, limit)


def with_lists(look: Look, after: bytes, limit: int) -> list[bytes]:
    """All members, where the programme has lists for them."""
    return look.reader.members(after, limit) if look.programme.lists else []


def _page(reader: Reader, query: str, parameters: tuple[object, ...]) -> list[bytes]:
    return [bytes(row[0]) for row in reader.rows(query, parameters)]
