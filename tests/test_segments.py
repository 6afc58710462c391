"""Segments through the door, on both stores: of a thousand members, and of a few worked out by hand."""

import datetime as dt
from collections import Counter

import pytest
from shop import DAY, NOW, back, key, line, receipt
from till import TEXT, Till, write

from ledger.application import LoyaltyLedger
from ledger.application.segments import NONE, Moved, SegmentQuery
from ledger.errors import InputInvalid, RebuildNeeded
from ledger.policies.segments import ONE_OFF, SEGMENTATIONS
from ledger.programme import Segments
from ledger.projections.buying import Wanted, Window, lines, profiles, typical_minor, who, window_of
from ledger.projections.purchase import FCT_PURCHASE
from ledger.types import Level, Product, date_of, day_of

LAST = day_of(dt.date(2025, 12, 31))
RICE, OTHER = "2000000000145", "2000000000343"
BRANDS = '[segments.loyalty]\nown_brands = ["Ours"]\n'


def members_of(ledger, report):
    """Segment by card, for cards that a test knows."""
    return lambda card: report.of.get(ledger.member_of(card), NONE)


def ask(ledger, by, as_of=LAST, **more):
    return ledger.segments(SegmentQuery(by, as_of, **more))


def counts(report):
    return {one.segment: one.members for one in report.counts if one.members}


def put(ledger, *receipts):
    """Record what was bought in the past, making members of the cards."""
    for outcome in ledger.record_all(receipts, history=True, enrol=True):
        assert not isinstance(outcome, Exception), outcome


def bought(card, day, amount=1000, **fields):
    """A receipt at noon of so many days before the last."""
    return receipt(line(amount), card=card, at=NOW - DAY * (1 + day) + DAY // 2, **fields)


# --- what it must show -------------------------------------------------------------------


def thousand(more=()):
    """Four receipts each, some rice on each; `c0999` spends most, `c0000` least."""
    made = [
        receipt(
            line(2_000 + 10 * n), line(200, RICE, 1 + n % 3), card=f"c{n:04}",
            at=NOW - DAY * (30 + 80 * quarter + n % 7),
        )
        for n in range(1000)
        for quarter in range(4)
    ]  # fmt: skip
    return [*made, *more]


def test_of_a_thousand_the_pyramid_has_10_40_150_800_and_not_the_wedding(ledger):
    wedding = receipt(line(700_000), card="c0007", at=NOW - 50 * DAY)
    stranger = receipt(line(900_000), card="stranger", at=NOW - 60 * DAY)
    put(ledger, *thousand([wedding, stranger]))
    report = ask(ledger, "pyramid")
    levels = counts(report)
    assert levels == {"top": 10, "high": 40, "middle": 150, "rest": 800, ONE_OFF: 1}
    of = members_of(ledger, report)
    assert [of("c0999"), of("c0990"), of("c0989"), of("c0950"), of("c0949")] == [
        "top", "top", "high", "high", "middle",
    ]  # fmt: skip
    assert of("c0007") == "rest", "he has his level by what he buys else"
    assert of("stranger") == ONE_OFF, "she is in no level at all"
    profile = report.profiles[ledger.member_of("c0007")]
    assert (profile.spend_minor, profile.one_off_minor) == (4 * 2_270, 700_000)


def test_of_a_thousand_the_heavy_rice_buyer_is_in_the_top_fifth_of_rice(ledger):
    rice = [
        receipt(line(150, RICE, 5), card="c0000", at=NOW - DAY * (10 + 60 * n)) for n in range(5)
    ]
    nobody = receipt(line(5_000), card="no-rice", at=NOW - DAY)
    put(ledger, *thousand([*rice, nobody]))
    report = ask(ledger, "top", product=RICE)
    assert counts(report) == {"top": 200, "rest": 800}
    of = members_of(ledger, report)
    assert (of("c0000"), of("c0003"), of("no-rice")) == ("top", "rest", NONE)
    assert next(iter(report.of)) == ledger.member_of("c0000")
    goods = report.profiles[ledger.member_of("c0000")].goods
    assert (goods.receipts, goods.quantity) == (9, 29)
    assert members_of(ledger, ask(ledger, "pyramid"))("c0000") == "rest"


# --- windows and movement ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "last", "first"),
    [
        ("12m", "2025-12-31", "2025-01-01"), ("12m", "2024-02-29", "2023-03-01"),
        ("1m", "2025-02-28", "2025-02-01"), ("1m", "2025-03-30", "2025-02-28"),
        ("1d", "2025-03-30", "2025-03-30"), ("90d", "2025-03-31", "2025-01-01"),
    ],
)  # fmt: skip
def test_a_window_ends_with_its_day_and_a_month_begins_the_day_after_its_last(text, last, first):
    window = window_of(text, day_of(dt.date.fromisoformat(last)))
    assert str(date_of(window.first)) == first
    assert str(date_of(window.last)) == last


