"""The reporting tables: caught up in any batches, by anybody, and merged as declared."""

import datetime as dt
import threading

import msgspec
import pytest
from shop import DAY, NOW, back, key, line, receipt
from till import SECRET, TEXT, process, simulated

from ledger.application import LoyaltyLedger
from ledger.errors import RebuildNeeded
from ledger.projections import PROJECTIONS, engine
from ledger.projections.reports import Reports
from ledger.projections.schema import Column, Out, Projection, Table
from ledger.types import Price, Product, Promotion

KEYS_AND_TABLES = [t for p in PROJECTIONS for t in p.tables]


def rows(ledger, query, *parameters):
    prefix = ledger.engine.reports.prefix
    with ledger.log.transaction(commit=False) as cursor:
        cursor.execute(query.format(r=prefix).replace("?", ledger.engine.reports.mark), parameters)
        return cursor.fetchall()


def busy_day(ledger, count=12):
    """Receipts, returns, attributions and a complaint, mixed."""
    ledger.enrol("c1")
    ledger.enrol("c2")
    for i in range(count):
        bought = receipt(line(9_000 + i), line(100), card="c1", number=f"b{i}")
        nameless = receipt(line(3_000), number=f"w{i}")
        ledger.record_all([bought, nameless, receipt(card="c2", number=f"o{i}")])
        ledger.attribute(key(nameless), "c2")
        ledger.record(receipt(back(bought), card="c1", number=f"r{i}"))
        ledger.open_complaint("c1", key(bought), 2, "mould", "Bob", f"k{i}")
        complaint = ledger.complaint_id(f"k{i}")
        ledger.answer_complaint("c1", complaint, "wait", "Bob", f"a{i}")
        ledger.resolve_complaint("c1", complaint, "sorry", 5, "Bob", f"s{i}")
        ledger.describe_product(Product(f"p{i % 5}", f"Peas {i}"))
        ledger.set_price(Price(f"p{i % 5}", dt.date(2026, 1, 1), 100 + i, store="s1" * (i % 2)))
        ledger.set_promotion(Promotion(f"p{i % 5}", "may", dt.date(2026, 5, 1 + i)))


def test_batches_of_any_size_give_the_same_digests(new_db, clock, monkeypatch):
    told = []
    for batch in (1, 2, 7, 5_000):
        monkeypatch.setattr(engine, "BATCH", batch)
        text = TEXT
        with LoyaltyLedger.create(
            new_db(), text, secret=bytes.fromhex(SECRET), clock=clock
        ) as ledger:
            busy_day(ledger)
            told.append(ledger.digests())
            assert ledger.verify().clean
    assert all(one == told[0] for one in told)


@pytest.mark.parametrize("each", [True, False], ids=["event by event", "all at once"])
def test_patches_reach_a_fact_of_the_same_batch_and_of_an_earlier_one(ledger, each):
    def done():
        if each:
            ledger.catch_up()

    ledger.enrol("c1")
    bought = receipt(line(6_000, quantity=3), line(1_000), number="1", card="c1")
    nameless = receipt(line(2_000), number="2")
    ledger.record_all([bought, nameless])
    done()
    ledger.attribute(key(nameless), "c1")
    done()
    ledger.record(receipt(back(bought, quantity=2), card="c1", number="3"))
    done()
    ledger.return_goods(key(bought), "r1", {1: 1})
    ledger.catch_up()
    facts = rows(
        ledger,
        "SELECT number, state, points, returned_minor, returned_points FROM {r}fct_receipt"
        " ORDER BY number",
    )
    assert [tuple(f) for f in facts] == [
        ("1", "member", 70, 6_000, 60),
        ("2", "attributed", 20, 0, 0),
        ("3", "member", 0, 0, 0),
    ]
    lines = rows(
        ledger,
        "SELECT l.line, l.points, l.returned_quantity FROM {r}fct_receipt_line l"
        " JOIN {r}fct_receipt f ON f.receipt_id = l.receipt_id"
        " WHERE f.number IN ('1', '2') ORDER BY f.number, l.line",
    )
    assert [tuple(one) for one in lines] == [(1, 60, 3), (2, 10, 0), (1, 20, 0)]
    assert ledger.verify().clean


def test_status_tells_how_far_behind_the_reports_are(ledger):
    ledger.catch_up()
    ledger.enrol("c1")
    head = ledger.log.head()
    assert {(s.position, s.lag) for s in ledger.status()} == {(head - 3, 3)}
    assert [s.projection for s in ledger.status()] == sorted(p.name for p in PROJECTIONS)
    assert ledger.catch_up() == head
    assert {(s.position, s.lag) for s in ledger.status()} == {(head, 0)}
    assert ledger.catch_up() == head


def test_two_threads_that_catch_up_at_once_write_each_row_once(ledger, db, clock, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 3)
    busy_day(ledger)
    errors = []

    def follow():
        try:
            with LoyaltyLedger.open(db, clock=clock) as other:
                other.catch_up()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=follow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {s.lag for s in ledger.status()} == {0}
    assert ledger.verify().clean


