"""Lists are the same bytes from rows and from the log, and a past day's what they were then."""

import hashlib
import random
import threading

import numpy as np
import pytest
from eventsourcing.persistence import OperationalError
from msgspec.structs import replace
from shop import DAY, NOW, back, line, receipt
from test_offer_lists import shopping, told

from ledger.forecast.moment import Moment
from ledger.forecast.pairs import own_at
from ledger.forecast.population import unpacked
from ledger.forecast.purchases import purchases
from ledger.offers.histories import Histories, cut_at
from ledger.projections.rhythm import RHYTHM, rhythms

pytest.importorskip("numpy")
pytest.importorskip("sklearn")

TODAY = NOW // DAY


def of_each_kind(ledger):
    """A year of everything that can happen to members; the lists at the end of some days of it."""
    rng = random.Random(11)
    made = sorted(shopping(members=12, days=400), key=lambda one: one.captured_at)
    waiting = []
    lists = {}
    ledger.clock.now = NOW - 400 * DAY
    for month in range(0, 420, 30):
        ledger.clock.now = NOW + DAY * (month - 399) + 3_600
        until = ledger.clock.now
        due = [one for one in made if one.captured_at.timestamp() < until] + waiting
        made = made[len(due) - len(waiting) :]
        waiting = [one for one in due if rng.randrange(20) == 0] if made else []
        now = [one for one in due if one not in waiting]
        rng.shuffle(now)
        for outcome in ledger.record_all(now, enrol=True):  # of history, the past would change
            assert not isinstance(outcome, Exception), outcome
        strange(ledger, month, now)
        if month in {120, 270, 390}:
            day = ledger.clock.now // DAY
            ledger.fit_offers("mara", f"fit-{month}")
            lists[day] = told(ledger)
    return lists


def strange(ledger, month, now):
    """What is no plain receipt, now and then."""
    if month == 90:
        ledger.close_member("c00", "moved", "Ada", "close-0")
    if month == 120:
        ledger.merge("c01", "c02", "twins", "Ada", "m1")
        nameless = receipt(line(5, "late"), at=ledger.clock.now - DAY)
        ledger.record(nameless)
    if month == 150:
        ledger.merge("c03", "c04", "twins", "Ada", "m2")
    if month == 210:
        ledger.unmerge("m2", "Ada", "u2")
    if month == 240:
        ledger.close_member("c05", "moved", "Ada", "close-5")
        ledger.erase_member("c05", "asked", "Ada", "erase-5")
    bought = [one for one in now if one.card == "c06"]
    if month >= 180 and bought:
        ledger.record(receipt(back(bought[-1]), card="c06", at=ledger.clock.now - 60))
        twice = [line(50, "tea"), line(70, "tea", 2), line(25, "bottle", kind="deposit")]
        ledger.record(receipt(*twice, card="c06", at=ledger.clock.now - 30 * DAY))


def counted(monkeypatch):
    """How often the log is read."""
    calls = []
    real = Histories._logged

    def logged(self, part):
        calls.append(part)
        return real(self, part)

    monkeypatch.setattr(Histories, "_logged", logged)
    return calls


def test_rows_and_log_make_the_same_lists_on_any_day(ledger, monkeypatch):
    then = of_each_kind(ledger)
    days = [*then, TODAY - 200, TODAY - 10, None]
    from_log = {}
    calls = counted(monkeypatch)
    monkeypatch.setattr(Histories, "_few_changed", lambda *_: False)
    for day in days:
        from_log[day] = told(ledger, as_of=day)
    assert len(calls) == len(days), "one reading each, as models have the population"
    monkeypatch.setattr(Histories, "_few_changed", lambda *_: True)
    for day in days:
        calls.clear()
        assert told(ledger, as_of=day) == from_log[day], day
        assert bool(calls) == (day is not None and day < max(then))
    for day, lists in then.items():
        assert from_log[day] == lists, "as it was told then"
    models = {model for model, _ in from_log.values()}
    assert len(models) == 3
    assert all(len(lists) >= 8 for _, lists in from_log.values())


