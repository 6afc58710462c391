"""Deciding while the last batch is on its way to the disk: nobody is told too early or wrongly."""

import random
import threading
import time
from contextlib import contextmanager

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError

from ledger.commands.adjust import Adjust
from ledger.commands.membership import Enrol
from ledger.commands.persons import ChangePersonal
from ledger.commands.record_receipt import RecordReceipt
from ledger.commands.redeem import Redeem, UndoRedemption
from ledger.errors import KeyConflict, PointsShort
from ledger.store import writer
from ledger.types import Personal
from tests.shop import conserved, points_of, receipt
from tests.test_concurrency import at_once

PATIENCE = 30


class Gate:
    """Holds appends back, and may have the first of them fail."""

    def __init__(self, log):
        self.real = log.append
        self.open = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.fail = []

    def __call__(self, rows, written_at, kept=()):
        self.waiting.release()
        assert self.open.wait(PATIENCE)
        if self.fail:
            raise self.fail.pop()
        return self.real(rows, written_at, kept)


@contextmanager
def held(ledger, *commands, fail=()):
    """A batch of these commands in flight; its future, and the gate that lets it land."""
    gate = Gate(ledger.log)
    gate.fail = list(fail)
    ledger.log.append = gate
    sent = ledger._writer.submit_all(commands)
    assert gate.waiting.acquire(timeout=PATIENCE)
    try:
        yield sent, gate
    finally:
        gate.open.set()
        del ledger.log.append


class Ahead:
    """The first of some commands that are decided together."""

    def __init__(self, future):
        self.done, self.future = future.done, future

    def result(self, timeout):
        answer = self.future.result(timeout)[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def decided_ahead(ledger, command, gate):
    """A command's answer, when it was taken up behind the batch in flight.

    With it goes one that is refused: as many as are in flight are worth deciding meanwhile.
    """
    future = Ahead(ledger._writer.submit_all([command, adjust(0, "nothing")]))
    until = time.monotonic() + PATIENCE
    while ledger._writer._waiting.commands:
        assert time.monotonic() < until
        time.sleep(0.001)
    time.sleep(0.05)  # if it is not decided by then, the test shows less and is as true
    assert not gate.open.is_set()
    return future


def adjust(points, name, card="c1"):
    return Adjust(card, points, "why", "Ada", name)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    """A batch of two is sent off to be made durable while others are decided."""
    monkeypatch.setattr(writer, "MANY", 2)


@pytest.fixture
def rich(ledger):
    ledger.enrol("c1")
    ledger.adjust("c1", 100, "start", "Ada", "a0")
    return ledger


def test_nobody_is_answered_before_it_is_durable(rich):
    bought = receipt(card="c1", amount=500)
    with held(rich, RecordReceipt(bought), adjust(1, "a1")) as (sent, gate):
        again = decided_ahead(rich, RecordReceipt(bought), gate)
        time.sleep(0.05)
        assert not sent.done()
        assert not again.done()  # a repeat of what is not durable yet
        gate.open.set()
        first, _ = sent.result(PATIENCE)
        assert again.result(PATIENCE) == first._replace(repeat=True)
    assert points_of(rich, "c1") == 106


def test_what_is_in_flight_is_spent_and_cannot_be_spent_again(rich):
    with held(rich, Redeem("c1", "r1", 100), adjust(5, "a1")) as (sent, gate):
        short = decided_ahead(rich, Redeem("c1", "r2", 10), gate)
        gate.open.set()
        assert not isinstance(sent.result(PATIENCE)[0], Exception)
        with pytest.raises(PointsShort):
            short.result(PATIENCE)
    conserved(rich, "c1")


def test_an_event_in_flight_is_read_like_any_other(rich):
    with held(rich, Redeem("c1", "r1", 100), adjust(5, "a1")) as (_, gate):
        undone = decided_ahead(rich, UndoRedemption("r1", "typo", "Ada"), gate)
        gate.open.set()
        assert not undone.result(PATIENCE).repeat
    assert points_of(rich, "c1") == 105
    conserved(rich, "c1")


def test_personal_data_are_sealed_under_the_key_that_is_in_flight(ledger):
    ada, bo = Personal(card="c1", name="Ada"), Personal(card="c1", name="Bo")
    with held(ledger, Enrol("c1", ada), Enrol("c2", Personal())) as (_, gate):
        changed = decided_ahead(ledger, ChangePersonal("c1", bo, "desk", "p1"), gate)
        gate.open.set()
        changed.result(PATIENCE)
    assert ledger.member("c1").personal.name == "Bo"
    assert ledger.verify().clean


@pytest.mark.parametrize("error", [IntegrityError("lost"), OperationalError("gone")])
def test_what_was_decided_after_a_batch_that_failed_is_decided_again(rich, error):
    with held(rich, adjust(50, "a1"), adjust(1, "a2"), fail=[error]) as (sent, gate):
        spent = decided_ahead(rich, Redeem("c1", "r1", 150), gate)
        gate.open.set()
        assert [a.repeat for a in sent.result(PATIENCE)] == [False, False]
        assert not spent.result(PATIENCE).repeat
    assert points_of(rich, "c1") == 1
    assert [row[3] for row in rich.log.page(0, 100)].count("adjusted") == 3
    conserved(rich, "c1")
    assert rich.verify().clean


def test_a_store_that_fails_at_random_loses_nothing_and_does_nothing_twice(rich, monkeypatch):
    """Before the commit, or after it with the answer lost, one append in four."""
    real, chosen = rich.log.append, random.Random(7)
    failed = []

    def shaky(rows, written_at, kept=()):
        luck = chosen.random()
        if luck < 0.08:
            failed.append("before")
            raise OperationalError("gone")
        if luck < 0.16:
            failed.append("conflict")
            raise IntegrityError("somebody else")
        first = real(rows, written_at, kept)
        if luck < 0.25:
            failed.append("after")
            raise OperationalError("the answer was lost")
        return first

    monkeypatch.setattr(rich.log, "append", shaky)
    rich.enrol("c2", Personal(name="Bo"))
    bought = [receipt(card=f"c{1 + n % 2}", amount=100, number=f"n{n}") for n in range(150)]

    def act(n):
        kind, number = n % 4, n // 4
        if kind == 0:
            return rich.record(bought[number])
        if kind == 1:
            return rich.record(bought[number])  # sent twice, by two tills
        if kind == 2:
            return rich.adjust("c1", 1, "gift", "Ada", f"g{number}")
        return rich.redeem("c1", f"r{number}", points=1)

    answers = at_once(600, act)
    assert not [a for a in answers if isinstance(a, Exception)]
    assert {"before", "conflict", "after"} <= set(failed)
    monkeypatch.undo()
    recorded = [row[3] for row in rich.log.page(0, 10_000)]
    assert recorded.count("scan") == 150
    assert recorded.count("redeemed") == 150
    assert points_of(rich, "c1") == 100 + 75
    assert points_of(rich, "c2") == 75
    for card in ("c1", "c2"):
        conserved(rich, card)
    assert rich.verify().clean


def test_a_conflict_of_ids_behind_a_batch_in_flight_is_told(rich):
    with held(rich, adjust(1, "a1"), adjust(1, "a2")) as (_, gate):
        other = decided_ahead(rich, adjust(2, "a1"), gate)
        gate.open.set()
        with pytest.raises(KeyConflict):
            other.result(PATIENCE)
