"""The arithmetic of dry runs: periods, points at an instant, what they are worth."""

import datetime as dt

import pytest

from ledger.aggregates.member.state import Hold, Lot, Member
from ledger.dryrun.ending import points_at, worth
from ledger.dryrun.period import Period, period
from ledger.errors import InputInvalid
from ledger.programme import load
from ledger.types import Take, day_of


def day(text):
    return day_of(dt.date.fromisoformat(text))


KNOWN = Period(day("2025-03-31"), day("2026-03-31"))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("all", "2025-03-31", "2026-03-31"),
        ("1d", "2026-03-31", "2026-03-31"),
        ("90d", "2026-01-01", "2026-03-31"),
        ("1m", "2026-03-01", "2026-03-31"),  # the day after 28 February
        ("12m", "2025-04-01", "2026-03-31"),
        ("2026-01-01..2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-03-31..2026-12-31", "2026-03-31", "2026-12-31"),
        ("2024-01-01..2025-03-31", "2024-01-01", "2025-03-31"),
    ],
)
def test_a_period_means_these_days(text, first, last):
    assert period(text, KNOWN) == Period(day(first), day(last))


@pytest.mark.parametrize(
    "text", ["2026-04-01..2026-04-30", "2024-01-01..2025-03-30", "99999m", "1 d", "1d..2d", "01d"]
)
def test_these_are_no_periods_or_hold_no_receipt(text):
    with pytest.raises(InputInvalid):
        period(text, KNOWN)


def test_a_lot_is_pending_up_to_its_activation_and_expired_from_its_expiry_on():
    member = Member(0, "", b"", lots=(Lot(100, 200, 0, 7),), earned=7)
    assert points_at(member, 99) == (0, 7, 0, 0)
    assert points_at(member, 100) == (7, 0, 0, 0)
    assert points_at(member, 199) == (7, 0, 0, 0)
    assert points_at(member, 200) == (0, 0, 0, 7)


@pytest.mark.parametrize(
    ("ends_at", "available", "kept", "expired"),
    [(99, 10 + 4, 6, 3 + 2 + 13), (100, 10 + 4, 6, 3 + 2 + 13), (101, 10, 6 + 4 + 2, 3 + 13)],
)
def test_a_hold_keeps_its_points_until_its_time_is_over(ends_at, available, kept, expired):
    held = Hold(b"h", (Take(0, 500, 0, 4), Take(0, 95, 0, 2)), ends_at)
    member = Member(
        0, "", b"", lots=(Lot(0, 500, 0, 10), Lot(0, 90, 0, 3)), lapsed=13, in_review=6,
        holds=(held,),
    )  # fmt: skip
    assert points_at(member, 100) == (available, 0, kept, expired)


def test_the_worth_of_points_is_rounded_down():
    bare = 'name = "p"\ncurrency = "EUR"\n[earn]\npoints = 1\nper_minor = 100\n'
    text = bare + "[redeem.cash]\npoints = 4\nvalue_minor = 5\n"
    assert worth(load(bare), 8) is None
    assert [worth(load(text), points) for points in (3, 4, 5, 7, 8)] == [3, 5, 6, 8, 10]
