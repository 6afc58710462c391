"""Jobs through the door: what is due is done once, in order, and not before its time."""

import datetime as dt
import random

import pytest

from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.jobs.schedule import daily, due_between, monthly, yearly
from tests.chores import (
    FIRST,
    HOUR,
    THREE,
    GivePoint,
    chore,
    done_of,
    events_of,
    everybody,
    given,
    sane,
    shop,
)
from tests.shop import DAY, NOW, conserved, points_of

BERLIN = "Europe/Berlin"


@pytest.fixture
def shop_with(new_db, clock):
    """Makes ledgers with three members and some jobs."""
    made = []

    def make(*jobs, **fields) -> LoyaltyLedger:
        made.append(shop(new_db(), clock, *jobs, **fields))
        made[-1].jobs.run()  # so that every job has been seen
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


def at(text):
    return int(dt.datetime.fromisoformat(text).timestamp())


# --- what is due -------------------------------------------------------------------------


def test_what_is_due_is_done_once(shop_with, clock):
    ledger = shop_with(chore())
    assert ledger.jobs.run().done == []
    clock.now = FIRST
    [(name, done)] = ledger.jobs.run().done
    assert (name, done.due_at, done.effects, done.unchanged, done.refused) == (
        "point", FIRST, 3, 0, 0,
    )  # fmt: skip
    head = ledger.log.head()
    assert ledger.jobs.run().done == []
    assert ledger.log.head() == head
    assert points_of(ledger, "c0") == 1
    conserved(ledger, "c0")
    sane(ledger)


def test_what_was_due_before_a_job_was_first_seen_is_not_missed(db, clock):
    clock.now = FIRST + HOUR
    with shop(db, clock, chore()) as ledger:
        assert ledger.jobs.run().done == []
        clock.now += DAY
        ledger.jobs.run()
        assert done_of(ledger) == [FIRST + DAY]


def test_missed_instants_are_caught_up_in_order(shop_with, clock):
    ledger = shop_with(chore())
    clock.now = FIRST + 9 * DAY
    ledger.jobs.run()
    expected = [FIRST + n * DAY for n in range(10)]
    assert done_of(ledger) == expected
    assert list(given(ledger).values()) == [expected] * 3
    sane(ledger)


def test_of_a_job_whose_last_instant_says_it_all_only_the_last_runs(shop_with, clock):
    ledger = shop_with(chore(catch_up="last"))
    assert done_of(ledger) == [FIRST - DAY], "all before it was seen, in one run"
    clock.now = FIRST + 9 * DAY
    ledger.jobs.run()
    assert done_of(ledger) == [FIRST - DAY, FIRST + 9 * DAY]
    newest, oldest = ledger.jobs.history()
    assert (newest.since, oldest.since) == (FIRST, 0)
    sane(ledger)


def test_several_jobs_are_caught_up_in_the_order_they_were_due(shop_with, clock):
    ledger = shop_with(chore("noon", daily("12:00")), chore("night"))
    clock.now = FIRST + 2 * DAY
    names = [name for name, _ in ledger.jobs.run().done]
    assert names == ["night", "noon", "night", "noon", "night"]


def test_months_and_a_leap_day(shop_with, clock):
    ledger = shop_with(chore("month", monthly(31, "03:00")), chore("leap", yearly(2, 29, "03:00")))
    clock.now = at("2028-03-01T12:00Z")
    ledger.jobs.run()
    days = [
        dt.datetime.fromtimestamp(d, dt.UTC).date().isoformat() for d in done_of(ledger, "leap")
    ]
    assert days == ["2026-02-28", "2027-02-28", "2028-02-29"]
    assert len(done_of(ledger, "month")) == 26
    sane(ledger)


@pytest.mark.parametrize(
    ("zone", "day", "due"),
    [
        (BERLIN, "2026-03-29", "2026-03-29T01:00Z"),
        (BERLIN, "2026-10-25", "2026-10-25T00:30Z"),
        ("Australia/Sydney", "2026-10-04", "2026-10-03T16:00Z"),
        ("Australia/Sydney", "2026-04-05", "2026-04-04T15:30Z"),
    ],
)
def test_a_clock_change_neither_drops_nor_doubles_a_run(db, clock, monkeypatch, zone, day, due):
    from tests import chores

    monkeypatch.setattr(chores, "PROGRAMME", chores.PROGRAMME.replace(BERLIN, zone))
    noon = at(f"{day}T00:00Z")
    clock.now = noon - DAY
    with shop(db, clock, chore(schedule=daily("02:30"))) as ledger:
        while clock.now < noon + DAY:
            ledger.jobs.run()
            clock.now += 10 * 60
        done = done_of(ledger)
        assert done == due_between(daily("02:30"), noon - DAY, noon + DAY - 1, zone)
        assert at(due) in done
        starts = [(e.due_at, e.captured_at) for _, e in events_of(ledger, "job-started")]
        assert all(due_at == captured_at for due_at, captured_at in starts)
        sane(ledger)


