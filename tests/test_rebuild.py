"""A rebuild equals live, is noticed by nobody who reads, and can be begun again."""

import threading

import pytest
from shop import NOW, line, points_of, receipt
from test_projections import busy_day, rows

from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid, RebuildNeeded, RebuildOvertaken
from ledger.projections import PROJECTIONS, engine
from ledger.projections.schema import Column

NAMES = [p.name for p in PROJECTIONS]


class Enough(Exception):
    """Somebody stopped it."""


def places(ledger):
    with ledger.log.transaction(commit=False) as cursor:
        return {n: place for n, (place, _, _) in ledger.engine.reports.status(cursor).items()}


def held(ledger, place):
    """Rows in the tables of a place."""
    reports = ledger.engine.reports
    with ledger.log.transaction(commit=False) as cursor:
        total = 0
        for projection in PROJECTIONS:
            for table in projection.tables:
                cursor.execute(f"SELECT count(*) FROM {reports.name(table, place)}")
                total += cursor.fetchone()[0]
        return total


@pytest.fixture
def told(ledger, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 20)
    busy_day(ledger, 6)
    ledger.catch_up()
    return ledger


@pytest.mark.parametrize("names", [[], *([n] for n in NAMES), ["tier", "points"]], ids=str)
def test_what_was_rebuilt_equals_live_and_the_old_place_is_emptied(told, names):
    before = told.digests()
    assert told.rebuild(names) == told.log.head()
    assert told.digests() == before
    moved = {n for n, place in places(told).items() if place == "b"}
    assert moved == set(names or NAMES)
    if not names:
        assert held(told, "a") == 0
    assert told.verify().clean
    told.record(receipt(card="c1"))
    assert told.verify().clean
    told.catch_up()
    assert told.verify().clean
    told.rebuild(names)
    assert set(places(told).values()) == {"a"}
    assert told.verify().clean


def test_a_projection_that_is_not_there_is_refused_by_name(told):
    with pytest.raises(InputInvalid, match="nonsense"):
        told.rebuild(["tier", "nonsense"])


def test_readers_see_the_old_place_until_the_flip(told):
    seen = []
    total = points_of(told, "c1")

    def look(_):
        with told.log.transaction(commit=False) as cursor:
            cursor.execute(f"SELECT count(*) FROM {told.engine.reports.prefix}fct_receipt")
            seen.append((cursor.fetchone()[0], points_of(told, "c1"), tuple(places(told).values())))

    count = rows(told, "SELECT count(*) FROM {r}fct_receipt")[0][0]
    told.rebuild((), look)
    assert len(seen) > 2
    assert set(seen) == {(count, total, ("a",) * len(NAMES))}
    look(0)
    assert seen[-1] == (count, total, ("b",) * len(NAMES))


def test_a_reader_who_began_before_the_flip_reads_on_undisturbed(told, db, clock):
    expected = points_of(told, "c1")
    with told.reading() as reader:
        other = threading.Thread(target=rebuild_elsewhere, args=(db, clock, 2))
        other.start()
        other.join(20)
        assert not other.is_alive() or not told.log.is_postgres
        assert reader.balance(told.member_of("c1"), NOW).available == expected
        assert reader.totals(NOW)["members"] == 2
    other.join()
    assert points_of(told, "c1") == expected
    assert told.verify().clean


def rebuild_elsewhere(db, clock, times):
    with LoyaltyLedger.open(db, clock=clock) as ledger:
        for _ in range(times):
            ledger.rebuild()


def test_an_open_report_on_a_view_does_not_hold_up_a_rebuild(new_postgres, clock):
    with LoyaltyLedger.create(new_postgres(), TEXT, clock=clock) as ledger:
        ledger.record_all([receipt() for _ in range(5)])
        ledger.catch_up()
        with ledger.log.transaction(commit=False) as cursor:
            cursor.execute("SELECT count(*) FROM reporting.fct_receipt")
            done = threading.Thread(target=ledger.rebuild)
            done.start()
            done.join(20)
            assert not done.is_alive()
            cursor.execute("SELECT count(*) FROM reporting.fct_receipt")
            assert cursor.fetchone()[0] == 5


def test_grants_and_views_upon_views_outlive_a_rebuild(new_postgres, clock):
    with LoyaltyLedger.create(new_postgres(), TEXT, clock=clock) as ledger:
        ledger.record(receipt())
        with ledger.log.transaction(commit=True) as cursor:
            cursor.execute("GRANT SELECT ON reporting.fct_receipt TO public")
            cursor.execute("CREATE VIEW mine AS SELECT number FROM reporting.fct_receipt")
        ledger.rebuild()
        with ledger.log.transaction(commit=False) as cursor:
            cursor.execute("SELECT count(*) FROM mine")
            assert cursor.fetchone()[0] == 1
            cursor.execute("SELECT relacl::text FROM pg_class WHERE relname = 'fct_receipt'")
            assert "=r/" in cursor.fetchone()[0]


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_rebuild_that_fails_leaves_the_live_tables_and_the_next_one_works(told, batches):
    before = told.digests(), places(told)
    left = [batches]

    def stop(_):
        left[0] -= 1
        if not left[0]:
            raise Enough

    with pytest.raises(Enough):
        told.rebuild((), stop)
    assert (told.digests(), places(told)) == before
    assert told.verify().clean
    told.record(receipt(card="c2"))
    told.catch_up()
    assert told.verify().clean
    told.rebuild()
    assert held(told, "a") == 0
    assert told.verify().clean


