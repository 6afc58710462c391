"""The job that issues lists every two weeks: caught up once, chunk by chunk, kill-safe."""

import itertools

import pytest

from ledger.application import LoyaltyLedger
from ledger.jobs import JOBS
from ledger.jobs.lists import LISTS
from ledger.types import date_of
from tests.chores import GivePoint, chore, events_of
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, line, receipt
from tests.test_list_runs import run
from tests.test_offer_lists import put, shopping

pytest.importorskip("numpy")
pytest.importorskip("sklearn")

MONDAY = 20_458 - 14
"""22 December 2025, one of the job's; two weeks before 5 January 2026."""
HOURS = 3_600
ASKED = "\n[lists]\nlines = 8\n"


def shop(db, clock, programme=PROGRAMME + ASKED, job=LISTS):
    ledger = LoyaltyLedger.create(db, programme, secret=SECRET, clock=clock, jobs=[job])
    put(ledger, shopping())
    return ledger


def due(number=0):
    """04:00 in Berlin on the Monday of a fortnight, in winter."""
    return (MONDAY + 14 * number) * DAY + 3 * HOURS


def lists(ledger, number=0):
    return [*ledger.issued_lists(MONDAY + 14 * number - 1)]


def test_it_is_one_of_the_jobs_and_says_when(new_db, clock):
    assert LISTS in JOBS
    with shop(new_db(), clock) as ledger:
        (status,) = ledger.jobs.status()
        assert (str(status.job.schedule), status.next_due_at) == (
            "every 2 weeks on Monday at 04:00", due(),
        )  # fmt: skip
        assert date_of(MONDAY).weekday() == 0


def test_each_fortnight_issues_its_lists_as_the_programme_says(new_db, clock):
    with shop(new_db(), clock) as ledger:
        clock.now = due(1) - 1
        ledger.jobs.run()
        clock.now = due(1)
        ((_, done),) = ledger.jobs.run().done
        assert (done.effects, done.unchanged, done.refused) == (30, 0, 0)
        assert not ledger.jobs.run().done
        found = lists(ledger, 1)
        assert len(found) == 30
        for one in found:
            assert len(one.shopping.lines) == 8
            assert (one.from_day, one.until_day) == (MONDAY + 14, MONDAY + 27)
        made = [*ledger.offer_lists(as_of=MONDAY + 13).lists]
        assert [one.shopping for one in made] == [one.shopping for one in found]
        # By hand for the same day it is the same list.
        assert run(ledger, as_of=MONDAY + 13).repeated == 30
        clock.now = due(2) + HOURS
        ((_, done),) = ledger.jobs.run().done
        assert (done.due_at, done.effects) == (due(2), 30)
        assert ledger.verify().clean


def test_without_the_table_nobody_is_due(new_db, clock):
    with shop(new_db(), clock, PROGRAMME) as ledger:
        clock.now = due(1)
        ((_, done),) = ledger.jobs.run().done
        assert (done.effects, done.unchanged) == (0, 0)
        assert not lists(ledger, 1)


def test_who_spent_too_little_is_looked_at_and_left(new_db, clock):
    with shop(new_db(), clock, PROGRAMME + ASKED + "from_minor = 3000\n") as ledger:
        ledger.enrol("idle")
        clock.now = due(1)
        ((_, done),) = ledger.jobs.run().done
        assert 0 < done.effects < 30
        assert done.effects + done.unchanged == 31
        assert all(one.shopping.spend_minor >= 3_000 for one in lists(ledger, 1))


def test_what_was_missed_is_caught_up_once(new_db, clock):
    with shop(new_db(), clock) as ledger:
        clock.now = due(1)
        ledger.jobs.run()
        clock.now = due(5) + 3 * DAY
        ((_, done),) = ledger.jobs.run().done
        assert (done.due_at, done.effects) == (due(5), 30)
        assert [len(lists(ledger, n)) for n in range(1, 7)] == [30, 0, 0, 0, 30, 0]
        assert not ledger.jobs.run().done
        (one,) = [one for one in ledger.jobs.history() if one.due_at == due(5)]
        assert one.since == due(2)


def test_nothing_recorded_after_the_day_before_changes_a_late_run(new_db, clock):
    one, other = new_db(), new_db()
    for db, late in ((one, False), (other, True)):
        with shop(db, clock) as ledger:
            clock.now = due(1)
            if late:
                clock.now += 2 * DAY
                for card in range(30):  # bought before it, heard of after it
                    bought = receipt(line(5, "late"), card=f"c{card:02}", at=due(1) - 3 * DAY)
                    ledger.record(bought)
            ledger.jobs.run()
            told = [made.shopping for made in lists(ledger, 1)]
        clock.now = NOW
        if not late:
            first = told
    assert first == told


class Killed(BaseException):
    pass


def test_a_run_that_breaks_off_between_chunks_goes_on_with_the_same_lists(new_db, clock):
    job = LISTS._replace(chunk=7)
    with shop(new_db(), clock) as whole:
        clock.now = due(1)
        whole.jobs.run()
        expected = lists(whole, 1)
    clock.now = NOW
    db = new_db()
    pages = itertools.count(1)

    def breaks(look, page):
        if next(pages) == 3:
            raise Killed
        return LISTS.commands(look, page)

    with shop(db, clock, job=job._replace(commands=breaks)) as ledger:
        clock.now = due(1)
        with pytest.raises(Killed):
            ledger.jobs.run()
        assert len(lists(ledger, 1)) == 14
    clock.now += 1_000  # past the lease
    with LoyaltyLedger.open(db, clock=clock, jobs=[job]) as ledger:
        ((_, done),) = ledger.jobs.run().done
        assert done.effects == 30
        assert lists(ledger, 1) == expected
        steps = [event.effects for _, event in events_of(ledger, "job-stepped")]
        assert steps == [7, 7, 7, 7, 2]
        assert ledger.verify().clean


def test_a_plan_is_made_once_a_turn(new_db, clock, monkeypatch):
    from ledger.offers import plan

    made = []
    whole = plan.plan
    monkeypatch.setattr(plan, "plan", lambda *args: made.append(1) or whole(*args))
    with shop(new_db(), clock, job=LISTS._replace(chunk=4)) as ledger:
        clock.now = due(1)
        ledger.jobs.run()
        assert len(lists(ledger, 1)) == 30
    assert made == [1]


@pytest.mark.parametrize("ways", [{"command": None}, {"commands": lambda _look, _page: []}])
def test_a_job_has_one_way_to_its_commands(db, clock, ways):
    with pytest.raises(ValueError, match="one of"):
        LoyaltyLedger.create(
            db, PROGRAMME, clock=clock, jobs=[chore()._replace(**{"command": GivePoint, **ways})]
        )
