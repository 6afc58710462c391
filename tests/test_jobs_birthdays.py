"""The job that gives the points of birthdays: whose day it is, once, and nobody else."""

import datetime as dt

import pytest

from ledger.application import LoyaltyLedger
from ledger.errors import KeyConflict
from ledger.jobs.birthdays import BIRTHDAYS
from ledger.types import Personal
from tests.chores import events_of
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, conserved, points_of

GIFT = PROGRAMME + "[earn.birthday]\ngift_points = 30\n"


def born(month, day):
    return Personal(birthday=dt.date(1992, month, day))


def local(text):
    """An instant of Berlin's winter."""
    return int(dt.datetime.fromisoformat(text + "+01:00").timestamp())


@pytest.fixture
def ledger(new_db, clock, request):
    clock.now = local(getattr(request, "param", "2026-01-01T01:00"))
    with LoyaltyLedger.create(
        new_db(), GIFT, secret=SECRET, clock=clock, jobs=[BIRTHDAYS]
    ) as ledger:
        ledger.jobs.run()  # so that the job has been seen
        yield ledger


def gifts(ledger):
    """Who got one, with the first instant of the birthday and its year."""
    cards = {ledger.keys.member(f"c{n}"): f"c{n}" for n in range(9)}
    return [
        (cards[stream], event.captured_at, event.year)
        for stream, event in events_of(ledger, "bonus")
    ]


def test_whose_day_it_is_gets_the_points_and_nobody_else(ledger, clock):
    for n, personal in enumerate((born(1, 9), born(1, 10), born(1, 11), born(10, 1), Personal())):
        ledger.enrol(f"c{n}", personal)
    clock.now = local("2026-01-10T00:05") - 1
    ledger.jobs.run()
    assert gifts(ledger) == [("c0", local("2026-01-09T00:00"), 2026)]
    clock.now += 1
    ledger.jobs.run()
    ledger.jobs.run()
    assert gifts(ledger)[1:] == [("c1", local("2026-01-10T00:00"), 2026)]
    assert [points_of(ledger, f"c{n}") for n in range(5)] == [30, 30, 0, 0, 0]
    conserved(ledger, "c1")


def test_a_birthday_comes_once_a_year_however_it_is_given(ledger, clock):
    ledger.enrol("c0", born(1, 10))
    clock.now = local("2026-01-10T00:01")
    ledger.grant_birthday(ledger.member_of("c0").hex(), 2026)
    clock.now = local("2027-01-12T00:00")
    ledger.jobs.run()
    assert [year for _, _, year in gifts(ledger)] == [2026, 2027]
    assert {done.refused for _, done in events_of(ledger, "job-done")} == {0}


def test_days_that_nobody_ran_at_are_caught_up(ledger, clock):
    for n in range(3):
        ledger.enrol(f"c{n}", born(1, 20 - n))
    clock.now = NOW + 40 * DAY
    ledger.jobs.run()
    assert gifts(ledger) == [(f"c{n}", local(f"2026-01-{20 - n}T00:00"), 2026) for n in (2, 1, 0)]


@pytest.mark.parametrize(
    ("ledger", "year", "given"),
    [
        ("2027-02-20T12:00", 2027, ["c0", "c1"]),
        ("2028-02-20T12:00", 2028, ["c0"]),
        ("2100-02-20T12:00", 2100, ["c0", "c1"]),
    ],
    indirect=["ledger"],
)
def test_born_on_a_leap_day_is_the_28th_in_a_common_year(ledger, clock, year, given):
    ledger.enrol("c0", born(2, 28))
    ledger.enrol("c1", born(2, 29))
    ledger.enrol("c2", born(3, 1))
    clock.now = local(f"{year}-02-28T12:00")
    ledger.jobs.run()
    assert sorted(card for card, _, _ in gifts(ledger)) == given
    clock.now = local(f"{year}-03-02T12:00")
    ledger.jobs.run()
    assert sorted(card for card, _, _ in gifts(ledger)) == ["c0", "c1", "c2"]


def test_who_joins_or_tells_on_the_day_itself_gets_it_a_day_later(ledger, clock):
    ledger.enrol("c1")
    clock.now = local("2026-01-10T10:00")
    ledger.jobs.run()
    ledger.enrol("c0", born(1, 10))
    ledger.complete("c1", born(1, 10))
    clock.now = local("2026-01-11T10:00")
    ledger.jobs.run()
    day = local("2026-01-10T00:00")
    assert sorted(gifts(ledger)) == [("c0", day, 2026), ("c1", day, 2026)]


def test_a_birthday_put_right_is_found_where_it_is_now(ledger, clock):
    ledger.enrol("c0", born(1, 10))
    ledger.enrol("c1", born(1, 10))
    ledger.change_personal("c0", born(1, 12), "desk", "p1")
    ledger.change_personal("c1", Personal(name="Ada"), "desk", "p2")
    clock.now = local("2026-01-14T00:00")
    ledger.jobs.run()
    assert gifts(ledger) == [("c0", local("2026-01-12T00:00"), 2026)]


def test_who_is_gone_gets_nothing(ledger, clock):
    for n in range(4):
        ledger.enrol(f"c{n}", born(1, 10))
    ledger.close_member("c0", "wish", "desk", "x1")
    ledger.erase_member("c1", "wish", "desk", "x2")
    ledger.merge("c2", "c3", "one person", "desk", "x3")
    clock.now = local("2026-01-12T00:00")
    ledger.jobs.run()
    assert gifts(ledger) == [("c3", local("2026-01-10T00:00"), 2026)]
    assert ledger.log.born_on([110], b"", 9) == sorted(
        ledger.keys.member(f"c{n}") for n in (0, 2, 3)
    )
    assert {done.refused for _, done in events_of(ledger, "job-done")} == {0}


def test_a_refused_command_leaves_no_birthday_behind(ledger, clock):
    ledger.enrol("c0", born(1, 10))
    with pytest.raises(KeyConflict):
        ledger.enrol("c0", born(1, 11))
    assert ledger.log.born_on([111], b"", 9) == []


def test_pages_come_in_the_order_of_the_streams(ledger):
    streams = sorted(ledger.enrol(f"c{n}", born(1, 10 + n % 2)).stream for n in range(7))
    log = ledger.log
    found, after = [], b""
    while page := log.born_on([110, 111], after, 2):
        found += page
        after = page[-1]
    assert found == streams


def test_without_a_gift_nobody_is_looked_at(new_db, clock):
    with LoyaltyLedger.create(
        new_db(), PROGRAMME, secret=SECRET, clock=clock, jobs=[BIRTHDAYS]
    ) as ledger:
        ledger.jobs.run()
        ledger.enrol("c0", born(1, 10))
        clock.now = local("2026-01-12T00:00")
        ledger.jobs.run()
        done = [done for _, done in events_of(ledger, "job-done")]
        assert len(done) == 10
        assert {d.unchanged + d.effects + d.refused for d in done} == {0}