def test_only_what_was_bought_in_the_window_counts_both_ends_included(ledger):
    put(ledger, *(bought(f"c{day}", day) for day in (0, 29, 30)), bought("early", 31))
    of = members_of(ledger, ask(ledger, "pyramid", LAST - 1, window="30d"))
    assert [of("c0"), of("c29") != NONE, of("c30") != NONE, of("early")] == [NONE, True, True, NONE]


def test_movement_counts_who_stayed_who_came_who_left_and_who_moved(ledger):
    for card, early, late in (
        ("up", 1, 9),
        ("down", 9, 1),
        ("stays", 3, 3),
        ("left", 2, 0),
        ("new", 0, 2),
    ):
        put(ledger, *(bought(card, 300 - n, 1000) for n in range(early)))
        put(ledger, *(bought(card, 100 - n, 1000) for n in range(late)))
    report = ask(ledger, "core", window="180d", against=LAST - 200)
    assert counts(report) == {"potential": 2, "occasional": 2}
    assert report.moves == [
        ("potential", "potential", 1),
        ("potential", "occasional", 1),
        ("occasional", "potential", 1),
        ("occasional", NONE, 1),
        (NONE, "occasional", 1),
    ]
    moves = {"up": ("occasional", "potential"), "down": ("potential", "occasional"),
             "left": ("occasional", NONE), "new": (NONE, "occasional")}  # fmt: skip
    assert report.moved == sorted(Moved(ledger.member_of(c), *pair) for c, pair in moves.items())


# --- returns, attribution, merges ----------------------------------------------------------


def spent(ledger, card, **more):
    found = ask(ledger, "pyramid", **more).profiles.get(ledger.member_of(card))
    return (
        (found.receipts, found.spend_minor, date_of(found.last_day).isoformat()) if found else None
    )


def test_what_came_back_is_off_the_day_it_was_bought_on_until_that_is_voided(ledger):
    ledger.enrol("c1")
    first, second = bought("c1", 50, 3000), bought("c1", 40, 1000)
    put(ledger, first, second)
    by = receipt(back(first, amount_minor=1000), card="c1", at=NOW)
    ledger.record(by)
    assert spent(ledger, "c1", as_of=LAST + 1) == spent(ledger, "c1") == (2, 3000, "2025-11-21")
    assert spent(ledger, "c1", window="45d") == (1, 1000, "2025-11-21"), (
        "the return is of the other"
    )
    ledger.return_goods(key(second), "r1")
    assert spent(ledger, "c1") == (1, 2000, "2025-11-11"), "nothing is left of the second"
    ledger.void_return(key(second), "r1", "v1")
    ledger.void_return(key(first), key(by), "v2")
    assert spent(ledger, "c1") == (2, 4000, "2025-11-21")


def test_what_came_back_without_a_receipt_is_off_the_spend_alone(ledger):
    put(ledger, bought("c1", 40, 3000))
    ledger.return_without_receipt("c1", 800, "Ada", "l1")
    assert spent(ledger, "c1", as_of=LAST + 1) == (1, 2200, "2025-11-21")


def test_goods_brought_back_on_a_receipt_of_other_goods_leave_it_its_day(ledger):
    late = dt.datetime(2025, 12, 30, 23, 30, tzinfo=dt.UTC)  # the programme's zone has the 31st
    loose = line(-300, quantity=-1, kind="return")
    put(ledger, receipt(line(1000), loose, card="c1", at=int(late.timestamp())))
    assert spent(ledger, "c1") == (1, 700, "2025-12-30")


def test_what_is_usual_is_the_median_receipt_of_which_something_is_left(ledger):
    for number, amount in enumerate((100, 300, 500, 700, 9000)):
        put(ledger, bought(f"c{number}", 40, amount))
    with ledger.reading() as reader:
        assert typical_minor(reader, Window(LAST - 50, LAST)) == 500
        assert typical_minor(reader, Window(LAST - 30, LAST)) == 0
    put(ledger, bought("c5", 40, 400))
    with ledger.reading() as reader:
        assert typical_minor(reader, Window(LAST - 50, LAST)) == 400, "of two the lower"


