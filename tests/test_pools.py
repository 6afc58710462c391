"""Quantities that members share: never more is given out than there is."""

import threading
from typing import NamedTuple

import pytest

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.store.draws import Draws
from ledger.store.log import Snapshot
from ledger.store.working import SNAPSHOT_EVERY
from tests.shop import snapshots_taken

A, B = b"a", b"b"


class Stock(NamedTuple):
    """Puts into the pool."""

    quantity: int

    def streams(self, working):
        return (working.keys.pool("test", "mugs"),)

    def decide(self, working):
        return working.emit(self.streams(working)[0], e.Stocked(self.quantity, "Ada", "s1"))


class Draw(NamedTuple):
    """Takes of the pool what is left, up to a quantity; may then be refused."""

    quantity: int
    refused: bool = False
    upto: int | None = None
    """Where the budget is somebody else's to know."""

    def streams(self, working):
        return (working.keys.pool("test", "mugs"),)

    def decide(self, working):
        (stream,) = self.streams(working)
        left = working.pool_left(stream)
        if self.upto is not None:
            left = self.upto - working.pool_drawn(stream)
        got = min(left, self.quantity)
        working.draw(stream, got)
        if self.refused:
            raise InputInvalid
        return got


def drawn_rows(ledger):
    return [
        ledger.codec.decode[r[3]](r[4]).quantity
        for r in ledger.log.page(0, 10_000)
        if r[3] == "drawn"
    ]


def pool(ledger):
    return ledger._state(ledger.keys.pool("test", "mugs"))


def send(ledger, *commands):
    return ledger._writer.submit_all(commands).result()


def test_what_a_batch_takes_is_one_event(ledger):
    send(ledger, Stock(10))
    assert send(ledger, Draw(3), Draw(4)) == [3, 4]
    assert drawn_rows(ledger) == [7]


def test_each_command_sees_what_those_before_it_took(ledger):
    send(ledger, Stock(10))
    assert send(ledger, Draw(6), Draw(6), Draw(6)) == [6, 4, 0]
    assert send(ledger, Draw(1)) == [0]
    assert (pool(ledger).stocked, pool(ledger).drawn) == (10, 10)


def test_a_refused_command_takes_nothing(ledger):
    send(ledger, Stock(10))
    first, refusal, last = send(ledger, Draw(2), Draw(5, refused=True), Draw(9))
    assert (first, last) == (2, 8)
    assert isinstance(refusal, InputInvalid)
    assert drawn_rows(ledger) == [10]


def test_a_batch_that_takes_nothing_records_nothing(ledger):
    send(ledger, Stock(10))
    head = ledger.log.head()
    send(ledger, Draw(3, refused=True), Draw(0))
    assert ledger.log.head() == head


def test_what_is_given_back_can_be_taken_again(ledger):
    send(ledger, Stock(5))
    assert send(ledger, Draw(5)) == [5]
    assert send(ledger, Draw(-2), Draw(5)) == [-2, 2]
    assert drawn_rows(ledger) == [5]  # the second batch came out even


def test_a_quantity_nobody_stocked_is_counted_by_what_was_drawn(ledger):
    assert send(ledger, Draw(6, upto=10), Draw(6, upto=10)) == [6, 4]
    assert pool(ledger).drawn == 10


def test_two_processes_never_give_out_more_than_there_is(ledger, db, clock):
    send(ledger, Stock(100))
    got = []

    def take(door):
        for _ in range(40):
            got.extend(send(door, Draw(2)))

    with LoyaltyLedger.open(db, clock=clock) as other:
        threads = [threading.Thread(target=take, args=(door,)) for door in (ledger, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(got) == 100
    assert pool(ledger).drawn == 100


def test_how_draws_were_cut_says_nothing_in_the_reports(ledger_under):
    together, apart = ledger_under(""), ledger_under("")
    send(together, Stock(9), Draw(1), Draw(2))
    for command in (Stock(9), Draw(1), Draw(2)):
        send(apart, command)
    assert together.digests() == apart.digests()


@pytest.mark.parametrize("wrong", [False, True])
def test_verify_replays_the_kept_state_of_a_pool(ledger, wrong):
    send(ledger, Stock(1000))
    for _ in range(SNAPSHOT_EVERY - 1):
        send(ledger, Draw(1))
    snapshots_taken(ledger)
    (kept,) = ledger.log.snapshots(b"\x06" + bytes(15), 10)
    assert kept.version == SNAPSHOT_EVERY
    if wrong:
        send(ledger, Draw(1))
        state = ledger.codec.encode([1, 1000])
        ledger.log.put_snapshots([Snapshot(kept.stream, kept.version + 1, kept.shape, state)])
    ledger.catch_up()
    found = ledger.verify().findings
    assert [f.check for f in found] == (["snapshot"] if wrong else [])


def test_a_snapshot_of_a_pool_that_is_not_there_is_a_finding(ledger):
    stream = ledger.keys.pool("test", "none")
    state = ledger.codec.encode([1, 1000])
    ledger.log.put_snapshots([Snapshot(stream, 3, ledger.codec.shape, state)])
    ledger.catch_up()
    assert [f.check for f in ledger.verify().findings] == ["snapshot"]


def test_draws_are_summed_by_stream_and_undone_to_a_mark():
    draws = Draws()
    draws.add(B, 2)
    draws.add(A, 1)
    mark = draws.mark()
    draws.add(A, 4)
    draws.add(B, -2)
    assert (draws.of(A), draws.of(B), draws.sums()) == (5, 0, [(A, 5)])
    draws.back_to(mark)
    assert draws.sums() == [(A, 1), (B, 2)]
