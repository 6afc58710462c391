"""Cases from the field, crowds: many at once, many members, and nobody twice or too late."""

import contextlib
import json
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from bench import gaps
from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import HoldOver, LedgerError, PointsShort
from ledger.projections import engine
from ledger.store import sqlite
from tests.conftest import PROGRAMME, SECRET
from tests.shop import NOW, conserved, points_of, receipt, tally
from tests.test_concurrency import ROOT, at_once

PROCESSES = 4


def rich(ledger, points, card="c1"):
    ledger.enrol(card)
    ledger.adjust(card, points, "start", "Ada", f"start {card}")


def run(script, arguments, go="go\n"):
    """A process for each list of arguments, all let go at one moment; what each says as JSON."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for words in arguments
    ]  # fmt: skip
    try:
        for process in running:
            assert process.stdout.readline() == "ready\n"
        for process in running:
            process.stdin.write(go)
            process.stdin.flush()
        said = [process.communicate(timeout=120)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * len(running)
    return [json.loads(one) for one in said]


def kinds(answers):
    """How many were done, and how many were refused by which refusal."""
    return Counter(
        type(a).__name__ if isinstance(a, Exception) else "repeat" if a.repeat else "done"
        for a in answers
    )


# --- 15: one member ----------------------------------------------------------------------

DESK = """
import json, sys
from ledger.application import LoyaltyLedger
from tests.conftest import Clock
db, who = sys.argv[1], sys.argv[2]
with LoyaltyLedger.open(db, clock=Clock()) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    members = []
    for n in range(15):
        members.append(ledger.enrol(f"card{n}").stream.hex())
        members.append(ledger.enrol(f"{who}{n}", identity=f"shopper{n}@example.org").stream.hex())
print(json.dumps(members))
"""


@pytest.mark.parametrize("identity", ["", "ada@example.org"])
def test_case_15_one_card_or_identity_enrolled_by_many_threads_is_one_member(ledger, identity):
    answers = at_once(24, lambda n: ledger.enrol(f"c{n}" if identity else "c0", identity=identity))
    assert len({a.stream for a in answers}) == 1
    topics = [row[3] for row in ledger.log.page(0, 1_000)]
    assert topics.count("enrolled") == 1
    assert ledger.member("c0").cards == (24 if identity else 1)


def test_case_15_one_card_or_identity_enrolled_by_two_processes_is_one_member(ledger, db):
    web, till = run(DESK, [(db, "web"), (db, "till")])
    assert web == till
    assert len(set(web)) == 30
    topics = [row[3] for row in ledger.log.page(0, 1_000)]
    assert topics.count("enrolled") == 30
    assert ledger.verify().clean


# --- 16: nothing is spent twice ----------------------------------------------------------


def test_case_16_of_fifty_redemptions_of_the_full_balance_one_succeeds(ledger):
    rich(ledger, 500)
    answers = at_once(50, lambda n: ledger.redeem("c1", f"r{n}", points=500))
    assert kinds(answers) == {"done": 1, "PointsShort": 49}
    assert ledger.balance("c1")[:5] == (0, 0, 0, 0, 0)
    conserved(ledger, "c1")


def test_case_16_of_a_thousand_redeemers_of_one_point_five_hundred_succeed(ledger):
    rich(ledger, 500)
    answers = at_once(1_000, lambda n: ledger.redeem("c1", f"r{n}", points=1))
    assert kinds(answers) == {"done": 500, "PointsShort": 500}
    assert tally(ledger, "c1").redeemed == 500
    conserved(ledger, "c1")


def test_case_16_of_six_holds_of_a_thousand_on_five_thousand_points_five_succeed(ledger):
    rich(ledger, 5_000)
    answers = at_once(6, lambda n: ledger.hold("c1", 1_000, f"h{n}"))
    assert kinds(answers) == {"done": 5, "PointsShort": 1}
    assert ledger.balance("c1")[:5] == (0, 0, 0, 0, 5_000)
    conserved(ledger, "c1")


TILL = """
import json, sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from ledger.application import LoyaltyLedger
from ledger.errors import PointsShort
from tests.conftest import Clock
db, name = sys.argv[1], sys.argv[2]

def attempt(what, *words, **more):
    try:
        what(*words, **more)
    except PointsShort:
        return "short"
    return "done"

with LoyaltyLedger.open(db, clock=Clock()) as ledger, ThreadPoolExecutor(4) as threads:
    print("ready", flush=True)
    sys.stdin.readline()
    def all_of(n):
        return "all", attempt(ledger.redeem, "all", f"{name} a{n}", points=500)
    def one(n):
        return "ones", attempt(ledger.redeem, "ones", f"{name} r{n}", points=1)
    def hold(n):
        return "holds", attempt(ledger.hold, "holds", 1_000, f"{name} h{n}")
    said = [*threads.map(all_of, range(12)), *threads.map(one, range(50)), *threads.map(hold, range(2))]
