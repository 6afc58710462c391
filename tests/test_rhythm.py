"""What is kept of a member's purchases: the same however the log is cut, and what an oracle says."""

import json
import random
from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from shop import DAY, NOW, back, line, receipt

from adapters.cli.main import main
from ledger.errors import InputInvalid, MemberUnknown
from ledger.policies.rhythm import DAYS, LATEST, Pace, pace, standing
from ledger.projections import engine, habits
from ledger.projections.habits import FRESH, TIME, VISIT, Fresh, Habits, fresh, step, taken
from ledger.projections.rhythm import FCT_MEMBER_GOODS, FCT_MEMBER_RHYTHM, RHYTHM, Rhythm, rhythms
from ledger.store.keys import ID_BYTES, MEMBER
from ledger.types import Level, Product

FIRST = bytes([MEMBER]).ljust(ID_BYTES, b"\0")


# --- taking receipts in ----------------------------------------------------------------------


def bought(rng, day):
    """Some goods on a day, now and then the same on two lines."""
    codes = tuple(f"p{rng.randrange(12)}" for _ in range(rng.randint(1, 5)))
    return Fresh(
        day, codes, b"", tuple(rng.randint(1, 3) for _ in codes),
        tuple(rng.randint(1, 900) for _ in codes),
    )  # fmt: skip


def oracle(receipts):
    """The same from the whole list, in the slow and plain way."""
    ordered = sorted(receipts, key=lambda one: one.day)
    goods = {}
    for number, one in enumerate(ordered):
        quantity, amount = Counter(), Counter()
        for code, pieces, minor in zip(one.codes, one.quantities, one.amounts_minor, strict=True):
            quantity[code] += pieces
            amount[code] += minor
        for code in quantity:
            goods.setdefault(code, []).append((number, one.day, quantity[code], amount[code]))
    told = {}
    for code, times in goods.items():
        told[code] = (len(times), times[0][:2], sum(time[3] for time in times), times[-LATEST:])
    visits = [(one.day, len(set(one.codes)), sum(one.amounts_minor)) for one in ordered]
    return told, visits


def shown(kept):
    goods = {}
    for code, packed in kept.goods.items():
        earlier, *times = TIME.iter_unpack(packed)
        count, first, spend = -earlier[0], [earlier[1:3]], earlier[3]
        if count <= 0:
            times, count, first, spend = [earlier, *times], 0, [], 0
        assert len(times) <= 2 * LATEST
        goods[code] = (
            count + len(times), min([*first, times[0][:2]]),
            spend + sum(time[3] for time in times), times[-LATEST:],
        )  # fmt: skip
    return goods, list(VISIT.iter_unpack(kept.latest))


@pytest.mark.parametrize("late", [0, 3, 100])
@pytest.mark.parametrize("seed", range(6))
def test_taken_in_by_parts_receipts_are_what_they_are_at_once(seed, late):
    """Of a hundred receipts so many were recorded out of their order."""
    rng = random.Random(seed)
    days = sorted(rng.randrange(60) for _ in range(90))
    for _ in range(late):
        days.insert(rng.randrange(90), days.pop(rng.randrange(90)))
    receipts = [bought(rng, day) for day in days]
    kept = Habits()
    left = list(receipts)
    while left:
        some = rng.randint(1, 20)
        kept, left = taken(kept, left[:some]), left[some:]
        done = receipts[: len(receipts) - len(left)]
        assert shown(kept) == oracle(done)
        first = min(done, key=lambda one: one.day)
        assert kept.visits == len(done)
        assert (kept.first_day, kept.first_size) == (first.day, len(set(first.codes)))


def test_beyond_the_bound_what_was_not_bought_for_longest_is_let_go(monkeypatch):
    monkeypatch.setattr(habits, "GOODS", 2)
    day = [Fresh(n, (code,), b"", (1,), (100,)) for n, code in enumerate("abcab")]
    kept = taken(Habits(), day)
    assert sorted(kept.goods) == ["a", "b"]
    kept = taken(kept, [Fresh(9, ("c",), b"", (1,), (100,))])
    assert sorted(kept.goods) == ["b", "c"]
    assert shown(kept)[0]["c"][0] == 1, "it begins anew"
    assert kept.visits == 6