def test_a_receipt_attributed_later_counts_on_its_own_day(ledger):
    ledger.enrol("c1")
    nameless = receipt(line(1000, RICE, 4), line(500), at=NOW - 20 * DAY)
    ledger.record(nameless)
    ledger.return_goods(key(nameless), "r1", {1: 1})
    ledger.attribute(key(nameless), "c1")
    assert spent(ledger, "c1") == (1, 1250, "2025-12-12")
    (goods,) = (p.goods for p in ask(ledger, "top", product=RICE).profiles.values())
    assert goods == (1, 3, 750)


def test_members_merged_are_one_and_parted_are_two_with_what_came_back_of_each(ledger):
    of_a, of_b = bought("a1", 50, 3000), bought("b1", 40, 1000)
    put(ledger, of_a, bought("a1", 60, 200), of_b, bought("c1", 40, 500))
    ledger.merge("a1", "b1", "twins", "Ada", "m1")
    assert spent(ledger, "b1") == (3, 4200, "2025-11-21")
    assert len(ask(ledger, "pyramid").of) == 2
    ledger.return_goods(key(of_a), "r1")
    assert spent(ledger, "b1") == (2, 1200, "2025-11-21")
    ledger.merge("b1", "c1", "triplets", "Ada", "m2")
    assert spent(ledger, "c1") == (3, 1700, "2025-11-21"), "merged twice over"
    ledger.unmerge("m2", "Ada", "u2")
    ledger.unmerge("m1", "Ada", "u1")
    assert spent(ledger, "b1") == (1, 1000, "2025-11-21")
    assert spent(ledger, "a1") == (1, 200, "2025-11-01"), "the other came back"
    ledger.void_return(key(of_a), "r1", "v1")
    assert spent(ledger, "a1") == (2, 3200, "2025-11-11")


def test_goods_of_merged_members_are_counted_together(ledger):
    put(
        ledger,
        *(receipt(line(100, RICE, n), card=c, at=NOW - 9 * DAY) for c, n in (("a1", 2), ("b1", 3))),
    )
    ledger.merge("a1", "b1", "twins", "Ada", "m1")
    report = ask(ledger, "top", product=RICE)
    assert report.profiles[ledger.member_of("b1")].goods == (2, 5, 200)
    assert list(report.of.values()) == ["top"]


def test_who_was_closed_by_the_last_day_is_in_no_segment(ledger, clock):
    put(ledger, bought("c1", 40), bought("c2", 40))
    clock.now = NOW + DAY
    ledger.close_member("c1", "moved", "Ada", "x1")
    assert len(ask(ledger, "pyramid", LAST).of) == 2, "then it was open still"
    assert list(ask(ledger, "pyramid", LAST + 2).of) == [ledger.member_of("c2")]
    put(ledger, bought("c3", 40))
    ledger.merge("c3", "c2", "twins", "Ada", "m1")
    ledger.close_member("c2", "moved", "Ada", "x2")
    assert len(ask(ledger, "pyramid", LAST).of) == 2
    assert ask(ledger, "pyramid", LAST + 2).of == {}


# --- goods and hours ---------------------------------------------------------------------


def test_quantities_are_the_products_own_or_pieces_and_voided_lines_and_deposits_are_none(ledger):
    lines = (
        line(300, RICE, 1500, unit="gram", category="rice"), line(100, RICE, 500, unit="gram", category="rice"),
        line(200, OTHER, 2, category="rice"), line(900, OTHER, 9, category="rice", voided=True),
        line(25, "crate", kind="deposit", category="rice"),
    )  # fmt: skip
    bought_goods = receipt(*lines, card="c1", at=NOW - 9 * DAY)
    put(ledger, bought_goods)
    ledger.return_goods(key(bought_goods), "r1", {1: 500})

    def goods(**more):
        return next(iter(ask(ledger, "top", **more).profiles.values())).goods

    assert goods(product=RICE) == (1, 1500, 300)
    assert goods(category="rice") == (1, 4, 500)


def test_a_one_off_promotes_nobody_in_the_goods_either(ledger):
    put(ledger, *(receipt(line(100, RICE), card="c1", at=NOW - n * DAY) for n in (9, 19, 29)))
    put(ledger, *(receipt(line(100, RICE, 2), card="c2", at=NOW - n * DAY) for n in (9, 19, 29)))
    put(ledger, receipt(line(100_000, RICE, 900), card="c1", at=NOW - 5 * DAY))
    report = ask(ledger, "top", product=RICE)
    assert list(report.of) == [ledger.member_of("c2"), ledger.member_of("c1")]


