"""A balance is told from the reports and what they lack: nothing is written, and nobody waited for."""

import threading
from contextlib import contextmanager

import pytest

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import RebuildNeeded
from ledger.projections.points import POINTS
from tests.shop import DAY, NOW, receipt
from tests.test_parking import poison

SOON_SECONDS = 20


@contextmanager
def reports_locked(ledger):
    """Somebody writes reports, e.g. a page of a rebuild, and is long about it."""
    with ledger.log.transaction(commit=True) as cursor:
        ledger.engine.reports.lock(cursor)
        yield


def in_time(ask):
    """What is answered at once, by a thread of its own."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(SOON_SECONDS)
    assert answers, "it waits"
    return answers[0]


def positions(ledger):
    return {status.position for status in ledger.status()}


def test_a_balance_waits_for_nobody_who_writes(ledger, db, clock):
    ledger.record(receipt(card="c1", amount=5_000), enrol=True)
    ledger.catch_up()
    ledger.record(receipt(card="c1", amount=2_500))
    with LoyaltyLedger.open(db, clock=clock) as other, reports_locked(ledger):
        assert in_time(lambda: other.balance("c1")).available == 75


def test_a_balance_has_what_was_recorded_before_it_and_writes_nothing(ledger, clock):
    before = positions(ledger)
    points = 0
    for amount in (1_000, 2_000, 3_000):
        points += amount // 100
        ledger.record(receipt(card="c1", amount=amount), enrol=True)
        assert ledger.balance("c1").available == points
    assert positions(ledger) == before
    ledger.catch_up()
    assert ledger.balance("c1").available == points
    ledger.redeem("c1", "r1", points=40)
    clock.now += 60
    assert ledger.balance("c1").available == points - 40
    assert len(positions(ledger)) == 1
    ledger.catch_up()
    assert ledger.balance("c1").available == points - 40


def test_what_is_lacking_counts_by_when_it_happened_and_when_it_was_known(ledger, clock):
    ledger.record(receipt(card="c1", amount=1_000), enrol=True)
    ledger.catch_up()
    clock.now += 3 * DAY
    ledger.record(receipt(card="c1", amount=2_000, at=NOW + DAY))  # known two days later

    def told():
        return [
            ledger.balance("c1", at, known_at).available
            for at, known_at in (
                (NOW, None), (NOW + DAY - 1, None), (NOW + DAY, None), (NOW + 3 * DAY, NOW + DAY),
                (NOW + 3 * DAY, NOW + 3 * DAY - 1), (NOW + 3 * DAY, NOW + 3 * DAY),
            )
        ]  # fmt: skip

    lacking = told()
    assert lacking == [10, 10, 30, 10, 10, 30]
    ledger.catch_up()
    assert told() == lacking


def test_events_of_others_are_not_the_members(ledger):
    for card in ("c1", "c2"):
        ledger.record(receipt(card=card, amount=1_000), enrol=True)
    ledger.catch_up()
    ledger.record(receipt(card="c2", amount=9_000))
    assert [ledger.balance(card).available for card in ("c1", "c2")] == [10, 100]


def test_an_event_that_the_report_cannot_take_is_set_aside_as_ever(ledger, monkeypatch):
    ledger.record(receipt(card="c1", amount=1_000), enrol=True)
    ledger.catch_up()
    fold = POINTS.folds[e.ReceiptScanned]
    monkeypatch.setitem(POINTS.folds, e.ReceiptScanned, lambda *_: {}["no such thing"])
    ledger.record(receipt(card="c1", amount=2_000))
    assert ledger.balance("c1").available == 10, "as of then"
    assert [one.projection for one in ledger.parked()] == ["points"]
    monkeypatch.setitem(POINTS.folds, e.ReceiptScanned, fold)
    assert ledger.balance("c1").available == 10, "until it is tried again"
    ledger.unpark()
    assert ledger.balance("c1").available == 30


def test_an_event_that_no_database_can_hold_is_set_aside_as_ever(ledger):
    ledger.record(receipt(card="c1", amount=1_000), enrol=True)
    ledger.catch_up()
    poison(ledger, "c1")
    assert ledger.balance("c1").available == 10
    assert "points" in {one.projection for one in ledger.parked()}


def test_a_report_that_the_tables_are_older_than_needs_a_rebuild(ledger):
    ledger.record(receipt(card="c1", amount=1_000), enrol=True)
    ledger.catch_up()
    with ledger.log.transaction(commit=True) as cursor:
        status = f"{ledger.engine.reports.prefix}projection_status"
        cursor.execute(f"DELETE FROM {status} WHERE projection = 'offline'")
    for ask in (ledger.balance, ledger.member):
        with pytest.raises(RebuildNeeded):
            ask("c1")


def test_a_report_of_another_shape_is_not_read(ledger, monkeypatch):
    ledger.record(receipt(card="c1", amount=1_000), enrol=True)
    ledger.catch_up()
    new = POINTS._replace(shape=POINTS.shape + 1)
    monkeypatch.setattr("ledger.application.reads.POINTS", new)
    changed = tuple(new if p is POINTS else p for p in ledger.engine.projections)
    monkeypatch.setattr(ledger.engine, "projections", changed)
    with pytest.raises(RebuildNeeded):
        ledger.balance("c1")