def test_beyond_the_bound_a_late_visit_counts_as_before_those_that_are_kept(monkeypatch):
    monkeypatch.setattr(habits, "VISITS", 3)
    kept = taken(Habits(), [Fresh(10 * n, ("a",), b"", (1,), (100,)) for n in range(1, 7)])
    kept = taken(kept, [Fresh(25, ("b",), b"", (1,), (100,)), Fresh(5, ("c",), b"", (1,), (100,))])
    goods, visits = shown(kept)
    assert [day for day, _, _ in visits] == [40, 50, 60]
    assert goods["c"][1] == (0, 5)
    assert goods["b"][1] == (4, 25), "after those of which no day is known any more"
    assert [number for number, *_ in goods["a"][3]] == [1, 2, 3, 5, 6, 7]
    assert kept.first_day == 5


def test_receipts_are_taken_in_at_steps_that_grow_once():
    at = [visits for visits in range(1, 1_200) if visits % step(visits) == 0]
    assert at[:6] == [32, 64, 96, 128, 192, 256]
    for before, later in pairwise([0, *at]):
        assert [fresh(v) for v in range(before, later)] == list(range(later - before))
        assert later - before <= 2 * FRESH, "so what waits is bounded"


def test_the_pace_of_the_latest_days_is_the_pace_of_all():
    rng = random.Random(7)
    days = sorted(rng.sample(range(400), 40))
    for count in range(1, 40):
        known = days[:count]
        assert pace(known[-DAYS:]) == pace(known)
    assert pace([3]) == Pace(3, 14, 0, 0)
    assert pace([3, 10]) == Pace(10, 14, 14, 7)


# --- the projection --------------------------------------------------------------------------


def shopping(members=4, visits=80, seed=3):
    """Receipts in the order of their recording: some late, some of several on a day."""
    rng = random.Random(seed)
    made = []
    for member in range(members):
        days = sorted(rng.randrange(visits * 2) for _ in range(visits))
        for _ in range(3):
            days.insert(rng.randrange(visits), days.pop(rng.randrange(visits)))
        for at, day in enumerate(days):
            goods = [line(rng.randint(1, 900), f"p{rng.randrange(30)}", rng.randint(1, 3))]
            goods += [line(50, goods[0].product)] * (at % 9 == 0)
            goods += [line(25, "bottle", kind="deposit")] * (at % 5 == 0)
            one = receipt(
                *goods,
                card=f"c{member}",
                at=NOW - DAY * (visits * 2 + 20 - day) + rng.randrange(DAY),
            )
            made.append((at, member, one))
    return [one for *_, one in sorted(made, key=lambda row: row[:2])]


def put(ledger, receipts):
    for outcome in ledger.record_all(list(receipts), history=True, enrol=True):
        assert not isinstance(outcome, Exception), outcome


def rows(ledger):
    """By card's member: what is kept, as Python sees it."""
    with ledger.reading() as reader:
        found = rhythms(reader, FIRST, bytes([MEMBER + 1]), 1_000)
    return {member: (one, one.habits()) for member, one in found}


@pytest.mark.parametrize("seed", range(3))
def test_a_long_history_is_kept_whatever_it_is_cut_into(seed):
    """Written to rows and read again between any two parts, beyond where steps grow."""
    rng = random.Random(seed)
    receipts = [bought(rng, rng.randrange(day, day + 3)) for day in range(300)]
    news = [
        (n, NOW + n, one.day, sum(one.amounts_minor),
         msgspec.msgpack.encode((one.day, one.codes, b"", one.quantities, one.amounts_minor)))
        for n, one in enumerate(receipts)
    ]  # fmt: skip
    member = b"\x01" * ID_BYTES
    rhythm, left = Rhythm(), list(news)
    while left:
        some = rng.choice([1, 3, 50, 130])
        rhythm.take(left[:some])
        left = left[some:]
        goods = habits.encode(rhythm.goods) if rhythm.goods else None
        rhythm = Rhythm(rhythm.row(member))
        rhythm.goods = habits.decode(goods) if goods else None
    goods, visits = oracle(receipts)
    assert shown(rhythm.habits()) == (goods, visits[-habits.VISITS :])
    once = Rhythm()
    once.take(news)
    assert once.row(member) == rhythm.row(member)
    assert habits.encode(once.goods) == habits.encode(rhythm.goods)