def test_loyalty_goes_by_the_brands_that_the_programme_calls_own(ledger_under):
    ledger = ledger_under(BRANDS)
    for card, brand in (("own", "Ours"), ("theirs", "Theirs"), ("both", ""), ("unsaid", "")):
        brands = ["Ours", "Theirs"] if card == "both" else [brand]
        lines = (line(100, f"p-{b}", category="rice", brand=b) for b in brands)
        put(ledger, receipt(*lines, card=card, at=NOW - 9 * DAY))
    report = ask(ledger, "category-loyalty", category="rice")
    of = members_of(ledger, report)
    assert [of(c).split()[0] for c in ("own", "theirs", "both", "unsaid")] == [
        "own", "national", "switcher", "unknown",
    ]  # fmt: skip
    assert sum(counts(report).values()) == 4


def test_the_catalogue_says_the_groups_and_the_kind_of_brand_and_the_till_what_it_does_not(ledger):
    levels = (Level("peas"), Level(""), Level("frozen"))
    ledger.describe_product(Product("peas-own", levels=levels, brand_kind="own"))
    ledger.describe_product(Product("peas-national", levels=levels, brand_kind="national"))
    ledger.describe_product(Product("kindless", levels=levels))
    ledger.describe_product(Product("groupless", brand_kind="own"))
    said = {"category": "rice", "brand": "Theirs"}
    for product in ("peas-own", "peas-national", "kindless", "groupless", "unknown"):
        put(ledger, receipt(line(100, product, **said), card=product, at=NOW - 9 * DAY))

    def loyal(category):
        of = members_of(ledger, ask(ledger, "category-loyalty", category=category))
        cards = ("peas-own", "peas-national", "kindless", "groupless", "unknown")
        return [of(card).split(" ")[0] for card in cards]

    assert loyal("peas") == loyal("frozen") == ["own", "national", "national", NONE, NONE]
    assert loyal("rice") == [NONE, NONE, NONE, "own", "national"]
    top = ask(ledger, "top", category="frozen")
    assert set(top.of) == {ledger.member_of(c) for c in ("peas-own", "peas-national", "kindless")}


def test_a_category_is_asked_for_by_one_look_into_the_catalogue_a_line(ledger):
    put(ledger, receipt(line(100, RICE, category="rice"), card="c1", at=NOW - 9 * DAY))
    with ledger.reading() as reader:
        if ledger.log.is_postgres:
            return  # whole tables are joined there, see below
        asked = []
        reader.stream = lambda query, values: asked.append((query, values)) or []
        lines(reader, Window(0, LAST), Wanted(goods=True, category="rice"))
        (query, values) = asked[0]
        plan = [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {query}", values)]
        assert not any(step.startswith("SCAN") for step in plan[1:]), plan
        (step,) = [step for step in plan if step.startswith("SEARCH d ")]
        assert "AUTOMATIC" not in step, "an index of its own for every question"


def test_hours_are_the_stores_own(ledger):
    east = dt.timezone(dt.timedelta(hours=9))
    for week in range(4):
        saturday = dt.datetime(2025, 11, 8, 7, 30, tzinfo=east) + dt.timedelta(days=7 * week)
        put(ledger, receipt(card="c1", at=int(saturday.timestamp()), captured_at=saturday))
    assert list(ask(ledger, "hours").of.values()) == ["sat morning"]


# --- the programme ------------------------------------------------------------------------


def test_the_programme_says_who_is_core_and_what_each_is_due(ledger_under):
    ledger = ledger_under(
        '[segments.core]\nleast_receipts = 3\ndue = "a call at birth"\n'
        '[segments.potential]\nleast_receipts = 2\n[segments.occasional]\ndue = "a leaflet"\n'
    )
    put(ledger, *(bought(f"c{n}", 40 + i) for n in (1, 2, 3) for i in range(n)))
    report = ask(ledger, "core")
    told = [(one.segment, one.members, one.spend_minor, one.due) for one in report.counts[:3]]
    assert told == [
        ("core", 1, 3000, "a call at birth"), ("potential", 1, 2000, ""), ("occasional", 1, 1000, "a leaflet"),
    ]  # fmt: skip


def test_the_window_ends_today_where_nothing_is_said(ledger):
    put(ledger, bought("c1", 0))
    report = ledger.segments(SegmentQuery("pyramid"))
    assert str(date_of(report.window.last)) == "2026-01-01"
    assert len(report.of) == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"by": "size"}, "by"), ({"by": "top"}, "product"), ({"by": "category-loyalty", "product": "1"}, "category"),
        ({"by": "pyramid", "product": "1"}, "product"), ({"by": "top", "product": "1", "category": "2"}, "category"),
        ({"by": "pyramid", "window": "1y"}, "window"), ({"by": "pyramid", "window": "0m"}, "window"),
    ],
)  # fmt: skip
def test_a_wrong_question_names_its_field(ledger, more, field):
    with pytest.raises(InputInvalid) as refused:
        ledger.segments(SegmentQuery(**more))
    assert refused.value.field == field


