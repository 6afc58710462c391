"""A rebuild in parts: by several processes, killed and gone on with, always the tables of a replay."""

import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

import msgspec
import pytest
from shop import NOW
from test_projections import busy_day
from test_rebuild import NAMES, Enough, held, places
from till import ROOT

from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid, RebuildOvertaken
from ledger.projections import PROJECTIONS, engine, rebuild
from ledger.projections.rebuild import Rebuild, Scan
from ledger.store.replay import replay

SLOW = """
import sys, time
from ledger.application import LoyaltyLedger
from ledger.projections import engine
engine.BATCH = 2
with LoyaltyLedger.open(sys.argv[1]) as ledger:
    print("begun", flush=True)
    ledger.rebuild((), lambda _: time.sleep(0.004), workers=int(sys.argv[2]))
"""


@pytest.fixture
def told(ledger, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 5)
    for n in range(20):
        ledger.enrol(f"m{n}")
    busy_day(ledger, 6)
    ledger.catch_up()
    return ledger


@pytest.fixture
def planned(monkeypatch):
    """How often a rebuild was begun, and not gone on with."""
    begun = []
    plan = Rebuild._plan
    monkeypatch.setattr(Rebuild, "_plan", lambda *a: (begun.append(1), plan(*a)))
    return begun


def stopped(ledger, pages, names=()):
    """Begin a rebuild and give up after some pages."""
    left = itertools.count(1)

    def stop(_):
        if next(left) == pages:
            raise Enough

    with pytest.raises(Enough):
        ledger.rebuild(names, stop)


@pytest.mark.parametrize(
    ("names", "workers"),
    [([], 2), (["balance"], 3), (["receipt"], 40), (["points", "review"], 2)],
    ids=str,
)
def test_several_workers_write_what_one_does(told, names, workers):
    before = told.digests()
    assert told.rebuild(names, workers=workers) == told.log.head()
    assert set(names or NAMES) == {n for n, place in places(told).items() if place == "b"}
    assert told.digests() == before
    assert told.verify().clean


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused(told, workers):
    with pytest.raises(InputInvalid, match="worker"):
        told.rebuild(workers=workers)


@pytest.mark.parametrize("batch", [1, 2, 3, 1_000])
def test_a_stream_that_does_not_fit_a_page_is_written_as_one_that_does(told, monkeypatch, batch):
    before = told.digests()
    monkeypatch.setattr(engine, "BATCH", batch)
    told.rebuild()
    assert told.digests() == before
    assert told.verify().clean


@pytest.mark.parametrize("events", [7, 100, 10**9])
def test_a_log_may_be_read_in_many_parts(told, monkeypatch, events):
    before, seen = told.digests(), []
    monkeypatch.setattr(rebuild, "MOST_EVENTS", events)
    told.rebuild(["balance"], seen.append)
    assert len(seen) >= told.log.head() // events
    assert told.digests() == before


@pytest.mark.parametrize("workers", [1, 3])
def test_events_are_covered_once_whatever_the_parts(told, workers):
    for names in ([], ["balance"], ["receipt"]):
        seen = []
        told.rebuild(names, seen.append, workers=workers)
        assert told.log.head() - 32 < sum(seen) <= told.log.head()


@pytest.mark.parametrize(("pages", "workers"), [(1, 1), (12, 2), (21, 1)])
def test_a_rebuild_that_was_stopped_goes_on_where_it_stopped(told, planned, pages, workers):
    before = told.digests()
    stopped(told, pages)
    assert held(told, "b")
    told.enrol("late")
    told.rebuild(workers=workers)
    assert planned == [1]
    assert set(places(told).values()) == {"b"}
    assert told.verify().clean
    told.rebuild()
    assert planned == [1, 1]
    assert told.digests().keys() == before.keys()


@pytest.mark.parametrize("how", ["asked to", "other reports", "another shape"])
def test_it_begins_anew_where_it_may_not_go_on(told, planned, how):
    stopped(told, 21)
    if how == "another shape":
        told.engine.projections = tuple(
            p._replace(shape=p.shape + 1) if p.name == "tier" else p for p in PROJECTIONS
        )
    told.rebuild(["tier", "balance"] if how == "other reports" else [], anew=how == "asked to")
    assert planned == [1, 1]
    assert told.verify().clean
    told.rebuild()
    assert told.verify().clean


def test_what_another_release_divided_otherwise_is_not_gone_on_with(told, planned):
    stopped(told, 21)
    with told.log.transaction(commit=True) as cursor:
        parts = f"{told.engine.reports.prefix}rebuild_part"
        cursor.execute(f"UPDATE {parts} SET part = part / 16 WHERE part > 0")
    told.rebuild()
    assert planned == [1, 1]
    assert told.verify().clean


def test_one_that_was_only_paused_may_not_write_any_more(told, db, clock):
    """Another went on in its place: not even a page that was read before is written."""
    once = []

    def meanwhile(_):
        if not once:
            once.append(1)
            with LoyaltyLedger.open(db, clock=clock) as other:
                other.rebuild()

    with pytest.raises(RebuildOvertaken):
        told.rebuild((), meanwhile)
    assert told.verify().clean
    assert set(places(told).values()) == {"b"}