@pytest.mark.parametrize("batch", [1, 7, 5_000])
def test_rows_are_the_same_whatever_the_batch_and_rebuilt(ledger, monkeypatch, batch):
    """Goods are packed at the same visit, also where a batch ends on it or has several."""
    made = shopping(2 if batch == 1 else 4)
    put(ledger, made)
    ledger.close_member("c0", "moved", "Ada", "close")
    ledger.catch_up()
    live = ledger.digests()[RHYTHM.name]
    monkeypatch.setattr(engine, "BATCH", batch)
    ledger.rebuild([RHYTHM.name])
    assert ledger.digests()[RHYTHM.name] == live
    followed = ledger.engine
    with ledger.log.transaction(commit=True) as cursor:
        place = followed.places(cursor)[RHYTHM.name]
        for table in RHYTHM.tables:
            cursor.execute(f"DELETE FROM {followed.reports.name(table, place)}")
        ledger.log.untrack(cursor, f"{RHYTHM.name}.{place}")
        followed.reports.advance(cursor, {RHYTHM.name: place}, 0)
    ledger.catch_up()
    assert ledger.digests()[RHYTHM.name] == live
    assert ledger.verify().clean
    with ledger.reading() as reader:
        goods = reader.rows(f"SELECT count(*) FROM {reader.name(FCT_MEMBER_GOODS)}", ())
    assert goods[0][0] == (2 if batch == 1 else 4)


def test_rows_are_what_an_oracle_says_of_the_receipts(ledger):
    made = shopping()
    put(ledger, made)
    found = rows(ledger)
    assert len(found) == 4
    for member in range(4):
        own = [one for one in made if one.card == f"c{member}"]
        sold = [
            Fresh(
                int(one.captured_at.timestamp()) // DAY,
                tuple(x.product for x in one.lines if x.kind == "sale"), b"",
                tuple(x.quantity for x in one.lines if x.kind == "sale"),
                tuple(x.amount_minor for x in one.lines if x.kind == "sale"),
            )
            for one in own
        ]  # fmt: skip
        rhythm, kept = found[ledger.member_of(f"c{member}")]
        assert shown(kept) == oracle(sold)
        days = sorted({one.day for one in sold})
        assert (rhythm.visits, rhythm.days) == (80, days[-DAYS:])
        assert rhythm.spend_minor == sum(sum(one.amounts_minor) for one in sold)


def test_the_columns_tell_the_pace_and_who_is_gone(ledger):
    days = (40, 33, 26, 19, 12)
    put(ledger, [receipt(line(300, "tea"), card="a", at=NOW - DAY * d) for d in days])
    put(ledger, [receipt(line(300, "tea"), card="b", at=NOW - DAY * 3)])
    bottle = receipt(line(25, "bottle", kind="deposit"), card="b", at=NOW - DAY)
    put(ledger, [bottle, receipt(line(9, "oops", voided=True), card="d", at=NOW)])
    ledger.enrol("c")
    ledger.close_member("c", "moved", "Ada", "close")
    tea = receipt(line(400, "tea"), card="b", at=NOW - DAY)
    put(ledger, [tea, receipt(back(tea), card="b", at=NOW)])

    of = {card: ledger.member_of(card) for card in "abcd"}

    def told(card):
        with ledger.reading() as reader:
            return reader.rows(
                "SELECT visits, spend_minor, first_day, last_day, interval_days, before_days,"
                f" away_days, gone FROM {reader.name(FCT_MEMBER_RHYTHM)} WHERE member_id = ?",
                (of[card],),
            )

    today = NOW // DAY
    assert told("a") == [(5, 1500, today - 40, today - 12, 7, 7, 7, 0)]
    assert told("b") == [(2, 700, today - 3, today - 1, 14, 14, 2, 0)], "what came back was wanted"
    assert told("c") == [(0, 0, None, None, 0, 0, 0, 1)]
    assert told("d") == []
    gone = {of[card] for card in "ab"}
    ledger.merge("a", "b", "twins", "Ada", "m1")
    gone.discard(ledger.member_of("a"))
    (merged,) = [card for card in "ab" if of[card] in gone]
    assert told(merged)[0][-1] == 1
    ledger.unmerge("m1", "Ada", "u1")
    assert told(merged)[0][-1] == 0
    ledger.close_member("a", "moved", "Ada", "close-a")
    ledger.erase_member("a", "asked", "Ada", "e1")
    assert told("a")[0][-1] == 1