# --- a clock that jumps ------------------------------------------------------------------


def test_a_clock_that_goes_back_an_hour_runs_nothing_twice(shop_with, clock):
    ledger = shop_with(chore())
    clock.now = FIRST + HOUR // 2
    ledger.jobs.run()
    clock.now -= HOUR
    assert ledger.jobs.run().done == []
    clock.now += HOUR
    assert ledger.jobs.run().done == []
    assert done_of(ledger) == [FIRST]


def test_a_clock_that_goes_on_an_hour_loses_nothing(shop_with, clock):
    ledger = shop_with(chore())
    clock.now = FIRST - HOUR // 2
    ledger.jobs.run()
    clock.now += HOUR
    ledger.jobs.run()
    clock.now -= HOUR
    ledger.jobs.run()
    assert done_of(ledger) == [FIRST]


def test_a_clock_that_wanders_does_each_instant_once_and_not_before_its_time(shop_with, clock):
    ledger = shop_with(chore("point", daily("03:00"), chunk=2), chore("noon", daily("12:00")))
    rng = random.Random(5)
    latest = clock.now
    for _ in range(150):
        clock.now += rng.choice((HOUR // 2, HOUR, HOUR, -HOUR, 2 * HOUR))
        latest = max(latest, clock.now)
        ledger.jobs.run()
    clock.now = latest
    assert done_of(ledger) == due_between(THREE, NOW, latest, BERLIN)
    assert done_of(ledger, "noon") == due_between(daily("12:00"), NOW, latest, BERLIN)
    sane(ledger)


def test_a_clock_that_goes_back_in_the_middle_of_a_run_makes_it_wait(new_db, clock):
    pages = []

    def due(look, after, limit):
        pages.append(after)
        if len(pages) == 2:
            clock.now -= HOUR
        return everybody(look, after, limit)

    with shop(new_db(), clock, chore(chunk=2, due=due)) as ledger:
        ledger.jobs.run()
        clock.now = FIRST
        assert ledger.jobs.run().done == []
        assert len(given(ledger)) == 2
        assert ledger.jobs.history()[0].state == "clock"
        clock.now = FIRST
        [(_, done)] = ledger.jobs.run().done
        assert done.effects == 3
        sane(ledger)


def test_members_who_come_while_a_run_is_under_way_wait_for_the_next(new_db, clock):
    def due(look, after, limit):
        page = everybody(look, after, limit)
        if after:
            ledger.enrol(f"later{len(after)}{clock.now}")
        return page

    with shop(new_db(), clock, chore(chunk=2, due=due)) as ledger:
        ledger.jobs.run()
        clock.now = FIRST
        assert ledger.jobs.run().done[0][1].effects in {3, 4}
        clock.now = FIRST + DAY
        assert ledger.jobs.run().done[0][1].effects >= 4
        sane(ledger)


# --- what goes wrong ---------------------------------------------------------------------


class Refusing(GivePoint):
    """Refuses one member, breaks on another, after it has emitted something."""

    def decide(self, working):
        third = sorted(working.keys.member(f"c{n}") for n in range(3)).index(self.member)
        outcome = GivePoint.decide(self, working)
        if third == 0:
            raise InputInvalid("a name in it", field="x")
        if third == 1:
            raise ZeroDivisionError
        return outcome


def test_a_refusal_and_a_bug_are_named_and_the_others_go_on(shop_with, clock):
    ledger = shop_with(chore(command=Refusing), chore("fine"))
    clock.now = FIRST
    ran = ledger.jobs.run()
    (name, done), _ = ran.done
    assert (name, done.effects, done.unchanged, done.refused) == ("point", 1, 0, 2)
    first, second, third = sorted(ledger.member_of(f"c{n}") for n in range(3))
    assert done.refusals == ((first, "input-invalid"), (second, "ZeroDivisionError"))
    assert [len(given(ledger)[m]) for m in (first, second, third)] == [1, 1, 2]
    assert ledger.verify().clean


def test_a_job_that_fails_does_not_stop_the_others(shop_with, clock):
    broken = [True]

    def due(look, after, limit):
        if broken:
            raise ZeroDivisionError("by nothing")
        return everybody(look, after, limit)

    ledger = shop_with(chore("bad", due=due), chore("good"))
    clock.now = FIRST + DAY
    ran = ledger.jobs.run()
    assert [name for name, _ in ran.done] == ["good", "good"]
    assert ran.failed == [("bad", FIRST, "ZeroDivisionError", "by nothing")]
    assert ledger.jobs.history(["bad"])[0].state == "ZeroDivisionError"
    broken.clear()
    assert [name for name, _ in ledger.jobs.run().done] == ["bad", "bad"]
    sane(ledger)


def test_only_so_many_refusals_are_kept_by_name(shop_with, clock):
    ledger = shop_with(chore(command=lambda *_: 1 // 0, chunk=25), members=30)
    clock.now = FIRST
    [(_, done)] = ledger.jobs.run().done
    assert (done.refused, len(done.refusals)) == (30, 20)


def test_a_command_that_cannot_say_what_it_looks_at_spoils_no_neighbour(shop_with, clock):
    class Blind(GivePoint):
        def streams(self, _):
            raise ZeroDivisionError

        def decide(self, _):
            raise ZeroDivisionError

    ledger = shop_with(chore(command=Blind))
    clock.now = FIRST
    assert ledger.jobs.run().done[0][1].refused == 3


def test_pages_out_of_order_are_a_failure_and_no_endless_run(shop_with, clock):
    ledger = shop_with(chore(chunk=2, due=lambda look, *_: look.reader.members(b"", 2)))
    clock.now = FIRST
    [failure] = ledger.jobs.run().failed
    assert failure.why == "AssertionError"


# --- what is told ------------------------------------------------------------------------


def test_the_status_tells_what_is_due_and_what_was_done(shop_with, clock):
    ledger = shop_with(chore())
    [status] = ledger.jobs.status()
    assert (status.state, status.done_due_at, status.next_due_at) == ("waiting", None, FIRST)
    clock.now = FIRST
    assert ledger.jobs.status()[0].state == "due"
    ledger.jobs.run()
    [status] = ledger.jobs.status(["point"])
    assert (status.state, status.done_due_at, status.next_due_at) == (
        "waiting", FIRST, FIRST + DAY,
    )  # fmt: skip


def test_the_status_records_nothing(db, clock):
    with shop(db, clock, chore()) as ledger:
        head = ledger.log.head()
        assert ledger.jobs.status()[0].next_due_at == FIRST
        assert ledger.jobs.history() == []
        assert ledger.log.head() == head


def test_the_history_is_newest_first_and_bounded(shop_with, clock):
    ledger = shop_with(chore(), chore("noon", daily("12:00")))
    clock.now = FIRST + 3 * DAY
    ledger.jobs.run()
    runs = ledger.jobs.history(limit=3)
    assert len(runs) == 3
    dues = [run.due_at for run in ledger.jobs.history(["point"])]
    assert dues == [FIRST + n * DAY for n in (3, 2, 1, 0)]


def test_a_job_that_nobody_knows_is_refused_and_one_that_is_gone_keeps_its_history(db, clock):
    with shop(db, clock, chore()) as ledger:
        ledger.jobs.run()
        clock.now = FIRST
        ledger.jobs.run()
    with LoyaltyLedger.open(db, clock=clock, jobs=()) as ledger:
        assert len(ledger.jobs.history(["point"])) == 1
        assert ledger.jobs.status() == []
        for ask in (ledger.jobs.status, ledger.jobs.run, ledger.jobs.history):
            with pytest.raises(InputInvalid):
                ask(["nonsense"])


def test_two_jobs_of_one_name_are_a_bug(db, clock):
    with pytest.raises(ValueError, match="one name"):
        shop(db, clock, chore(), chore())


def test_a_rebuild_takes_no_notice_of_jobs(shop_with, clock):
    ledger = shop_with(chore())
    clock.now = FIRST + 3 * DAY
    ledger.jobs.run()
    told = ledger.digests()
    ledger.rebuild()
    assert ledger.digests() == told
