"""What a report cannot take is set aside by stream and said; the rest goes on, nothing is lost."""

from collections import Counter

import pytest
from eventsourcing.persistence import PersistenceError
from shop import back, receipt
from till import PROGRAMME, SECRET, Till

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import ReportBroken
from ledger.projections import engine, intake, rebuild
from ledger.projections.balance import BALANCE
from ledger.projections.points import POINTS
from ledger.projections.receipt import RECEIPT
from ledger.store.log import Row

TOO_LARGE = 2**64 - 1
"""More than any database's integer; the log holds it."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 7)


def poisoned(monkeypatch, projection, event, bad):
    """The projection's fold of an event fails where `bad` says so; how to mend it."""
    fold = projection.folds[event]

    def fails(at, told, out):
        fold(at, told, out)
        if bad(at, told):
            msg = "no such thing\0"
            raise KeyError(msg)

    monkeypatch.setitem(projection.folds, event, fails)
    return lambda: monkeypatch.setitem(projection.folds, event, fold)


def shop(ledger, members=5, rounds=6, *, history=False):
    """Receipts of members in turn; they are numbered `member-round`."""
    sold = []
    for n in range(rounds):
        for m in range(members):
            sold.append(receipt(card=f"c{m}", number=f"{m}-{n}", amount=1_000 + 100 * m + n))
            ledger.record(sold[-1], enrol=True, history=history)
    return sold


def left_out(ledger):
    return {(one.projection, one.stream) for one in ledger.parked()}


@pytest.mark.parametrize("projection", [POINTS, BALANCE], ids=lambda p: p.name)
def test_one_members_event_holds_nobody_up_and_is_taken_later(ledger, monkeypatch, projection):
    ledger.record(receipt(card="c2", number="first"), enrol=True)
    ledger.catch_up()
    event = e.ReceiptScanned
    bad = ledger.member_of("c2")
    mend = poisoned(monkeypatch, projection, event, lambda at, _: at.stream == bad)
    shop(ledger)
    ledger.catch_up()
    [one] = ledger.parked()
    assert (one.projection, one.stream, one.topic) == (projection.name, bad, "scan")
    assert one.reason == "KeyError: 'no such thing\\x00'"
    first = ledger.log.page(one.position - 1, 1)[0]
    assert (first[1], first[2]) == (bad, one.version), "the first that could not be taken"
    status = {s.projection: s for s in ledger.status()}
    assert {s.lag for s in status.values()} == {0}
    assert {name: s.parked for name, s in status.items() if s.parked} == {projection.name: 1}
    verdict = ledger.verify()
    assert verdict.findings[0].member == bad.hex()
    assert "no such thing" in verdict.findings[0].detail
    assert {f.member for f in verdict.findings} <= {bad.hex(), ""}, "nobody else is concerned"

    assert ledger.unpark() == ledger.parked(), "nothing was mended yet"
    assert left_out(ledger) == {(projection.name, bad)}
    mend()
    ledger.record(receipt(card="c2", number="last"))
    ledger.catch_up()
    assert left_out(ledger) == {(projection.name, bad)}, "not taken by the way: earlier ones lack"
    assert ledger.unpark(["tier"]) == []
    assert left_out(ledger)
    assert ledger.unpark([projection.name]) == []
    assert ledger.parked() == []
    clean(ledger)


def clean(ledger):
    before = ledger.digests()
    assert ledger.verify().clean
    ledger.rebuild()
    assert ledger.digests() == before


def test_a_report_that_the_order_of_the_log_decides_is_built_anew(ledger, monkeypatch):
    sold = shop(ledger, rounds=2)
    mend = poisoned(
        monkeypatch, RECEIPT, e.ReceiptScanned, lambda _, told: told.scan.number == "2-1"
    )
    ledger.catch_up()
    gone = next(one for one in sold if one.number == "2-1")
    ledger.record(receipt(back(gone), card="c2", number="brought back"))
    ledger.catch_up()
    assert len(ledger.parked()) == 1
    mend()
    assert ledger.unpark() == []
    clean(ledger)


def test_a_number_that_no_database_holds(ledger):
    shop(ledger, rounds=1)
    member = poison(ledger, "c3")
    shop(ledger)
    ledger.catch_up()
    live = ledger.digests()
    names = {one.projection for one in ledger.parked()}
    assert {one.stream for one in ledger.parked()} == {member}
    assert names == {"points", "balance"}
    before = ledger.parked()
    for workers in (1, 2):
        ledger.rebuild(workers=workers)
        assert ledger.digests() == live
        assert places(ledger.parked()) == places(before)
    assert places(ledger.unpark()) == places(before)
    assert ledger.digests() == live


def poison(ledger, card):
    """An event in the log that no report can hold."""
    member = ledger.member_of(card)
    version = max(row[2] for row in ledger.log.page(0, 10_000) if row[1] == member)
    event = e.PointsAdjusted(0, TOO_LARGE, (), 0, 2**40, "r", "a", 1, "c")
    topic = ledger.codec.topic_of[type(event)]
    ledger.log.append([Row(member, version + 1, topic, ledger.codec.encode(event), 0)], 0)
    return member