# --- one member ------------------------------------------------------------------------------


def test_a_habit_of_a_product_and_of_a_group_is_what_an_oracle_says(ledger):
    """Groups from what is kept of their products, which are let go at different times."""
    made = shopping(2, visits=130)
    put(ledger, made)
    for number in range(30):
        group = Level(f"g{number % 3}"), Level("all")
        ledger.describe_product(Product(f"p{number}", f"P {number}", group if number else ()))
    today = NOW // DAY
    own = [one for one in made if one.card == "c1"]
    own.sort(key=lambda one: int(one.captured_at.timestamp()) // DAY)  # as recorded, on a day
    for level in (0, 1, 2):
        view = ledger.rhythm_of("c1", level)
        assert view.visits == 130
        told = {one.code: one for one in view.habits}
        bought_on = {}
        for number, one in enumerate(own):
            for x in one.lines:
                if x.kind == "sale":
                    code = int(x.product[1:])
                    name = (x.product, f"g{code % 3}", "all")[level] if code or not level else ""
                    day = int(one.captured_at.timestamp()) // DAY
                    bought_on.setdefault(name, {}).setdefault((number, day), []).append(x)
        assert set(told) == set(bought_on)
        for name, visits in bought_on.items():
            days = [day for _, day in visits]
            lines = list(visits.values())
            assert told[name].first_day == days[0]
            assert told[name].last_day == days[-1]
            assert told[name].spend_minor == sum(x.amount_minor for some in lines for x in some)
            assert told[name].paid_minor == sum(x.amount_minor for x in lines[-1])
            gaps = sorted(b - a for a, b in pairwise(days[-LATEST:]))
            assert told[name].every_days == (gaps[(len(gaps) - 1) // 2] if gaps else 0)
            if not level:
                counts = sorted(sum(x.quantity for x in some) for some in lines[-LATEST:])
                assert told[name].quantity == counts[(len(counts) - 1) // 2]
                assert told[name].purchases == len(visits)
            assert told[name].rhythm == (
                standing(told[name].every_days, today - days[-1]) if len(days) > 1 else "once"
            )
    most = [one.purchases for one in ledger.rhythm_of("c1").habits]
    assert most == sorted(most, reverse=True)


def test_who_bought_nothing_has_no_rhythm_and_a_wrong_level_is_refused(ledger):
    ledger.enrol("c1")
    assert ledger.rhythm_of("c1") is None
    with pytest.raises(InputInvalid) as refused:
        ledger.rhythm_of("c1", 5)
    assert refused.value.field == "level"
    with pytest.raises(MemberUnknown):
        ledger.rhythm_of("nobody")


def test_on_the_command_line(ledger, db, capsys):
    put(ledger, [receipt(line(300, "tea", 2), card="c1", at=NOW - DAY * d) for d in (19, 12, 5)])
    ledger.enrol("c2")
    ledger.close()
    assert main(["rhythm", "c1", "--db", db]) == 0
    shown = capsys.readouterr().out
    assert "3 visits from" in shown
    assert "tea" in shown
    assert main(["rhythm", "c1", "--db", db, "--level", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["code"], one["purchases"], one["quantity"]) for one in told["habits"]] == [
        ("", 3, 1)
    ]
    assert main(["rhythm", "c2", "--db", db]) == 0
    assert "Nothing" in capsys.readouterr().out