print(json.dumps(Counter(" ".join(one) for one in said)))
"""


def test_case_16_what_four_processes_redeem_and_hold_at_once_is_spent_once(ledger, db):
    for card, points in (("all", 500), ("ones", 100), ("holds", 5_000)):
        rich(ledger, points, card)
    said = run(TILL, [(db, f"till{n}") for n in range(PROCESSES)])
    assert sum(map(Counter, said), Counter()) == {
        "all done": 1, "all short": 47, "ones done": 100, "ones short": 100,
        "holds done": 5, "holds short": 3,
    }  # fmt: skip
    assert [ledger.balance(card)[:5] for card in ("all", "ones", "holds")] == [
        (0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 5_000),
    ]  # fmt: skip
    for card in ("all", "ones", "holds"):
        conserved(ledger, card)
    assert ledger.verify().clean


# --- 17: a hold ends once ----------------------------------------------------------------


@pytest.mark.parametrize("over", [False, True])
def test_case_17_a_hold_ends_once_whoever_settles_releases_or_expires_it(ledger, clock, over):
    rich(ledger, 100)
    ledger.hold("c1", 60, "h1")
    clock.now = NOW + 15 * 60 - (not over)
    member = ledger.member_of("c1")
    acts = (
        lambda: ledger.settle("h1"), lambda: ledger.release("h1"),
        lambda: ledger.expire_holds(member), lambda: ledger.settle("h1", 25),
    )  # fmt: skip
    answers = at_once(20, lambda n: acts[n % 4]())
    assert {type(a) for a in answers if isinstance(a, Exception)} <= {HoldOver}
    stream = ledger.keys.command("hold", "h1")
    rows = [ledger.log.event(stream, version) for version in (2, 3)]
    assert rows[1] is None
    end = ledger.codec.decode[rows[0][0]](rows[0][1])
    topics = Counter(row[3] for row in ledger.log.page(0, 100))
    if over:
        assert end.how == e.HOLD_EXPIRED
        assert points_of(ledger, "c1") == 100
    else:
        left = {e.HOLD_RELEASED: {100}, e.HOLD_SETTLED: {40, 75}}[end.how]
        assert points_of(ledger, "c1") in left
    assert ledger.balance("c1").held == 0
    before = ledger.balance("c1"), topics
    for act in acts:  # and again later, one after the other
        with contextlib.suppress(HoldOver):
            assert act().repeat
    assert (ledger.balance("c1"), Counter(r[3] for r in ledger.log.page(0, 100))) == before
    conserved(ledger, "c1")


ENDS = """
import json, random, sys
from concurrent.futures import ThreadPoolExecutor
from ledger.application import LoyaltyLedger
from ledger.errors import HoldOver
from tests.conftest import Clock
from tests.shop import NOW
db, seed = sys.argv[1:3]

def end(job):
    number, act = job
    try:
        if act == "expire":
            outcome = ledger.expire_holds(ledger.member_of(f"c{number % 3}"))
        else:
            outcome = getattr(ledger, act)(f"h{number}")
    except HoldOver:
        return None
    return act if not outcome.repeat else None

jobs = [(number, act) for number in range(30) for act in ("settle", "release", "expire")]
random.Random(seed).shuffle(jobs)
late = int(sys.argv[3])
with LoyaltyLedger.open(db, clock=Clock(NOW + late)) as ledger, ThreadPoolExecutor(4) as threads:
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps([[n, told] for (n, _), told in zip(jobs, threads.map(end, jobs)) if told]))
"""


@pytest.mark.parametrize("late", [0, 15 * 60], ids=["in time", "over"])
def test_case_17_a_hold_ends_once_between_four_processes(ledger, db, clock, late):
    for n in range(3):
        rich(ledger, 100, f"c{n}")
    for n in range(30):
        ledger.hold(f"c{n % 3}", 10, f"h{n}")
    clock.now = NOW + late
    said = run(ENDS, [(db, seed, late) for seed in range(PROCESSES)])
    ended = Counter(number for one in said for number, act in one if act != "expire")
    if not late:  # whoever releases one that is over records its expiry, if nobody did yet
        assert set(ended) == set(range(30))
    assert set(ended.values()) <= {1}
    ends = []
    for n in range(30):
        stream = ledger.keys.command("hold", f"h{n}")
        assert ledger.log.event(stream, 3) is None
        topic, data = ledger.log.event(stream, 2)
        ends.append(ledger.codec.decode[topic](data).how)
    settled = ends.count(e.HOLD_SETTLED)
    assert (set(ends) == {e.HOLD_EXPIRED}) if late else (e.HOLD_EXPIRED not in ends)
    assert sum(ledger.balance(f"c{n}").available for n in range(3)) == 300 - 10 * settled
    assert [ledger.balance(f"c{n}").held for n in range(3)] == [0, 0, 0]
    assert settled == sum(act == "settle" for one in said for _, act in one)
    for n in range(3):
        conserved(ledger, f"c{n}")
    assert ledger.verify().clean


# --- 20: the number of members -----------------------------------------------------------


def crowd(ledger, members, rounds=1, first=0):
    """So many members, each with a receipt a round; how many receipts were recorded."""
    bought = [
        receipt(card=f"m{n}", number=f"{n}-{turn}", amount=300)
        for turn in range(rounds)
        for n in range(first, members)
    ]
    return [a.repeat for a in ledger.record_all(bought, enrol=True)].count(False)


def served(ledger):
    """What a till asks of the ledger for one customer."""
    bought = receipt(card="m7", amount=2_000)
    ledger.quote(bought)
    ledger.record(bought)
    ledger.redeem("m7", "served", points=10)
    ledger.balance("m7")


@pytest.fixture
def steps(monkeypatch):
    """Counts the steps of SQLite's machine, by ten: its work, whatever time it takes."""
    count = [0]

    def step():
        count[0] += 1
        return 0

    create = sqlite.Pool._create_connection

    def counted(pool):
        connection = create(pool)
        connection._sqlite_conn.set_progress_handler(step, 10)
        return connection

    monkeypatch.setattr(sqlite.Pool, "_create_connection", counted)
    return count


