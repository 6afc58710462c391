"""Reports that follow by themselves: woken or not, by one or by several, and stopped at any moment."""

import json
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from eventsourcing.persistence import OperationalError

from ledger.application import LoyaltyLedger
from ledger.application import following as module
from ledger.errors import StoreUnavailable
from ledger.projections import engine
from ledger.store.postgres import CHANNEL
from tests.shop import receipt
from tests.test_concurrency import ROOT

NEVER_MS = 3_600_000
SOON_MS = 20


class Following:
    """A follower in a thread, on a ledger of its own."""

    def __init__(self, db, clock, poll_ms):
        self.db = db
        self.stop = threading.Event()
        self.taken, self.complaints = [], []
        self.ledger = LoyaltyLedger.open(db, clock=clock)
        self._thread = threading.Thread(
            target=self.ledger.follow,
            args=(self.stop.is_set,),
            kwargs={"poll_ms": poll_ms, "tell": self.taken.append,
                    "complain": self.complaints.append},
        )  # fmt: skip
        self._thread.start()

    def end(self):
        self.stop.set()
        if self.ledger.log.is_postgres:  # it may sleep for an hour
            with psycopg.connect(self.db, autocommit=True) as other:
                other.execute(f"NOTIFY {CHANNEL}")
        self._thread.join(120)
        assert not self._thread.is_alive()
        self.ledger.close()


@pytest.fixture
def follow(db, clock):
    """Starts followers, and ends them."""
    started = []

    def begin(poll_ms=SOON_MS):
        started.append(Following(db, clock, poll_ms))
        return started[-1]

    yield begin
    for one in started:
        one.end()


def up_to_date(ledger, patience_s=20):
    """Wait until the reports are, without reading them: a read would bring them there."""
    until = time.monotonic() + patience_s
    while ledger.lag().events and time.monotonic() < until:
        time.sleep(0.01)
    return not ledger.lag().events


def test_reports_follow_by_themselves(ledger, follow):
    follower = follow()
    for n in range(5):
        ledger.record(receipt(card=f"c{n}"), enrol=True)
    assert up_to_date(ledger)
    assert sum(follower.taken) == ledger.log.head()
    before = ledger.engine.digests()
    ledger.rebuild()
    assert before == ledger.digests()


def test_on_postgres_an_append_wakes_a_follower_that_would_sleep_for_an_hour(ledger, follow, store):
    if store == "sqlite":
        pytest.skip("SQLite does not ring")
    follow(NEVER_MS)
    assert up_to_date(ledger)
    for n in range(3):
        ledger.record(receipt(number=f"n{n}"))
        assert up_to_date(ledger)


def test_a_follower_whose_bell_is_lost_looks_all_the_same(ledger, db, follow, store):
    follow()
    assert up_to_date(ledger)
    if store == "postgres":
        with psycopg.connect(db, autocommit=True) as other:
            gone = other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            ).fetchall()
        assert gone == [(True,)]
    for n in range(3):
        ledger.record(receipt(number=f"n{n}"))
        assert up_to_date(ledger)


def test_a_follower_hears_what_was_appended_before_its_first_look(ledger, follow, monkeypatch):
    """It listens first: an append between its first look and its first wait is not slept through."""
    catch_up, late = engine.Engine.catch_up, []

    def then_another(self, progress=None):
        reached = catch_up(self, progress)
        if not late:
            late.append(ledger.record(receipt()))
        return reached

    monkeypatch.setattr(engine.Engine, "catch_up", then_another)
    follow(NEVER_MS if ledger.log.is_postgres else SOON_MS)
    while not late:
        time.sleep(0.01)
    assert up_to_date(ledger)


def test_several_followers_take_each_batch_once(ledger, follow, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 7)
    followers = [follow() for _ in range(3)]
    for n in range(30):
        ledger.record(receipt(card=f"c{n % 4}", number=f"n{n}"), enrol=True)
    assert up_to_date(ledger)
    for one in followers:
        one.stop.set()
    assert ledger.verify().clean


def test_a_follower_stops_between_two_batches_and_another_goes_on(ledger, db, clock, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 10)
    ledger.record_all([receipt(card="c1") for _ in range(40)], enrol=True)
    behind, taken = ledger.lag(), []
    with LoyaltyLedger.open(db, clock=clock) as one:
        one.follow(lambda: len(taken) == 2, poll_ms=NEVER_MS, tell=taken.append)
    assert taken == [10, 10]
    assert ledger.lag().events == behind.events - 20 > 20
    ledger.catch_up()
    assert ledger.verify().clean


def test_what_keeps_a_follower_from_going_on_is_said_and_tried_again(ledger, follow, monkeypatch):
    catch_up = engine.Engine.catch_up
    failures = [KeyError("poison"), StoreUnavailable("away"), OperationalError("gone")]

    def away(self, progress=None):
        if failures:
            raise failures.pop()
        return catch_up(self, progress)

    monkeypatch.setattr(engine.Engine, "catch_up", away)
    follower = follow()
    assert up_to_date(ledger)
    gone, unavailable, poison = follower.complaints
    assert (gone, unavailable[-4:], poison) == ("gone", "away", "KeyError: 'poison'.")


def test_the_lag_is_told_in_events_and_in_seconds(ledger, clock, monkeypatch):
    ledger.catch_up()
    assert ledger.lag() == module.Lag(ledger.log.head(), 0, 0)
    ledger._writer._wall = lambda: (clock.now - 90) * 1_000_000
    before = ledger.log.head()
    ledger.record(receipt())
    ledger._writer._wall = lambda: clock.now * 1_000_000
    ledger.record(receipt())
    assert ledger.lag() == (before, 2, 90)


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
def test_the_command_follows_says_so_and_ends_when_it_is_told_to(ledger, db, ends):
    words = [sys.executable, "-m", "adapters.cli.main", "follow", "--json", "--tell", "1"]
    running = subprocess.Popen(
        [*words, "--db", db], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        first = json.loads(running.stdout.readline())
        assert (first["taken"], first["position"] + first["lag"]) == (0, ledger.log.head())
        ledger.record(receipt(card="c1"), enrol=True)
        assert up_to_date(ledger)
        running.send_signal(ends)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, err
    last = json.loads(out.splitlines()[-1])
    head = ledger.log.head()
    assert last == {"position": head, "lag": 0, "lag_seconds": 0, "taken": head - first["position"]}