def places(parked):
    return [(one.projection, one.stream, one.version, one.position) for one in parked]


def test_a_report_that_can_take_hardly_anything_is_broken_and_stays_as_it_was(ledger, monkeypatch):
    monkeypatch.setattr(intake, "MOST", 3)
    ledger.catch_up()
    before = {s.projection: s.position for s in ledger.status()}
    mend = poisoned(monkeypatch, POINTS, e.ReceiptScanned, lambda *_: True)
    ledger.record_all([receipt(card=f"c{n}") for n in range(60)], enrol=True)
    monkeypatch.setattr(engine, "BATCH", 100)
    with pytest.raises(ReportBroken, match="`points` leaves 3 streams out already"):
        ledger.catch_up()
    with pytest.raises(ReportBroken):
        ledger.rebuild(["points"])
    assert {s.projection: s.position for s in ledger.status()} == before
    assert not ledger.parked()
    mend()
    clean(ledger)


def test_nothing_is_set_aside_while_the_store_is_away(ledger, monkeypatch):
    away = ledger.log.away[0]
    failing = [True] * 4

    def fails(at, told, out):
        if failing and failing.pop():
            msg = "gone"
            raise away(msg)
        fold(at, told, out)

    fold = POINTS.folds[e.ReceiptScanned]
    monkeypatch.setitem(POINTS.folds, e.ReceiptScanned, fails)
    shop(ledger, rounds=1)
    for _ in range(4):
        with pytest.raises(Exception, match="gone"):
            ledger.catch_up()
    ledger.catch_up()
    assert not ledger.parked()
    clean(ledger)


def test_a_rebuild_sets_aside_what_it_cannot_take_and_is_whole_otherwise(ledger, monkeypatch):
    shop(ledger)
    ledger.catch_up()
    bad = ledger.member_of("c1")
    mends = [
        poisoned(monkeypatch, p, e.ReceiptScanned,
                 lambda at, _: at.stream == bad and at.version in {5, 6})
        for p in (POINTS, BALANCE, RECEIPT)
    ]  # fmt: skip
    assert not ledger.parked(), "what is live was taken before"
    ledger.rebuild()
    assert left_out(ledger) == {(name, bad) for name in ("points", "balance", "receipt")}
    assert {one.version for one in ledger.parked()} == {5}
    for mend in mends:
        mend()
    ledger.record(receipt(card="c1"))
    assert ledger.unpark() == []
    clean(ledger)


def test_a_rebuild_goes_on_with_the_other_streams_of_a_page_where_they_were_cut(
    ledger, monkeypatch
):
    """All in one range, pages of 28 events: streams are cut by pages, and pages by halves."""
    monkeypatch.setattr(rebuild, "RANGES", 1)
    shop(ledger, members=3, rounds=40)
    ledger.catch_up()
    streams = sorted(ledger.member_of(f"c{n}") for n in range(3))
    mends = [
        poisoned(monkeypatch, p, e.ReceiptScanned,
                 lambda at, _: at.stream == streams[1] and at.version == 10)
        for p in (POINTS, BALANCE)
    ]  # fmt: skip
    ledger.rebuild()
    assert [(one.stream, one.version) for one in ledger.parked()] == [(streams[1], 10)] * 2
    scans = [row for row in ledger.log.page(0, 10_000) if row[3] == "scan"]
    expected = Counter(row[1] for row in scans if row[1] != streams[1] or row[2] < 10)
    assert 0 < expected[streams[1]] < 10 < expected[streams[0]] == expected[streams[2]] == 40
    assert Counter(row[0] for row in rows(ledger, "fct_points_movement")) == expected
    assert {f.member for f in ledger.verify().findings} <= {streams[1].hex(), ""}
    for mend in mends:
        mend()
    assert ledger.unpark() == []
    clean(ledger)


def rows(ledger, table):
    with ledger.log.transaction(commit=False) as cursor:
        prefix = ledger.engine.reports.prefix
        cursor.execute(f"SELECT member_id FROM {prefix}{table} WHERE kind = 'earn'")
        return cursor.fetchall()


def test_what_is_appended_while_a_stream_is_read_again_is_not_missed(ledger, monkeypatch):
    shop(ledger, rounds=1)
    bad = ledger.member_of("c1")
    mend = poisoned(monkeypatch, BALANCE, e.ReceiptScanned, lambda at, _: at.stream == bad)
    shop_again = [receipt(card="c1", number=f"late{n}") for n in range(20)]
    ledger.catch_up()
    mend()
    read = type(ledger.log).by_stream

    def meanwhile(*arguments):
        if shop_again:
            ledger.record(shop_again.pop())
            ledger.catch_up()
        return read(*arguments)

    monkeypatch.setattr(type(ledger.log), "by_stream", meanwhile)
    assert ledger.unpark() == []
    assert not shop_again
    clean(ledger)


