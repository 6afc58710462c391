"""When jobs are due: local times, both clock changes, short months and leap years."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.jobs.schedule import Schedule, daily, due_between, fortnightly, monthly, yearly

BERLIN, SYDNEY, LORD_HOWE, APIA = (
    "Europe/Berlin", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip
DAY = 86_400


def at(text):
    return int(dt.datetime.fromisoformat(text).timestamp())


def dues(schedule, zone, first, last):
    """The due instants after one moment up to another, as UTC."""
    found = due_between(schedule, at(first), at(last), zone)
    return [dt.datetime.fromtimestamp(f, dt.UTC).strftime("%Y-%m-%dT%H:%M") for f in found]


def test_daily_is_the_local_time_of_every_day():
    found = dues(daily("03:00"), BERLIN, "2026-01-01T00:00Z", "2026-01-03T02:00Z")
    assert found == ["2026-01-01T02:00", "2026-01-02T02:00", "2026-01-03T02:00"]


def test_an_instant_is_not_after_itself():
    schedule = daily("03:00")
    due_at = at("2026-01-01T02:00Z")
    assert schedule.next_after(due_at - 1, BERLIN) == due_at
    assert schedule.next_after(due_at, BERLIN) == due_at + DAY
    assert schedule.last_until(due_at, BERLIN) == due_at
    assert schedule.last_until(due_at - 1, BERLIN) == due_at - DAY


@pytest.mark.parametrize(
    ("zone", "time", "first", "last", "expected"),
    [
        # 29 March 2026: 02:00 becomes 03:00 in Berlin; 02:30 does not exist, 01:00 UTC does.
        (BERLIN, "02:30", "2026-03-28T00:00Z", "2026-03-30T12:00Z",
         ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
        # 25 October 2026: 03:00 becomes 02:00; 02:30 comes twice and counts the first time.
        (BERLIN, "02:30", "2026-10-24T00:00Z", "2026-10-26T12:00Z",
         ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        # 4 October 2026: 02:00 becomes 03:00 in Sydney, where spring begins.
        (SYDNEY, "02:30", "2026-10-02T15:00Z", "2026-10-04T20:00Z",
         ["2026-10-02T16:30", "2026-10-03T16:00", "2026-10-04T15:30"]),
        # 5 April 2026: 03:00 becomes 02:00 in Sydney.
        (SYDNEY, "02:30", "2026-04-03T15:00Z", "2026-04-05T20:00Z",
         ["2026-04-03T15:30", "2026-04-04T15:30", "2026-04-05T16:30"]),
        # Lord Howe Island changes by half an hour: 02:00 becomes 02:30.
        (LORD_HOWE, "02:10", "2026-10-02T15:00Z", "2026-10-04T20:00Z",
         ["2026-10-02T15:40", "2026-10-03T15:30", "2026-10-04T15:10"]),
        # Samoa had no 30 December 2011: its runs fall on the first instant of the 31st.
        (APIA, "03:00", "2011-12-29T00:00Z", "2011-12-31T20:00Z",
         ["2011-12-29T13:00", "2011-12-30T10:00", "2011-12-30T13:00", "2011-12-31T13:00"]),
        # ... and two that fall on one instant are one.
        (APIA, "00:00", "2011-12-29T00:00Z", "2011-12-31T20:00Z",
         ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00"]),
    ],
)  # fmt: skip
def test_clock_changes(zone, time, first, last, expected):
    assert dues(daily(time), zone, first, last) == expected


def test_monthly_on_day_31_is_the_last_day():
    found = dues(monthly(31, "12:00"), "UTC", "2024-01-01T00:00Z", "2024-05-01T00:00Z")
    assert found == [
        "2024-01-31T12:00", "2024-02-29T12:00", "2024-03-31T12:00", "2024-04-30T12:00",
    ]  # fmt: skip


def test_yearly_on_29_february_is_the_28th_in_common_years():
    found = dues(yearly(2, 29, "12:00"), "UTC", "2023-01-01T00:00Z", "2028-12-31T00:00Z")
    assert [f[:10] for f in found] == [
        "2023-02-28", "2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29",
    ]  # fmt: skip


def test_yearly_at_the_turn_of_the_year_goes_by_the_local_year():
    found = dues(yearly(1, 1, "00:00"), BERLIN, "2025-06-01T00:00Z", "2027-06-01T00:00Z")
    assert found == ["2025-12-31T23:00", "2026-12-31T23:00"]


@pytest.mark.parametrize("wrong", [lambda: monthly(32, "03:00"), lambda: yearly(2, 30, "03:00"),
                                   lambda: daily("25:00"), lambda: monthly(0, "03:00")])  # fmt: skip
def test_a_schedule_that_never_comes_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        wrong()


@pytest.mark.parametrize(
    ("schedule", "said"),
    [(daily("03:05"), "daily at 03:05"), (monthly(31, "12:00"), "monthly on day 31 at 12:00"),
     (yearly(2, 29, "00:00"), "yearly on 02-29 at 00:00")],
)  # fmt: skip
def test_a_schedule_says_what_it_is(schedule, said):
    assert str(schedule) == said


def test_fortnightly_is_every_second_monday_of_one_series_whatever_the_clocks_do():
    schedule = fortnightly("04:00")
    assert str(schedule) == "every 2 weeks on Monday at 04:00"
    first, last = at("2026-03-20T00:00+01:00"), at("2026-05-01T00:00+02:00")
    found = due_between(schedule, first, last, BERLIN)
    assert found == [at("2026-03-30T04:00+02:00"), at("2026-04-13T04:00+02:00"),
                     at("2026-04-27T04:00+02:00")]  # fmt: skip
    assert schedule.last_until(first, BERLIN) == at("2026-03-16T04:00+01:00")


schedules = st.one_of(
    st.builds(Schedule, st.integers(0, 1439), st.just(0), st.just(0), st.integers(0, 3)),
    st.builds(Schedule, st.integers(0, 1439), st.integers(1, 31), st.just(0), st.just(0)),
    st.builds(Schedule, st.integers(0, 1439), st.integers(1, 28), st.integers(1, 12), st.just(0)),
)


@settings(max_examples=200, deadline=None)
@given(schedules, st.integers(0, 4_000_000_000), st.sampled_from([BERLIN, SYDNEY, APIA, "UTC"]))
def test_next_and_last_agree_and_leave_nothing_between(schedule, instant, zone):
    last, following = schedule.last_until(instant, zone), schedule.next_after(instant, zone)
    assert last <= instant < following
    assert schedule.next_after(last, zone) == following
    assert schedule.last_until(following - 1, zone) == last
    assert schedule.last_until(following, zone) == following
