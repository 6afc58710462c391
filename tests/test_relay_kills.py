"""SIGKILL of a relay at any moment: nothing that was recorded is lost, and what comes twice is the same."""

import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from adapters.relay.registering import Endpoints
from adapters.relay.running import Relay
from ledger.application import LoyaltyLedger
from ledger.errors import RelayBusy
from tests.receiver import Receiver, until
from tests.shop import receipt
from tests.test_concurrency import ROOT

KILLS = 3


@pytest.fixture
def relay(db):
    """Starts relays in processes of their own, and ends those that are left."""
    started = []

    def begin():
        words = [sys.executable, "-m", "adapters.cli.main", "relay", "run", "--db", db]
        started.append(
            subprocess.Popen(
                [*words, "--schedule", "1,1,1,1,1,1", "--timeout", "5"],
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.wait()


class Recording(threading.Thread):
    """Records receipts until it is told to stop."""

    def __init__(self, ledger, members):
        super().__init__()
        self.over = threading.Event()
        self._ledger = ledger
        self._members = members

    def run(self):
        number = 0
        while not self.over.wait(0.01):
            number += 1
            self._ledger.record(receipt(card=f"c{number % self._members}"), enrol=True)


@pytest.mark.parametrize("seed", [5])
def test_a_relay_that_is_killed_again_and_again_loses_nothing(db, ledger, relay, seed):
    rng = random.Random(seed)
    failing = {n for n in range(1, 20_000) if rng.random() < 0.02}
    tried = set()

    def answer(got):
        time.sleep(0.003)  # so that a kill finds some on their way
        first = got.position not in tried
        tried.add(got.position)
        return 500 if first and got.position in failing else 204

    there = Receiver(answer)
    with LoyaltyLedger.open(db) as now:  # at the time of this moment, as the relay is
        Endpoints(now.log, now.clock).add(there.url, name="r", first=1)
    ledger.record_all([receipt(card=f"c{n % 15}") for n in range(150)], enrol=True)
    recording = Recording(ledger, 15)
    recording.start()
    killed = 0
    try:
        for _ in range(KILLS):
            running = relay()
            target = len(there.got) + rng.randrange(20, 120)
            assert until(lambda target=target: len(there.got) >= target)
            running.kill()
            killed += running.wait() == -signal.SIGKILL
    finally:
        recording.over.set()
        recording.join()
    assert killed == KILLS
    head = ledger.log.head()
    last = relay()
    endpoints = Endpoints(ledger.log, ledger.clock)
    try:
        assert until(lambda: len(set(there.positions)) >= head, 60)
        assert until(lambda: (endpoints.status()[0].lag, endpoints.status()[0].waiting) == (0, 0))
    finally:
        last.send_signal(signal.SIGTERM)
        _, err = last.communicate(timeout=60)
        there.close()
    assert last.returncode == 0, err
    assert set(there.positions) == set(range(1, head + 1)), "nothing is lost"
    known = {}
    for got in there.taken:
        assert known.setdefault(got.id, got.body) == got.body, "what comes twice is the same"
    assert len(known) == head
    streams = {row[0]: row[1] for row in ledger.log.page(0, head)}
    reached = {}
    for position in dict.fromkeys(there.positions):
        assert position > reached.get(streams[position], 0), "a stream's events come in order"
        reached[streams[position]] = position
    assert ledger.verify().clean


def test_a_relay_takes_over_at_once_from_one_that_was_killed(ledger, relay):
    there = Receiver()
    endpoints = Endpoints(ledger.log, ledger.clock)
    endpoints.add(there.url, name="r", first=1)
    running = relay()
    assert until(lambda: there.positions)
    here = Relay(ledger.log, ledger.clock)
    with pytest.raises(RelayBusy):
        here.once()
    running.kill()
    running.wait()
    ledger.record(receipt())
    here.once()
    assert set(there.positions) == set(range(1, ledger.log.head() + 1))
    there.close()
