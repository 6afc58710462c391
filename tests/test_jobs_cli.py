"""`loyalty jobs`: what it says, and that it ends when it is told to."""

import os
import signal
import subprocess
import sys
import time
from threading import Event
from types import SimpleNamespace

import pytest
from till import PROGRAMME, ROOT, Till

from adapters.cli.commands import jobs as command
from adapters.cli.main import main
from adapters.jobs import Ticker, run_scheduler
from ledger.application import LoyaltyLedger
from ledger.errors import StoreUnavailable
from ledger.jobs.runner import Failure, Ran
from tests.chores import chore, done_of

FOREVER = """
import sys
from adapters.cli.commands import jobs
from adapters.cli.main import main
from tests.chores import chore
jobs.JOBS = (chore(catch_up="last"),)
sys.exit(main(["jobs", "run", "--forever", "--every", "1", "--db", sys.argv[1]]))
"""


@pytest.fixture
def till(db, capsys, monkeypatch):
    """The command line on a ledger with a member and a job that is due at once."""
    assert main(["init", PROGRAMME, "--db", db]) == 0
    assert main(["enrol", "c1", "--db", db]) == 0
    use(monkeypatch, chore(catch_up="last"))
    return Till(capsys, db)


def use(monkeypatch, *jobs):
    monkeypatch.setattr(command, "JOBS", jobs)


def test_jobs_are_listed_run_and_told_of(till):
    [listed] = till("jobs", "list")["jobs"]
    assert (listed["job"], listed["state"], listed["last_done"]) == ("point", "due", None)
    ran = till("jobs", "run")
    [done] = ran["done"]
    assert (done["due"], done["effects"], ran["failed"]) == (listed["next_due"], 1, [])
    assert till("jobs", "run", "point")["done"] == []
    [listed] = till("jobs", "list")["jobs"]
    assert (listed["state"], listed["last_done"]) == ("waiting", done["due"])
    [run] = till("jobs", "history")["runs"]
    assert (run["state"], run["effects"], run["turns"], run["since"]) == ("done", 1, 1, None)


def test_jobs_are_told_of_in_words(till):
    assert "daily at 03:00  last" in till("jobs", "list", json_=False)
    assert "1 effects, 0 unchanged, 0 refused." in till("jobs", "run", json_=False)
    assert till("jobs", "run", json_=False) == "Nothing was due.\n"
    assert "the beginning" in till("jobs", "history", json_=False)


def test_no_jobs_at_all_are_told_of_too(till, monkeypatch):
    use(monkeypatch)
    assert till("jobs", "list", json_=False) == "No jobs are registered.\n"
    assert till("jobs", "run", json_=False) == "Nothing was due.\n"
    assert till("jobs", "history", json_=False) == "No runs yet.\n"


def test_refused_members_are_named(till, monkeypatch):
    use(monkeypatch, chore(catch_up="last", command=lambda *_: 1 // 0))
    assert till("jobs", "run")["done"][0]["refused"] == 1
    [run] = till("jobs", "history", "point")["runs"]
    assert [refusal["error"] for refusal in run["refusals"]] == ["ZeroDivisionError"]
    assert "ZeroDivisionError" in till("jobs", "history", json_=False)


def test_a_job_that_failed_is_an_error_and_the_others_ran(till, monkeypatch):
    bad = chore("bad", catch_up="last", due=lambda *_: 1 // 0)
    use(monkeypatch, bad, chore(catch_up="last"))
    ran = till("jobs", "run", code=1)
    assert [failure["job"] for failure in ran["failed"]] == ["bad"]
    assert [done["job"] for done in ran["done"]] == ["point"]
    assert "FAILED, ZeroDivisionError" in till("jobs", "run", json_=False, code=1)


def test_an_unknown_job_is_refused(till):
    for action in ("list", "run", "history"):
        assert till("jobs", action, "nonsense", code=1)["field"] == "name"


class Gone(BaseException):
    """A scheduler ends here, as if killed."""


def hold(db, lease_s):
    """Take the turn and be heard of no more."""

    def gone(*_):
        raise Gone

    job = chore(catch_up="last", due=gone)
    with LoyaltyLedger.open(db, jobs=[job]) as ledger, pytest.raises(Gone):
        ledger.jobs.run(lease_s=lease_s)


def test_what_another_scheduler_is_at_is_left_alone(till):
    hold(till.db, 300)
    assert till("jobs", "run")["held"] == ["point"]
    assert till("jobs", "run", json_=False) == "point: another scheduler is at it.\n"
    assert "running, 0 members so far, by " in till("jobs", "list", json_=False)


def test_until_idle_waits_for_the_turn_to_end(till):
    hold(till.db, 2)
    ran = till("jobs", "run", "--until-idle")
    assert ([done["job"] for done in ran["done"]], ran["held"]) == (["point"], [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_forever_runs_what_is_due_and_ends_when_it_is_told_to(till, number):
    running = subprocess.Popen(
        [sys.executable, "-c", FOREVER, till.db], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with LoyaltyLedger.open(till.db, jobs=[chore(catch_up="last")]) as ledger:
        end = time.monotonic() + 60
        while not done_of(ledger) and time.monotonic() < end:
            time.sleep(0.05)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out) == (0, "Stopped.\n"), err
        assert len(done_of(ledger)) == 1
        assert "1 effects" in err


# --- the scheduler -----------------------------------------------------------------------


def test_the_scheduler_ticks_until_it_is_stopped():
    stop, ticks = Event(), []

    def tick():
        ticks.append(1)
        if len(ticks) == 2:
            stop.set()

    run_scheduler(tick, stop, 1)
    assert len(ticks) == 2


class Fake:
    """Jobs that do as they are told, and the clock of their ledger."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.without = []
        self.jobs = self
        self.now = 1_000

    def clock(self):
        return self.now

    def run(self, _, *, without, **__):
        self.without.append(set(without))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


NOTHING = Ran([], [], ())
FAILED = Ran([], [Failure("bad", 0, "X", "")], ())


def test_a_job_that_failed_is_given_a_rest():
    fake = Fake(FAILED, NOTHING, NOTHING, NOTHING)
    tick = Ticker(fake, Event(), rest_s=60)
    for step in (30, 30, 1, 0):
        tick()
        fake.now += step
    assert fake.without == [set(), {"bad"}, set(), set()]


def test_a_clock_that_goes_back_ends_the_rest():
    fake = Fake(FAILED, NOTHING)
    tick = Ticker(fake, Event(), rest_s=60)
    tick()
    fake.now -= 3_600
    tick()
    assert fake.without == [set(), set()]


def test_a_store_that_is_away_is_complained_of_and_the_next_tick_comes():
    heard = SimpleNamespace(told=[], complaints=[])
    tick = Ticker(
        Fake(StoreUnavailable(), NOTHING), Event(),
        tell=heard.told.append, complain=heard.complaints.append,
    )  # fmt: skip
    tick()
    tick()
    assert (len(heard.complaints), heard.told) == (1, [NOTHING])
