"""Several schedulers, some of them killed: everything that is due is done once."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.application import LoyaltyLedger
from ledger.jobs.schedule import due_between
from tests.chores import THREE, chore, done_of, events_of, given, shop
from tests.shop import DAY, NOW

ROOT = Path(__file__).parent.parent
LEASE_S = 2
"""Short, so that a test does not wait long for the turns of the killed."""

SCHEDULER = """
import sys, time
from ledger.application import LoyaltyLedger
from tests.chores import chore, everybody
db, now, started, pause_ms, chunk, lease_s = sys.argv[1], *map(int, sys.argv[2:])

def due(look, after, limit):
    time.sleep(pause_ms / 1000)
    return everybody(look, after, limit)

clock = lambda: now + int(time.time()) - started
with LoyaltyLedger.open(db, clock=clock, jobs=[chore(due=due, chunk=chunk)]) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    while ledger.jobs.run(lease_s=lease_s).held:
        time.sleep(0.5)
"""


class Schedulers:
    """Processes that run what is due at an instant, until nothing is left."""

    def __init__(self, db, now, count, *, pause_ms=0, chunk=200):
        self.started = int(time.time())
        self.now = now
        words = [db, now, self.started, pause_ms, chunk, LEASE_S]
        self.running = [
            subprocess.Popen(
                [sys.executable, "-c", SCHEDULER, *map(str, words)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            )
            for _ in range(count)
        ]  # fmt: skip
        for one in self.running:
            assert one.stdout.readline() == "ready\n"
        for one in self.running:
            one.stdin.write("go\n")
            one.stdin.flush()

    def clock(self):
        return self.now + int(time.time()) - self.started

    def kill_who_is_at_it(self, ledger, when):
        """SIGKILL the holder of the lease as soon as its status is as wanted."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            [status] = ledger.jobs.status()
            holder = status.by.split("/")[1:2]
            for one in self.running:
                if [str(one.pid)] == holder and one.poll() is None and when(status):
                    one.kill()
                    one.communicate()
                    assert one.returncode == -signal.SIGKILL
                    return
            time.sleep(0.02)
        pytest.fail("nobody was at it")

    def codes(self):
        """The exit codes of all; one that hangs is ended."""
        try:
            for one in self.running:
                if one.poll() is None:
                    one.communicate(timeout=120)
        finally:
            for one in self.running:
                one.kill()
        return sorted(one.wait() for one in self.running)


def after(due_at):
    return lambda status: (status.done_due_at or 0) >= due_at


@pytest.mark.parametrize("seed", [1])
def test_four_schedulers_two_of_them_killed_do_a_thousand_instants_once_each(db, clock, seed):
    rng = random.Random(seed)
    with shop(db, clock, chore(), members=2) as ledger:
        ledger.jobs.run()  # so that the job is seen
    now = NOW + 999 * DAY + DAY // 2
    expected = due_between(THREE, NOW, now, "Europe/Berlin")
    assert len(expected) == 1_000
    schedulers = Schedulers(db, now, 4)
    with LoyaltyLedger.open(db, clock=schedulers.clock, jobs=[chore()]) as ledger:
        for first in (0, 400):
            target = expected[first + rng.randrange(300)]
            schedulers.kill_who_is_at_it(ledger, after(target))
        assert schedulers.codes() == [-signal.SIGKILL] * 2 + [0, 0]
        assert done_of(ledger) == expected
        assert list(given(ledger).values()) == [expected] * 2
        assert len(events_of(ledger, "job-stepped")) == 1_000
        by = {event.by for _, event in events_of(ledger, "job-started")}
        assert len(by) >= 3, "others went on"
        assert ledger.verify().clean


def test_a_run_killed_in_the_middle_goes_on_from_its_chunk(db, clock):
    members, chunk = 200, 10
    with shop(db, clock, chore(), members=members) as ledger:
        ledger.jobs.run()
    now = NOW + DAY // 2
    schedulers = Schedulers(db, now, 2, pause_ms=20, chunk=chunk)
    with LoyaltyLedger.open(db, clock=schedulers.clock, jobs=[chore()]) as ledger:
        schedulers.kill_who_is_at_it(ledger, lambda status: 50 <= status.members < 150)
        assert schedulers.codes() == [-signal.SIGKILL, 0]
        steps = [event for _, event in events_of(ledger, "job-stepped")]
        [run] = ledger.jobs.history()
        assert (run.turns, run.state, run.effects, run.unchanged) == (2, "done", members, 0)
        assert [s.effects for s in steps] == [chunk] * (members // chunk) + [0]
        assert [s.cursor for s in steps[:-1]] == sorted({s.cursor for s in steps})
        assert {s.turn for s in steps} == {1, 2}
        assert sorted(given(ledger)) == sorted(ledger.keys.member(f"c{n}") for n in range(members))
        assert {len(instants) for instants in given(ledger).values()} == {1}
        assert ledger.verify().clean
