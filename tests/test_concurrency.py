"""Many tills at once: nothing twice, nothing lost, and everybody is answered."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from types import SimpleNamespace

import psycopg
import pytest

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.commands.record_receipt import RecordReceipt
from ledger.errors import Busy, Closed, CurrencyUnknown, PointsShort
from ledger.store.working import Cache, Working
from ledger.store.writer import Writer
from tests.conftest import PROGRAMME, SECRET
from tests.shop import NOW, claimed, conserved, points_of, receipt, tally

ROOT = Path(__file__).parent.parent


def at_once(count, act):
    """What `act(n)` gives or raises, from as many threads, all let go at one moment."""
    ready = Barrier(min(count, 64))

    def run(n):
        if n < ready.parties:
            ready.wait()
        try:
            return act(n)
        except Exception as error:
            return error

    with ThreadPoolExecutor(ready.parties) as threads:
        return list(threads.map(run, range(count)))


def sound(ledger):
    """Positions are dense from 1, and so are the versions of every stream."""
    versions = {}
    for place, row in enumerate(ledger.log.page(0, 100_000), 1):
        position, stream, version = row[:3]
        assert position == place
        assert version == versions.get(stream, 0) + 1
        versions[stream] = version


@pytest.fixture
def rich(ledger):
    """The ledger with a member who holds 500 points."""
    ledger.enrol("c1")
    ledger.adjust("c1", 500, "start", "Ada", "a1")
    return ledger


# --- threads -----------------------------------------------------------------------------


def test_of_fifty_redemptions_of_the_full_balance_one_succeeds(rich):
    answers = at_once(50, lambda n: rich.redeem("c1", f"r{n}", points=500))
    refused = [a for a in answers if isinstance(a, PointsShort)]
    assert (len(refused), len(answers) - len(refused)) == (49, 1)
    assert points_of(rich, "c1") == 0
    conserved(rich, "c1")


def test_of_a_thousand_redemptions_of_one_point_five_hundred_succeed(rich):
    answers = at_once(1000, lambda n: rich.redeem("c1", f"r{n}", points=1))
    refused = [a for a in answers if isinstance(a, PointsShort)]
    assert (len(refused), len(answers) - len(refused)) == (500, 500)
    assert tally(rich, "c1").redeemed == 500
    conserved(rich, "c1")
    sound(rich)


def test_one_receipt_from_many_tills_is_recorded_once(rich):
    bought = receipt(card="c1")
    answers = at_once(32, lambda _: rich.record(bought))
    assert [a.repeat for a in answers].count(True) == 31
    assert len({a[:2] for a in answers}) == 1
    assert points_of(rich, "c1") == 510


def test_one_redemption_from_many_threads_is_recorded_once(rich):
    answers = at_once(32, lambda _: rich.redeem("c1", "r1", points=100))
    assert [a.repeat for a in answers].count(True) == 31
    assert points_of(rich, "c1") == 400


def test_one_card_enrolled_from_many_threads_is_one_member(ledger):
    answers = at_once(16, lambda _: ledger.enrol("c1"))
    assert len({a.stream for a in answers}) == 1
    assert [a.repeat for a in answers].count(True) == 15
    assert [row[3] for row in ledger.log.page(0, 100)].count("enrolled") == 1


# --- the writer --------------------------------------------------------------------------


class Stuck:
    """A command on which the writer stays until it is let go."""

    def __init__(self):
        self.begun, self.go = Event(), Event()

    def streams(self, _):
        return ()

    def decide(self, _):
        self.begun.set()
        self.go.wait(30)
        return "done"


class Broken(Stuck):
    """A command with a bug, that breaks after it has emitted something."""

    def decide(self, working):
        working.emit(working.keys.card("broken"), e.CardSeen(bytes(16)))
        msg = "a bug"
        raise ZeroDivisionError(msg)


@pytest.fixture
def small(ledger):
    """A writer of its own over the ledger's log, which holds five waiting commands."""
    working = Working(ledger.log, ledger.codec, ledger.keys, Cache(100), ledger.vault)
    writer = Writer(ledger.log, working, ledger.clock, capacity=5, batch=1)
    stuck = Stuck()
    first = writer.submit(stuck)
    assert stuck.begun.wait(30)
    yield SimpleNamespace(writer=writer, stuck=stuck, first=first)
    stuck.go.set()
    writer.close()