@pytest.mark.parametrize("way", SEGMENTATIONS, ids=lambda way: way.name)
def test_an_empty_ledger_has_nobody_in_any_segment(ledger, way):
    goods = {"category": "rice"} if way.goods else {}
    report = ask(ledger, way.name, against=LAST - 365, **goods)
    assert (report.of, report.moves, counts(report)) == ({}, [], {})


def test_by_rhythm_members_move_by_staying_away(ledger):
    weekly = [bought("a1", 7 * week) for week in range(4, 14)]
    steady = [bought("b1", 7 * week) for week in range(14)]
    back = [*(bought("c1", 7 * week) for week in range(10, 20)), bought("c1", 1)]
    party = [*(bought("d1", 100 + 7 * week) for week in range(10)), bought("d1", 1, 900_000)]
    put(ledger, *weekly, *steady, *back, *party, bought("e1", 3))
    report = ask(ledger, "rhythm", against=LAST - 28)
    of = members_of(ledger, report)
    told = [of(card) for card in ("a1", "b1", "c1", "d1", "e1")]
    assert told == ["lapsing", "on time", "returned", "lost", "first"]
    before = {moved.member_id: moved.before for moved in report.moved}
    assert before[ledger.member_of("a1")] == "on time"
    assert before[ledger.member_of("e1")] == NONE
    ledger.return_goods(key(back[-1]), "r1")
    assert members_of(ledger, ask(ledger, "rhythm"))("c1") == "lost", (
        "of that visit nothing is left"
    )


# --- the facts ------------------------------------------------------------------------------


def purchases(ledger):
    with ledger.reading() as reader:
        return reader._rows(
            "SELECT member_id, day, receipt_id, bought_minor, returned_minor FROM {t} ORDER BY 1, 2, 3",
            FCT_PURCHASE,
        )


def test_the_facts_are_the_same_live_rebuilt_and_whatever_the_batch(ledger, monkeypatch):
    from ledger.projections import engine

    monkeypatch.setattr(engine, "BATCH", 2)
    of_a = bought("a1", 50, 3000)
    put(ledger, of_a, bought("b1", 40), bought("a1", 30))
    ledger.catch_up()
    ledger.return_goods(key(of_a), "r1")
    ledger.merge("a1", "b1", "twins", "Ada", "m1")
    ledger.void_return(key(of_a), "r1", "v1")
    nameless = receipt(line(1000), at=NOW - 20 * DAY)
    ledger.record(nameless)
    ledger.attribute(key(nameless), "b1")
    ledger.return_without_receipt("b1", 300, "Ada", "l1")
    live, report = purchases(ledger), ask(ledger, "pyramid", LAST + 1)
    assert Counter(row[3:] for row in live) == {
        (3000, 3000): 1, (1000, 0): 3, (0, -3000): 1, (0, 300): 1,
    }  # fmt: skip
    assert report.profiles[ledger.member_of("b1")].spend_minor == 5700
    digest = ledger.digests()["purchase"]
    monkeypatch.setattr(engine, "BATCH", 5_000)
    ledger.rebuild(["purchase"])
    assert purchases(ledger) == live
    assert ledger.digests()["purchase"] == digest
    assert ask(ledger, "pyramid", LAST + 1) == report
    assert ledger.verify().clean


# --- the command line -----------------------------------------------------------------------


