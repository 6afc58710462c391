"""Several processes that decide on one log: nothing lost, nothing twice, little done in vain."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError

from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.store import postgres, sqlite
from ledger.store.writer import BATCHES_IN_TURNS
from tests.conftest import PROGRAMME, SECRET
from tests.shop import claimed, conserved, points_of, receipt
from tests.test_cases_crowds import run
from tests.test_concurrency import Stuck, sound

SHOP = """
import json, random, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import islice
from adapters.simulate import simulate
from ledger.application import LoyaltyLedger
db, name, cards = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chain = simulate(members=cards, weeks=150, start=date(2020, 1, 6), anonymous_bp=0, returns_bp=0)
bought = list(islice(chain, 300))
# A third is everybody's, the rest is one process's own.
mine = [r for n, r in enumerate(bought) if n % 3 == 2 or n % 3 == name]
random.Random(name).shuffle(mine)

def record(one):
    try:
        return ledger.record(one, history=True, enrol=True).repeat
    except Exception as error:
        return repr(error)

with LoyaltyLedger.open(db) as ledger, ThreadPoolExecutor(8) as threads:
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(list(threads.map(record, mine))))
"""


@pytest.mark.parametrize("cards", [3, 100])
def test_what_two_processes_record_of_the_same_members_is_there_once(ledger, db, cards):
    said = [answer for one in run(SHOP, [(db, n, cards) for n in range(2)]) for answer in one]
    assert {answer for answer in said if answer not in {True, False}} == set()
    assert (said.count(False), said.count(True)) == (300, 100)
    topics = [row[3] for row in ledger.log.page(0, 10_000)]
    assert topics.count("scan") == claimed(ledger) == 300
    sound(ledger)
    assert ledger.verify().clean


@pytest.fixture
def other(ledger, db, clock):
    """Another ledger on the same log, as another process has it."""
    with LoyaltyLedger.open(db, clock=clock) as opened:
        yield opened


@pytest.fixture
def looked_up(ledger, monkeypatch):
    """The streams that the ledger's writer asked the log for."""
    asked = []
    load = ledger.log.load

    def told(streams, shape, since):
        asked.extend(streams)
        return load(streams, shape, since)

    monkeypatch.setattr(ledger.log, "load", told)
    return asked


def test_what_others_wrote_elsewhere_leaves_ones_own_members_at_hand(ledger, other, looked_up):
    append, member = ledger.log.append, ledger.enrol("c1").stream
    ledger.adjust("c1", 10, "start", "Ada", "a0")

    def late(*args):  # others come between the look-up and the append
        ledger.log.append = append
        other.enrol("c9")
        return append(*args)

    ledger.log.append = late
    ledger.adjust("c1", 10, "first", "Ada", "a1")
    looked_up.clear()
    ledger.adjust("c1", 10, "second", "Ada", "a2")
    ledger.adjust("c1", 10, "third", "Ada", "a3")
    assert member not in looked_up
    other.adjust("c1", 10, "theirs", "Ada", "a4")
    ledger.adjust("c1", -50, "all of it", "Ada", "a5")
    assert member in looked_up
    sound(ledger)


def test_who_slept_through_very_many_changes_believes_nothing(new_db, clock, monkeypatch):
    for module in (sqlite, postgres):
        monkeypatch.setattr(module, "CHANGES_TOLD", 5)
    db = new_db()  # made now: the number stands in a function of the log
    with (
        LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as one,
        LoyaltyLedger.open(db, clock=clock) as two,
    ):
        one.enrol("c1")
        one.adjust("c1", 10, "start", "Ada", "a1")
        for n in range(5):
            two.adjust("c1", 10, "theirs", "Ada", f"b{n}")
        head = one._writer._working._cache.head
        assert one.log.load([], "", head).changed is None
        assert len(one.log.load([], "", one.log.head() - 5).changed) == 5
        one.adjust("c1", -60, "all of it", "Ada", "a2")
        assert points_of(one, "c1") == 0
        sound(one)


def test_a_conflict_makes_a_process_take_turns_for_a_while(ledger, monkeypatch):
    ledger.enrol("c1")
    turns, append = [], ledger.log.append
    turn = ledger.log.turn

    def taken():
        turns.append(None)
        return turn()

    def refused(*args):
        monkeypatch.setattr(ledger.log, "append", append)
        raise IntegrityError

    monkeypatch.setattr(ledger.log, "turn", taken)
    ledger.adjust("c1", 1, "alone", "Ada", "a")
    assert not turns
    monkeypatch.setattr(ledger.log, "append", refused)
    for n in range(BATCHES_IN_TURNS + 10):
        ledger.adjust("c1", 1, "together", "Ada", f"a{n}")
    assert len(turns) == BATCHES_IN_TURNS
    conserved(ledger, "c1")


def test_on_postgres_turns_are_one_after_the_other(new_postgres, clock):
    db, began = new_postgres(), Event()
    with (
        LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as one,
        LoyaltyLedger.open(db, clock=clock) as other,
        ThreadPoolExecutor(1) as thread,
    ):

        def second():
            with other.log.turn():
                began.set()

        with one.log.turn():
            waits = thread.submit(second)
            assert not began.wait(0.3)
        waits.result(30)
        assert began.is_set()


def test_on_postgres_a_process_that_stopped_in_its_turn_stops_nobody(
    new_postgres, clock, monkeypatch
):
    monkeypatch.setattr(postgres, "TURN_WAIT_MS", 50)
    db = new_postgres()
    with (
        LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as one,
        LoyaltyLedger.open(db, clock=clock) as other,
    ):
        other._writer._in_turns = 3
        with one.log.turn():
            for n in range(3):
                assert not other.record(receipt(number=f"n{n}")).repeat
        sound(one)


def test_on_postgres_a_turn_that_is_lost_fails_nothing(new_postgres, clock):
    db = new_postgres()
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as ledger:
        with ledger.log.turn(), psycopg.connect(db, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
            assert not ledger.record(receipt()).repeat
        with pytest.raises(IntegrityError), ledger.log.turn():
            raise IntegrityError
        assert not ledger.record(receipt()).repeat


def test_a_command_that_cannot_even_be_looked_up_spoils_no_neighbour(ledger):
    stuck = Stuck()
    first = ledger._writer.submit(stuck)
    assert stuck.begun.wait(30)
    with ThreadPoolExecutor(3) as threads:
        wrong = threads.submit(ledger.enrol, "\ud800")
        good = [threads.submit(ledger.record, receipt(card=f"c{n}")) for n in range(2)]
        while ledger._writer._waiting.commands < 3:
            pass
        stuck.go.set()
        with pytest.raises(InputInvalid):
            wrong.result(30)
        assert [g.result(30).repeat for g in good] == [False, False]
    first.result(30)