def test_the_command_line_names_it_and_tries_again(capsys, db, monkeypatch):
    till = Till(capsys, db)
    till("init", PROGRAMME, "--secret", SECRET)
    with LoyaltyLedger.open(db) as ledger:
        ledger.enrol("c1")
        bad = ledger.member_of("c1")
        mend = poisoned(monkeypatch, POINTS, e.ReceiptScanned, lambda at, _: at.stream == bad)
        shop(ledger, rounds=2, history=True)
        said, going = [], iter([False, False, True])
        ledger.follow(lambda: next(going), poll_ms=1, left_out=said.append)
    assert [one.stream for one in said] == [bad]
    [one] = till("status")["parked"]
    assert (one["projection"], one["stream"]) == ("points", bad.hex())
    assert bad.hex() in till("status", json_=False)
    told = till("unpark", code=4)
    assert (told["taken"], [one["stream"] for one in told["left"]]) == (0, [bad.hex()])
    mend()
    assert till("unpark", "points") == {"taken": 1, "left": []}
    assert till("status")["parked"] == []
    assert till("unpark", "nothing", code=1)["error"] == "input-invalid"
    till("verify")


def test_the_tail_of_a_rebuild_sets_aside_too(ledger, monkeypatch):
    """What is appended while a rebuild reads comes at its end, in the order of the log."""
    shop(ledger, rounds=2)
    ledger.catch_up()
    bad = ledger.member_of("c1")
    late = [receipt(card=f"c{n % 3}", number=f"late{n}") for n in range(9)]
    parts = rebuild.Rebuild._read_parts

    def meanwhile(self, *arguments):
        parts(self, *arguments)
        while late:
            ledger.record(late.pop())

    monkeypatch.setattr(rebuild.Rebuild, "_read_parts", meanwhile)
    first = max(row[2] for row in ledger.log.page(0, 10_000) if row[1] == bad) + 1
    mend = poisoned(
        monkeypatch, POINTS, e.ReceiptScanned, lambda at, _: (at.stream, at.version) == (bad, first)
    )
    ledger.rebuild()
    assert [(one.stream, one.version) for one in ledger.parked()] == [(bad, first)]
    mend()
    assert ledger.unpark() == []
    clean(ledger)


@pytest.mark.parametrize("meanwhile", ["unpark", "rebuild"])
def test_a_stream_that_another_left_elsewhere_meanwhile_is_read_from_there(
    ledger, monkeypatch, meanwhile
):
    """What it left at one version while this one had read from an earlier one counts once."""
    shop(ledger, rounds=1)
    bad = ledger.member_of("c1")
    first = max(row[2] for row in ledger.log.page(0, 10_000) if row[1] == bad) + 1

    def from_then_on(version):
        return poisoned(
            monkeypatch, BALANCE, e.ReceiptScanned,
            lambda at, _: at.stream == bad and at.version >= version,
        )  # fmt: skip

    mend = from_then_on(first)
    shop(ledger, rounds=8)
    ledger.catch_up()
    mend()
    mend = from_then_on(first + 4)
    read, others = ledger.engine._of_stream, [getattr(ledger, meanwhile)]

    def reading(*arguments):
        if others:
            others.pop()(["balance"])
        return read(*arguments)

    monkeypatch.setattr(ledger.engine, "_of_stream", reading)
    assert [(one.stream, one.version) for one in ledger.unpark()] == [(bad, first + 4)]
    mend()
    assert ledger.unpark() == []
    clean(ledger)


@pytest.mark.parametrize("again", ["unpark", "rebuild"])
def test_trying_again_does_not_go_on_with_a_rebuild_that_left_it_out(ledger, monkeypatch, again):
    shop(ledger, rounds=2)
    mend = poisoned(
        monkeypatch, RECEIPT, e.ReceiptScanned, lambda _, told: told.scan.number == "2-1"
    )
    ledger.catch_up()

    def stop(*_):
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(rebuild.Rebuild, "_follow", stop)
        with pytest.raises(InterruptedError):
            ledger.rebuild(["receipt"])
    mend()
    getattr(ledger, again)(["receipt"])
    assert ledger.parked() == []
    clean(ledger)


def test_nothing_is_set_aside_where_a_table_is_gone(ledger):
    shop(ledger, rounds=1)
    ledger.catch_up()
    with ledger.log.transaction(commit=True) as cursor:
        prefix = ledger.engine.reports.prefix
        cursor.execute(f"DROP VIEW {prefix}fct_points_movement")
        cursor.execute(f"DROP TABLE {prefix}fct_points_movement__a")
    shop(ledger, rounds=3)
    with pytest.raises(PersistenceError, match="fct_points_movement"):
        ledger.catch_up()
    assert not ledger.parked()