@pytest.fixture
def till(capsys, db, tmp_path):
    made = Till(capsys, db)
    made("init", "points_as_cash")
    bought_rice = [
        receipt(line(100 * n, RICE, n, category="rice"), card=f"c{n}", at=NOW - d * DAY)
        for n in range(1, 8)
        for d in (3, 203 + n)
    ]
    party = receipt(line(90_000), card="party", at=NOW - 4 * DAY)
    write(tmp_path / "r.ndjson", [*bought_rice, party])
    made("ingest", tmp_path / "r.ndjson", "--history", "--enrol")
    return made


ASKED = ("segments", "--as-of", "2025-12-31")


def test_the_command_line_shows_groups_members_and_movement(till):
    told = till(
        *ASKED, "--by", "pyramid", "--window", "205d", "--against", "2025-12-30", "--limit", 2
    )
    assert (told["first"], told["last"]) == ("2025-06-10", "2025-12-31")
    assert (told["against_first"], told["against_last"]) == ("2025-06-09", "2025-12-30")
    sizes = [(one["segment"], one["members"], one["one_off_minor"]) for one in told["segments"]]
    assert sizes == [
        ("top", 1, 0),
        ("high", 0, 0),
        ("middle", 1, 0),
        ("rest", 5, 0),
        (ONE_OFF, 1, 90_000),
    ]
    assert [(one["segment"], one["receipts"], one["spend_minor"]) for one in told["members"]] == [
        ("top", 1, 700), ("middle", 1, 600),
    ]  # fmt: skip
    assert sum(one["members"] for one in told["movement"]) == 8
    assert len(told["moved"]) <= 2


def test_the_command_line_lists_one_segment(till):
    told = till(*ASKED, "--by", "top", "--product", RICE, "--segment", "top")
    assert [(one["segment"], one["goods_quantity"]) for one in told["members"]] == [
        ("top", 14),
        ("top", 12),
    ]
    told = till(*ASKED, "--by", "pyramid", "--against", "2025-12-27", "--segment", ONE_OFF)
    assert [(one["before"], one["now"]) for one in told["moved"]] == [("", ONE_OFF)]
    assert told["members"][0]["last_day"] is None


def test_the_command_line_for_people(till):
    text = till(
        *ASKED, "--by", "core", "--limit", 1, "--against", "2025-06-30", json_=False
    ).splitlines()
    assert text[0] == "2025-01-01 to 2025-12-31: 8 members."
    assert text[2].split() == ["segment", "members", "spend", "one-off", "due"]
    assert "occasional        7  56.00 EUR  0.00 EUR    a welcome back at the till" in text
    assert "Against 2024-07-01 to 2025-06-30:" in text
    ranked = till(
        *ASKED, "--by", "rank", "--criterion", "quantity", "--criterion", "last", json_=False
    )
    assert next(one for one in ranked.splitlines() if one.startswith("member")).endswith(
        "on  quantity"
    )
    assert "tenth 1" in ranked


def test_a_wrong_date_or_question_is_told(till):
    refused = till(*ASKED, "--by", "top", code=1)
    assert refused["field"] == "product"
    for wrong in (["--as-of", "31.12.2025"], ["--by", "size"]):
        with pytest.raises(SystemExit) as end:
            till("segments", "--by", "pyramid", *wrong)
        assert end.value.code == 2


def test_a_ledger_from_before_asks_for_a_rebuild_and_has_the_facts_then(new_db, clock, monkeypatch):
    from ledger.application import door

    db = new_db()
    older = tuple(p for p in door.PROJECTIONS if p.name != "purchase")
    with monkeypatch.context() as before:
        before.setattr(door, "PROJECTIONS", older)
        with LoyaltyLedger.create(db, TEXT, clock=clock) as ledger:
            put(ledger, bought("c1", 40))
            ledger.catch_up()
    with LoyaltyLedger.open(db, clock=clock) as ledger:
        with pytest.raises(RebuildNeeded, match="purchase"):
            ask(ledger, "pyramid")
        ledger.rebuild(["purchase"])
        assert list(ask(ledger, "pyramid").of.values()) == ["top"]
        assert ledger.verify().clean


def test_on_postgresql_tables_are_joined_whole_and_only_for_this_question(new_postgres, clock):
    with LoyaltyLedger.create(new_postgres(), TEXT, clock=clock) as ledger:
        with ledger.reading() as reader:
            whose = who(reader, NOW)
            profiles(reader, whose, Window(0, LAST), Segments(), Wanted(goods=True))
            assert reader.rows("SHOW enable_nestloop", ()) == [("off",)]
        with ledger.reading() as reader:
            assert reader.rows("SHOW enable_nestloop", ()) == [("on",)]