def test_a_full_queue_is_a_refusal_that_can_be_sent_again(small):
    waiting = [small.writer.submit(RecordReceipt(receipt())) for _ in range(5)]
    with pytest.raises(Busy) as refused:
        small.writer.submit(RecordReceipt(receipt()))
    assert refused.value.retryable
    small.stuck.go.set()
    assert [w.result(30).repeat for w in waiting] == [False] * 5
    assert not small.writer.submit(RecordReceipt(receipt())).result(30).repeat


def test_closing_answers_everybody_who_waits(small):
    waiting = [small.writer.submit(RecordReceipt(receipt())) for _ in range(5)]
    small.stuck.go.set()
    small.writer.close()
    assert small.first.result(0) == "done"
    assert [w.result(0).repeat for w in waiting] == [False] * 5


def test_a_closed_writer_takes_no_more(small):
    small.stuck.go.set()
    small.writer.close()
    with pytest.raises(Closed) as refused:
        small.writer.submit(RecordReceipt(receipt()))
    assert refused.value.retryable


def test_a_refusal_in_a_batch_leaves_its_neighbours_alone(ledger):
    ledger.enrol("c1")
    good = [receipt(card="c1") for _ in range(4)]
    wrong = receipt(card="c1", currency="GBP")
    answers = ledger.record_all([good[0], good[1], wrong, good[0], good[2], good[3]])
    assert isinstance(answers[2], CurrencyUnknown)
    assert [a.repeat for i, a in enumerate(answers) if i != 2] == [False, False, True, False, False]
    assert points_of(ledger, "c1") == 40
    conserved(ledger, "c1")
    sound(ledger)


def test_a_refusal_in_a_batch_takes_back_what_it_had_begun(ledger):
    ledger.enrol("c1")
    ledger.record_all([receipt(card="c9", currency="GBP"), receipt(card="c1")], enrol=True)
    assert points_of(ledger, "c1") == 10
    assert ledger.log.head() == 6  # programme; member, card, owner; scan, tier


def test_nothing_to_record_is_nothing_recorded(ledger):
    assert ledger.record_all([]) == []


def test_a_bug_is_answered_to_its_caller_alone(ledger, small):
    writer = small.writer
    writer._batch = 10
    before = writer.submit(RecordReceipt(receipt()))
    broken = writer.submit(Broken())
    after = writer.submit(RecordReceipt(receipt()))
    small.stuck.go.set()
    with pytest.raises(ZeroDivisionError):
        broken.result(30)
    assert not before.result(30).repeat
    assert not after.result(30).repeat
    assert ledger._state(ledger.keys.card("broken")) is None
    sound(ledger)


# --- processes ---------------------------------------------------------------------------

TILL = """
import json, sys
from ledger.application import LoyaltyLedger
from tests.conftest import Clock
from tests.shop import NOW, receipt
db, name, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with LoyaltyLedger.open(db, clock=Clock()) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    ledger.enrol("shared")
    repeats = 0
    for n in range(first, last):
        card = ("c1", "c2")[n % 2]
        repeats += ledger.record(receipt(card=card, number=f"n{n}", at=NOW, amount=100)).repeat
    print(json.dumps(repeats), flush=True)
"""