def test_a_page_whose_commit_came_through_is_not_written_twice(told, monkeypatch):
    """As by a worker that was killed before it could tell."""
    write, done = Scan.write, []

    def twice(self, page):
        if len(done) == 10:
            write(self, page)
        done.append(1)
        return write(self, page)

    monkeypatch.setattr(Scan, "write", twice)
    told.rebuild()
    assert told.verify().clean


@pytest.mark.parametrize("which", ["first", "second", "last"])
def test_progress_tells_of_a_page_that_somebody_else_wrote(told, monkeypatch, which):
    write, done, alone, disturbed = Scan.write, [], [], []
    monkeypatch.setattr(rebuild, "PAGES", 1)

    def counting(self, page):
        done.append(page)
        return write(self, page)

    monkeypatch.setattr(Scan, "write", counting)
    told.rebuild(["balance"], alone.append)
    pages = len(done)
    assert pages > 2
    at, left = {"first": 0, "second": 1, "last": pages - 1}[which], []

    def twice(self, page):
        if len(left) == at:
            write(self, page)
        left.append(page)
        return write(self, page)

    monkeypatch.setattr(Scan, "write", twice)
    told.rebuild(["balance"], disturbed.append)
    assert sum(disturbed) == sum(alone) >= told.log.head()
    assert told.verify().clean


@pytest.mark.parametrize("victims", [1, 2])
def test_what_a_killed_worker_leaves_is_done_by_the_others_or_without_them(told, victims):
    before = told.digests()
    killed = []

    def kill(_):
        for worker in multiprocessing.active_children()[: victims - len(killed)]:
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            killed.append(worker.exitcode)

    told.rebuild((), kill, workers=3)
    assert killed == [-signal.SIGKILL] * victims
    assert told.digests() == before
    assert told.verify().clean
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments_it_ends_as_a_replay_and_readers_notice_nothing(told, db, workers):
    rng = random.Random(workers)
    before, points = told.digests(), told.balance("c1").available
    stop, failures = threading.Event(), []

    def read():
        while not stop.is_set():
            try:
                with told.reading() as reader:
                    seen = reader.balance(told.member_of("c1"), NOW).available
                assert seen == points
            except BaseException as error:
                failures.append(error)
                return
            time.sleep(0.01)

    reader = threading.Thread(target=read)
    reader.start()
    kills = 0
    for _ in range(4):
        command = [sys.executable, "-c", SLOW, db, str(workers)]
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert running.stdout.readline() == b"begun\n"
        time.sleep(rng.random() * (0.5 if workers == 1 else 1.5))
        running.kill()
        kills += running.wait() == -signal.SIGKILL
        running.stdout.close()
        assert told.digests() == before
    assert kills > 1
    told.rebuild(workers=workers)
    stop.set()
    reader.join()
    assert not failures
    verdict = told.verify()
    assert verdict.clean, verdict.findings
    assert verdict.digests == before


def test_a_replay_gives_the_events_of_the_topics_that_are_asked_for(told):
    decode = told.codec.decode
    rows = told.log.page(0, 10_000)
    assert list(replay(told.log, told.codec)) == [(r[0], r[1], decode[r[3]](r[4])) for r in rows]
    some = [
        (r[0], r[1], decode[r[3]](r[4])) for r in rows if r[3] in {"scan", "claim"} and r[0] > 9
    ]
    assert list(replay(told.log, told.codec, ["scan", "claim"], after=9)) == some
    head = some[-1][0]
    assert list(replay(told.log, told.codec, ["scan", "claim"], 9, head - 1)) == some[:-1]


def test_streams_are_read_in_their_order_up_to_a_head(told):
    head = told.log.head() - 3
    rows = [r for r in told.log.page(0, 10_000) if r[1][0] == 1 and r[0] <= head]
    after, seen = (b"\1", 0), []
    while found := told.log.by_stream(after, b"\2", head, [], 7):
        assert len(found) <= 7
        seen += found
        after = found[-1][1:3]
    assert seen == sorted(rows, key=lambda row: row[1:3])
    few = told.log.by_stream((b"\1", 0), b"\2", head, ["scan"], 10_000)
    assert few == [row for row in seen if row[3] == "scan"]
    for size in (1, 7, len(few), 10_000):
        pages = list(told.log.in_streams((b"\1", 0), b"\2", head, ["scan"], size))
        assert [row for page in pages for row in page] == few
        assert [len(page) for page in pages] == [size] * (len(few) // size) + [len(few) % size]
    (rest,) = told.log.in_streams(few[2][1:3], few[-1][1], head, [], 10_000)
    assert rest == [row for row in seen if few[2][1:3] < row[1:3] and row[1] < few[-1][1]]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda p: p.name)
def test_what_an_event_is_narrowly_read_as_is_its_own_beginning(projection):
    for event, narrow in projection.narrow.items():
        same_beginning(event, narrow)


def same_beginning(whole, narrow):
    wide = [(f.name, f.type) for f in msgspec.structs.fields(whole)]
    for (name, type_), field in zip(wide, msgspec.structs.fields(narrow), strict=False):
        assert field.name == name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            same_beginning(type_, field.type)
        else:
            assert field.type in {type_, msgspec.Raw}