def test_both_ways_count_the_same_crowd_without_a_model(ledger, monkeypatch):
    put = sorted(shopping(members=9), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    monkeypatch.setattr("ledger.offers.schedule.CROWD", 4)
    whole = told(ledger)
    monkeypatch.setattr(Histories, "_few_changed", lambda *_: False)
    assert told(ledger) == whole
    assert whole[0] == ""


def test_where_much_has_changed_since_the_log_is_read_for_everybody(ledger, monkeypatch):
    calls = counted(monkeypatch)
    put = sorted(shopping(members=8), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    ledger.fit_offers("mara", "fit-1")
    ledger.clock.now += DAY
    for member in range(2):
        ledger.record(receipt(line(9, "new"), card=f"c{member:02}", at=NOW + 60))
    calls.clear()
    told(ledger, as_of=TODAY)
    assert len(calls) == 2, "a quarter is few: only theirs"
    ledger.record(receipt(line(9, "new"), card="c02", at=NOW + 60))
    calls.clear()
    told(ledger, as_of=TODAY)
    assert len(calls) == 1, "one reading for all"
    calls.clear()
    assert len(told(ledger, card="c03")[1]) == 1
    assert calls == []


def test_a_member_that_the_report_leaves_out_has_a_list_all_the_same(ledger, monkeypatch):
    put = sorted(shopping(members=6), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    whole = told(ledger)
    with ledger.log.transaction(commit=True) as cursor:
        place = ledger.engine.places(cursor)[RHYTHM.name]
        row = ledger.log.page(40, 1, cursor)[0]
        ledger.engine._parking.park(cursor, RHYTHM.name, place, row, ValueError("odd"))
        for table in RHYTHM.tables:
            cursor.execute(f"DELETE FROM {ledger.engine.reports.name(table, place)}")
    assert told(ledger) == whole


def test_a_page_of_rows_is_read_by_itself(ledger, monkeypatch):
    """Whoever writes between two pages is not held up, and what is new is not in the lists."""
    put = sorted(shopping(members=8), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    ledger.fit_offers("mara", "fit-1")
    whole = told(ledger)
    monkeypatch.setattr("ledger.offers.schedule.MEMBERS", 3)
    lists = ledger.offer_lists().lists
    first = next(lists)
    ledger.record_all(
        [receipt(line(9, "new"), card=f"c{n:02}", at=NOW - 60) for n in range(8)], history=True
    )
    ledger.catch_up()
    members = [first, *lists]
    assert [one.member.hex() for one in members] == [one["member"] for one in whole[1]]
    assert [one.shopping.visits for one in members] == [one["visits"] for one in whole[1]]


def some_members(ledger, count):
    made = [receipt(line(300, "tea"), card=f"c{n}", at=NOW - DAY) for n in range(count)]
    for outcome in ledger.record_all(made, history=True, enrol=True):
        assert not isinstance(outcome, Exception), outcome
    return ledger.histories(cut_at(ledger.log, TODAY, "UTC"))


def test_members_are_read_ahead_each_once_in_their_order(ledger):
    histories = some_members(ledger, 7)
    for size in (1, 2, 7, 8):
        pages = list(histories.by(size))
        assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
        members = [one.member for page in pages for one in page]
        assert members == sorted(ledger.member_of(f"c{n}") for n in range(7))


def test_a_page_that_cannot_be_read_is_an_error_where_its_members_would_be(ledger, monkeypatch):
    histories, reads = some_members(ledger, 3), []

    def failing(*args):
        reads.append(args)
        if len(reads) == 2:
            raise OperationalError("the disk is gone")
        return rhythms(*args)

    monkeypatch.setattr("ledger.offers.histories.rhythms", failing)
    pages = histories.by(1)
    assert len(next(pages)) == 1
    with pytest.raises(OperationalError):
        next(pages)


def test_who_reads_no_further_leaves_no_reader_behind(ledger):
    pages = some_members(ledger, 3).by(1)
    next(pages)
    pages.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ledger-lists")]


def test_what_a_crowd_of_another_day_has_of_a_member_is_what_the_member_was_then():
    """Told from what is kept now, as far as the latest eight purchases reach back."""
    rng = np.random.default_rng(3)
    member = np.repeat(np.arange(20), 60)
    day = np.concatenate([np.sort(rng.integers(0, 100, 60)) for _ in range(20)])
    bought = purchases(member, day, day, rng.integers(0, 40, len(member)))
    known = bought.known_on(80)
    then = Moment.at(bought, known, np.full(20, 80), dated=True)
    now = Moment.at(bought, bought.visits, np.full(20, 99), dated=True)
    own = own_at(now.pairs, np.ones(20, np.int64), bought.visits - known)
    keys = {
        key: at for at, key in enumerate(zip(then.pairs.member, then.pairs.item, strict=True))
    }  # fmt: skip
    for at, key in enumerate(zip(now.pairs.member, now.pairs.item, strict=True)):
        mine = [column[at] for column in own]
        if key not in keys:
            assert mine == [0, 0, 0, 0, 0], "it was bought later"
            continue
        assert mine == pytest.approx([column[keys[key]] for column in then.own])
    apart = own_at(now.pairs, np.zeros(20, np.int64), bought.visits - known)
    assert not np.any(apart)


def test_the_population_is_recorded_with_the_model_and_nobody_else_is_read(ledger, monkeypatch):
    put = sorted(shopping(members=20), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    before = told(ledger)
    fitted = ledger.event(ledger.fit_offers("mara", "fit-1"))
    assert fitted.digest == hashlib.sha256(fitted.model + fitted.population).hexdigest()
    known = unpacked(fitted.population)
    assert known.packed() == fitted.population
    assert (known.crowd.members, known.day) == (20, TODAY)
    assert before[0] == ""
    read = []
    real = Histories.by

    def by(self, size, *part):
        for some in real(self, size, *part):
            read.extend(one.member for one in some)
            yield some

    monkeypatch.setattr(Histories, "by", by)
    told(ledger, card="c07")
    assert read == [ledger.member_of("c07")]


def test_a_model_of_before_has_no_population_and_a_sample_is_counted(ledger, monkeypatch):
    put = sorted(shopping(members=20), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    fitted = ledger.event(ledger.fit_offers("mara", "fit-1"))
    whole = told(ledger)
    without = replace(fitted, population=b"")
    monkeypatch.setattr("ledger.offers.plan.fitted_by", lambda *_: without)
    assert told(ledger) == whole


def test_what_is_new_since_the_model_is_told_to_nobody_but_who_bought_it(ledger):
    """So a list is the same, whoever else is asked about."""
    put = sorted(shopping(members=9), key=lambda one: one.captured_at)
    ledger.record_all(put, history=True, enrol=True)
    ledger.fit_offers("mara", "fit-1")
    ledger.clock.now += DAY
    ledger.record(receipt(line(9, "A new one"), line(9, "P00"), card="c03", at=NOW + 60))
    _, lists = told(ledger, lines=100)
    having = [one["member"] for one in lists if "A new one" in {x["product"] for x in one["lines"]}]
    assert having == [ledger.member_of("c03").hex()]
    for card in ("c02", "c03", "c04"):
        (alone,) = told(ledger, card=card, lines=100)[1]
        assert alone in lists