def test_two_processes_that_catch_up_at_once_write_each_row_once(new_db, tmp_path):
    from adapters import ingest
    from adapters.pos import ndjson
    from adapters.rejects import Rejects

    simulated(tmp_path / "r", members=30, weeks=6)
    db = new_db()
    with LoyaltyLedger.create(db, TEXT) as ledger:
        with Rejects(tmp_path / "bad") as rejects:
            ingest.ingest(ledger, ndjson.read(tmp_path / "r"), rejects, history=True, enrol=True)
        assert max(s.lag for s in ledger.status()) > 300
        both = [process("status", "--digests", db=db) for _ in range(2)]
        assert [one.wait() for one in both] == [0, 0]
        assert {s.lag for s in ledger.status()} == {0}
        assert ledger.verify().clean


def test_views_show_dates_and_times_as_the_databases_own(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", at=NOW - DAY))
    ledger.catch_up()
    captured, day, recorded = rows(
        ledger, "SELECT captured_at, business_day, recorded_at FROM {r}fct_receipt"
    )[0]
    if ledger.log.is_postgres:
        assert captured == dt.datetime(2025, 12, 31, tzinfo=dt.UTC)
        assert day == dt.date(2025, 12, 31)
        assert recorded == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    else:
        assert (captured, day, recorded) == (
            "2025-12-31 00:00:00", "2025-12-31", "2026-01-01 00:00:00",
        )  # fmt: skip
    with ledger.reading() as reader:
        assert reader.last_captured() == NOW - DAY, "the tables beneath hold integers"


@pytest.mark.parametrize("table", KEYS_AND_TABLES, ids=lambda t: t.name)
def test_every_view_has_the_declared_columns_and_is_empty_at_first(ledger, table):
    with ledger.log.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT * FROM {ledger.engine.reports.prefix}{table.name}")
        assert [found[0] for found in cursor.description] == [c.name for c in table.columns]
        assert cursor.fetchall() == []


def test_every_view_and_column_is_documented_on_postgresql(new_postgres, clock):
    with LoyaltyLedger.create(new_postgres(), TEXT, clock=clock) as ledger:
        for table in KEYS_AND_TABLES:
            name = f"reporting.{table.name}"
            told = rows(
                ledger,
                "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
                " WHERE attrelid = ?::regclass AND attnum > 0 ORDER BY attnum",
                name,
            )
            assert told == [(c.name, c.about) for c in table.columns]
            about = rows(ledger, "SELECT obj_description(?::regclass)", name)
            assert about == [(table.about,)]


MERGED = Table(
    "fct_merged",
    "What merging does",
    1,
    (
        Column("k", "int", "key"),
        Column("summed", "int", "", "add"),
        Column("latest", "text", "", "last"),
        Column("largest", "int", "", "max"),
        Column("smallest", "int", "", "min"),
    ),
    merged=True,
)
SAYINGS = [
    (1, 5, "a", 3), (1, None, None, None), (2, None, None, None), (1, -7, "b", 2),
    (2, 4, None, 9), (1, 1, None, 8), (3, 0, "", 0), (2, None, "z", None), (3, 2, None, -1),
]  # fmt: skip
OUTCOME = [(1, -1, "b", 8, 2), (2, 4, "z", 9, 9), (3, 2, "", 0, -1)]


@pytest.mark.parametrize("batch", [1, 2, 4, 9])
def test_merging_adds_and_keeps_the_last_the_largest_and_the_smallest_however_it_is_cut(
    ledger, batch
):
    projection = Projection("merged", 1, (MERGED,), {})
    reports = Reports(postgres=ledger.log.is_postgres)
    with ledger.log.transaction(commit=True) as cursor:
        reports.make(cursor, [projection])
        for start in range(0, len(SAYINGS), batch):
            out = Out(projection.tables, lambda _: b"")
            for saying in SAYINGS[start : start + batch]:
                out.merge(MERGED, saying[:1], *saying[1:], saying[-1])
            reports.write(cursor, projection, "a", out.said())
        (chunk,) = reports.scan(cursor, MERGED, "a")
        assert [tuple(row) for row in chunk] == OUTCOME


def test_digests_leave_out_positions_and_the_ledgers_time(new_db, clock):
    told = []
    for late in (0, 90):
        clock.now = NOW + late
        with LoyaltyLedger.create(
            new_db(), TEXT, secret=bytes.fromhex(SECRET), clock=clock
        ) as ledger:
            if late:
                ledger.record(receipt(number="first", at=NOW - 50))
            bought = [receipt(card=f"c{i}", number=f"n{i}", at=NOW) for i in range(5)]
            ledger.record_all(bought, enrol=True)
            if not late:
                ledger.record(receipt(number="first", at=NOW - 50))
            told.append(ledger.digests())
    assert told[0] == told[1]


def test_a_report_of_another_shape_is_not_written_to(ledger, monkeypatch):
    ledger.enrol("c1")
    newer = tuple(p._replace(shape=p.shape + (p.name == "tier")) for p in PROJECTIONS)
    monkeypatch.setattr(ledger.engine, "projections", newer)
    for act in (ledger.catch_up, ledger.digests, ledger.verify):
        with pytest.raises(RebuildNeeded, match="tier"):
            act()
    assert ledger.enrol("c2").version == 1, "recording goes on"
    ledger.rebuild(["tier"])
    assert ledger.verify().clean


def test_json_of_a_status_holds_no_surprises(ledger):
    assert msgspec.json.decode(msgspec.json.encode([s._asdict() for s in ledger.status()]))