def test_what_is_recorded_during_a_rebuild_is_in_it(told):
    once = []

    def at_work(_):
        if not once:
            once.append(told.record(receipt(line(5_000), card="c1", number="meanwhile")))
            told.catch_up()

    assert told.rebuild((), at_work) == told.log.head()
    assert rows(told, "SELECT count(*) FROM {r}fct_receipt WHERE number = 'meanwhile'")[0][0] == 1
    assert told.verify().clean


def test_of_two_rebuilds_at_once_the_later_one_goes_on(told, db, clock):
    done = []

    def another(_):
        done.append(1)
        if len(done) == 2:
            with LoyaltyLedger.open(db, clock=clock) as other, pytest.raises(Enough):
                other.rebuild((), halt)

    def halt(_):
        raise Enough

    with pytest.raises(RebuildOvertaken):
        told.rebuild((), another)
    assert told.verify().clean
    told.rebuild()
    assert told.verify().clean


def test_two_rebuilds_in_two_threads_leave_whole_reports(told, db, clock):
    errors = []

    def run():
        try:
            rebuild_elsewhere(db, clock, 1)
        except RebuildOvertaken as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) <= 1
    assert told.verify().clean


def newer(change):
    return tuple(change(p) if p.name == "tier" else p for p in PROJECTIONS)


def test_a_new_shape_needs_a_rebuild_which_puts_the_new_column_in(told, db, clock):
    def wider(p):
        first, second, *rest = p.tables
        table = second._replace(columns=(*second.columns, Column("more", "int", "new")))
        folds = {kind: adding(fold, table) for kind, fold in p.folds.items()}
        return p._replace(shape=p.shape + 1, tables=(first, table, *rest), folds=folds)

    def adding(fold, table):
        def wrapped(at, event, out):
            merge = out.merge
            out.merge = lambda t, k, *v: merge(t, k, *v, *([7] if t.name == table.name else ()))
            try:
                fold(at, event, out)
            finally:
                del out.merge

        return wrapped

    old = told.digests()
    told.engine.projections = newer(wider)
    with pytest.raises(RebuildNeeded):
        told.catch_up()
    told.rebuild(["tier"])
    digests = told.digests()
    assert digests.pop("tier") != old.pop("tier")
    assert digests == old
    assert {row[0] for row in rows(told, "SELECT more FROM {r}fct_qualifying")} == {7}
    with LoyaltyLedger.open(db, clock=clock) as older:
        with pytest.raises(RebuildNeeded):
            older.catch_up()
        older.rebuild(["tier"])
        assert older.verify().clean


def test_a_shape_that_was_begun_and_given_up_does_not_spoil_the_old_one(told, db, clock):
    def wider(p):
        first, second, *rest = p.tables
        table = first._replace(columns=(*first.columns, Column("more", "int", "new")))
        return p._replace(shape=p.shape + 1, tables=(table, second, *rest), folds={})

    def stop(_):
        raise Enough

    current = told.engine.projections
    told.engine.projections = newer(wider)
    with pytest.raises(Enough):
        told.rebuild(["tier"], stop)
    told.engine.projections = current
    told.record(receipt(card="c1"))
    told.catch_up()
    assert told.verify().clean
    told.rebuild(["tier"])
    assert told.verify().clean


def test_a_projection_that_is_new_to_a_ledger_is_made_by_a_rebuild(told):
    with told.log.transaction(commit=True) as cursor:
        reports = told.engine.reports
        cursor.execute(f"DELETE FROM {reports.prefix}projection_status WHERE projection = 'tier'")
        cursor.execute(f"DROP VIEW {reports.prefix}fct_tier")
        for place in ("a", "b"):
            cursor.execute(f"DROP TABLE {reports.prefix}fct_tier__{place}")
        told.log.untrack(cursor, "tier.a")
    with pytest.raises(RebuildNeeded, match="tier"):
        told.catch_up()
    told.rebuild(["tier"])
    assert told.verify().clean
    assert rows(told, "SELECT count(*) FROM {r}fct_tier")[0][0] >= 0


TEXT = """
name = "test"
currency = "EUR"
time_zone = "UTC"
[earn]
points = 1
per_minor = 100
[lots.expiry]
after = 12
"""


def test_a_report_that_is_ahead_of_the_others_hears_nothing_twice(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))
    ledger.rebuild(["tier", "points"])
    assert len({s.lag for s in ledger.status()}) == 2
    ledger.record(receipt(card="c1"))
    ledger.catch_up()
    assert {s.lag for s in ledger.status()} == {0}
    assert ledger.verify().clean


MANY, LITTLE = 500, 30
"""Batches that any of it takes; events of a receipt or two."""


def test_neither_catching_up_nor_a_flip_waits_for_others_to_pause(ledger):
    """Whenever a batch was taken there is one more event in the log."""
    told = []

    def another(_):
        told.append(ledger.record(receipt(card=f"c{len(told)}"), enrol=True))
        assert len(told) < MANY, "it runs after a head that moves on"

    another(0)
    ledger.catch_up(another)
    assert 0 < max(status.lag for status in ledger.status()) < LITTLE
    ledger.rebuild((), another)
    assert 0 < max(status.lag for status in ledger.status()) < LITTLE
    assert ledger.verify().clean