def touched(db):
    """The rows that PostgreSQL has read of every table, once nobody else is connected."""
    with psycopg.connect(db, autocommit=True) as connection:
        alone = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        while connection.execute(alone).fetchone()[0]:
            time.sleep(0.01)
        return connection.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
        ).fetchone()[0]


def test_case_20_what_a_till_makes_the_database_do_does_not_grow_with_the_members(
    store, new_db, clock, steps
):
    work = {}
    for members in (10, 5_000):
        db = new_db()
        with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as ledger:
            assert crowd(ledger, members) == members
            ledger.catch_up()
        before = touched(db) if store == "postgres" else 0
        with LoyaltyLedger.open(db, clock=clock) as ledger:
            steps[0] = 0
            served(ledger)
            work[members] = steps[0]
        if store == "postgres":
            work[members] = touched(db) - before
    assert 0 < work[5_000] < 2 * work[10] + 500, work


def test_case_20_an_import_resumes_and_feeding_it_again_changes_nothing(ledger, db, clock):
    assert crowd(ledger, 150) == 150  # and is stopped here
    ledger.close()
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert crowd(again, 300, rounds=2) == 600 - 150
        head, digests = again.log.head(), again.digests()
        assert crowd(again, 300, rounds=2) == 0
        assert (again.log.head(), again.digests()) == (head, digests)
        assert [points_of(again, f"m{n}") for n in (0, 149, 150, 299)] == [6] * 4


def test_case_20_a_rebuild_needs_no_more_memory_for_four_times_the_events(
    new_db, clock, monkeypatch
):
    monkeypatch.setattr(engine, "BATCH", 20)  # so that the small log fills pages too
    peaks = {}
    for rounds in (2, 8):
        with LoyaltyLedger.create(new_db(), PROGRAMME, secret=SECRET, clock=clock) as ledger:
            crowd(ledger, 340 * rounds, rounds=3)
            ledger.catch_up()
            tracemalloc.start()
            try:
                ledger.rebuild()
                peaks[ledger.log.head()] = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    (few, small), (many, large) = sorted(peaks.items())
    assert (few > 4_000, many > 18_000) == (True, True)
    assert large < 2 * small, peaks


# --- who follows the log -----------------------------------------------------------------


def test_followers_see_every_event_of_writers_who_roll_back_once_and_in_order(ledger, db):
    """Three followers, of whom one is woken and two only look; `make prove` runs a million."""
    events, rolled, followers = gaps.race(db, processes=8, threads=4, each=625)
    assert events == 20_000
    assert rolled > 0
    for follower in followers:
        assert follower.wrong == []
        assert follower.after == follower.first + events == ledger.log.head()
        assert len(follower.versions) == 32
        assert set(follower.versions.values()) == {625}


def test_an_append_that_is_left_uncommitted_hides_nothing_from_a_follower(ledger, db, clock):
    """Others wait for it or go before it; nobody gets a place that is filled in later."""
    head = ledger.log.head()
    log = ledger.log
    with ThreadPoolExecutor(1) as other:
        with pytest.raises(LedgerError), log.transaction(commit=True) as cursor:  # noqa: PT012
            row = (ledger.keys.card("never"), 1, "enrolled", b"", NOW)
            log._append(cursor, [sqlite.Row(*row)], 1)
            waits = other.submit(ledger.enrol, "c1")
            time.sleep(0.3)
            with LoyaltyLedger.open(db, clock=clock) as follower:
                assert follower.log.page(head, 10) == []
            raise PointsShort("taken back")
        waits.result(60)
    assert [row[0] for row in log.page(head, 10)] == [head + 1, head + 2, head + 3]
    assert ledger._state(ledger.keys.card("never")) is None