def tills(db, ranges):
    """Runs a process a range of receipts, all at once, and gives the repeats that each saw."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TILL, db, str(n), str(first), str(last)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for n, (first, last) in enumerate(ranges)
    ]  # fmt: skip
    for till in running:
        assert till.stdout.readline() == "ready\n"
    for till in running:
        till.stdin.write("go\n")
        till.stdin.flush()
    answers = [till.communicate(timeout=120)[0] for till in running]
    assert [till.returncode for till in running] == [0] * len(running)
    return [json.loads(answer) for answer in answers]


def test_processes_with_overlapping_receipts_record_each_once(new_db, clock):
    db = new_db()
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as ledger:
        ledger.enrol("c1")
        ledger.enrol("c2")
    repeats = tills(db, [(0, 80), (40, 120), (60, 70), (0, 0)])
    with LoyaltyLedger.open(db, clock=clock) as ledger:
        assert sum(repeats) == 170 - 120
        # 60 receipts of one point each and no tier reached
        assert (points_of(ledger, "c1"), points_of(ledger, "c2")) == (60, 60)
        topics = [row[3] for row in ledger.log.page(0, 10_000)]
        assert topics.count("scan") == claimed(ledger) == 120
        assert topics.count("enrolled") == 3  # c1, c2 and the card that all four enrolled
        for card in ("c1", "c2"):
            conserved(ledger, card)
        sound(ledger)


def test_a_process_sees_what_another_one_wrote(db, clock):
    with (
        LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as one,
        LoyaltyLedger.open(db, clock=clock) as other,
    ):
        one.enrol("c1")
        for n in range(6):
            (one, other)[n % 2].adjust("c1", 10, "turn", "Ada", f"a{n}")
        other.redeem("c1", "r1", points=60)
        with pytest.raises(PointsShort, match="0 available"):
            one.redeem("c1", "r2", points=1)
        sound(one)


@pytest.fixture
def two(db, clock):
    """Two ledgers on one log, as two processes have them, and a member both know."""
    with (
        LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as one,
        LoyaltyLedger.open(db, clock=clock) as other,
    ):
        one.enrol("c1")
        one.adjust("c1", 10, "start", "Ada", "a1")
        other.adjust("c1", 10, "start", "Ada", "a2")
        yield one, other


def test_points_that_another_process_gave_can_be_redeemed_at_once(two):
    one, other = two
    other.adjust("c1", 80, "sorry", "Ada", "a3")
    one.redeem("c1", "r1", points=100)
    assert points_of(other, "c1") == 0


def test_a_batch_that_another_process_overtook_is_decided_again(two, monkeypatch):
    one, other = two
    append, overtaken = one.log.append, []

    def late(*args):
        if not overtaken:
            overtaken.append(other.redeem("c1", "r1", points=15))
        return append(*args)

    monkeypatch.setattr(one.log, "append", late)
    with pytest.raises(PointsShort, match="20 asked, 5 available"):
        one.redeem("c1", "r2", points=20)
    assert overtaken
    conserved(one, "c1")
    sound(one)


# --- a store that goes away --------------------------------------------------------------


def test_a_lost_connection_is_tried_again_and_nothing_is_twice(new_postgres, clock):
    db = new_postgres()
    bought = [receipt(card="c1", amount=100, at=NOW) for _ in range(300)]
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as ledger:
        ledger.enrol("c1")
        with ThreadPoolExecutor(4) as threads, psycopg.connect(db, autocommit=True) as other:
            answers = threads.map(ledger.record, bought)
            for _ in range(10):
                next(answers)  # so that the stream is under way
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            rest = list(answers)
        assert len(rest) == 290
        topics = [row[3] for row in ledger.log.page(0, 10_000)]
        assert topics.count("scan") == claimed(ledger) == 300
        conserved(ledger, "c1")
        sound(ledger)


def test_where_the_writer_itself_fails_nobody_waits_for_ever(ledger, monkeypatch):
    seen = []

    def broken(batch):
        raise RuntimeError("a bug behind the answers")

    ledger.enrol("c1")
    monkeypatch.setattr(ledger._writer, "_take_snapshots", broken)
    monkeypatch.setattr(threading, "excepthook", seen.append)
    ledger.record(receipt(card="c1"))  # answered before it fails
    ledger._writer._thread.join(30)
    with pytest.raises(Closed):
        ledger.record(receipt(card="c1"))
    assert [type(one.exc_value) for one in seen] == [RuntimeError]
