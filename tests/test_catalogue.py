"""The catalogue through the door: products, prices and promotions, and what is unknown."""

import datetime as dt

import pytest
from shop import DAY, NOW, back, key, line, receipt, snapshots_taken
from test_projections import rows

from ledger.audit import kept
from ledger.errors import InputInvalid, PeriodTooOld, ProductUnknown
from ledger.policies import catalogue
from ledger.store.log import Snapshot
from ledger.store.working import SNAPSHOT_EVERY
from ledger.types import FOREVER, Level, Price, Product, Promotion, day_of

JUNE = dt.date(2026, 6, 1)
PENS = (Level("pens", "Pens"), Level(""), Level("office", "Office"))
PEN = Product("4006381333931", "Pen", PENS, "Stabilo", "Schwan", "national")


def day(number, month=6):
    return day_of(dt.date(2026, month, number))


def price(minor, first=JUNE, **fields):
    return Price(PEN.code, first, minor, **fields)


def june(number):
    return JUNE.replace(day=number)


def promotion(code, first=JUNE, **fields):
    return Promotion(PEN.code, code, first, **fields)


def price_on(ledger, number, month=6, store="", upto=None):
    found = ledger.product(PEN.code, store=store, day=day(number, month), upto=upto).price
    return found.price_minor if found else None


def promotions_on(ledger, number, store=""):
    found = ledger.product(PEN.code, store=store, day=day(number)).promotions
    return [(one.code, one.price_minor) for one in found]


# --- products --------------------------------------------------------------------------


def test_a_product_is_known_with_its_groups_brand_and_maker(ledger):
    ledger.describe_product(PEN)
    view = ledger.product(PEN.code)
    assert view.product == PEN
    known = ledger.catalogue([PEN.code, "none"])
    assert known.product(PEN.code) == PEN
    assert known.levels(PEN.code) == PENS
    assert known.within(PEN.code, 1, "pens")
    assert known.within(PEN.code, 3, "office")
    assert not known.within(PEN.code, 3, "pens")
    assert not known.within(PEN.code, 4, "office")
    assert known.product("none") is None
    assert known.levels("none") == ()
    assert known.price_minor("other", day(1)) is None


def test_the_same_product_again_records_nothing_and_a_changed_one_is_a_new_event(ledger):
    first = ledger.describe_product(PEN)
    ledger.set_price(price(100))
    head = ledger.log.head()
    again = ledger.describe_product(PEN)
    assert again == first._replace(repeat=True)
    assert ledger.log.head() == head
    other = Product(PEN.code, "Fine pen", PENS[:1])
    changed = ledger.describe_product(other)
    assert (changed.stream, changed.version, changed.repeat) == (first.stream, 3, False)
    assert ledger.describe_product(other) == changed._replace(repeat=True)
    assert ledger.product(PEN.code).product == other, "all of it is replaced"
    ledger.describe_product(PEN)
    assert ledger.log.head() == head + 2, "what was said before the last is said anew"


def test_groups_nobody_knows_say_nothing_at_the_top(ledger):
    first = ledger.describe_product(Product("1", levels=(Level("a"),)))
    assert ledger.describe_product(Product("1", levels=(Level("a"), Level("")))) == (
        first._replace(repeat=True)
    )


def test_the_report_has_a_row_a_product_as_described_last(ledger):
    ledger.describe_product(Product(PEN.code, "Old"))
    ledger.catch_up()
    ledger.describe_product(PEN)
    ledger.catch_up()
    (row,) = rows(ledger, "SELECT * FROM {r}dim_product")
    assert tuple(row) == (
        PEN.code, "Pen", "Stabilo", "Schwan", "national", "pens", "Pens", "", "", "office",
        "Office", "", "", ledger.log.head(),
    )  # fmt: skip


# --- prices ----------------------------------------------------------------------------


def test_a_price_holds_from_its_first_day_to_its_last(ledger):
    ledger.set_price(price(199, until=june(10)))
    told = [price_on(ledger, number) for number in (1, 10, 11)]
    assert told == [199, 199, None]
    assert price_on(ledger, 31, month=5) is None


def test_the_price_that_began_last_counts_and_then_the_one_beneath_it_again(ledger):
    ledger.set_price(price(199))
    ledger.set_price(price(149, june(5), until=june(6)))
    assert [price_on(ledger, number) for number in (4, 5, 6, 7)] == [199, 149, 149, 199]


def test_a_stores_own_price_goes_before_the_one_of_all_stores(ledger):
    ledger.set_price(price(189, june(3)))
    ledger.set_price(price(209, store="s1", until=june(5)))
    assert [price_on(ledger, number, store="s1") for number in (1, 4, 6)] == [209, 209, 189]
    assert [price_on(ledger, number, store="s2") for number in (1, 4, 6)] == [None, 189, 189]
    assert [price_on(ledger, number) for number in (1, 4, 6)] == [None, 189, 189]
    known = ledger.catalogue([PEN.code], "s1")
    assert [known.price_minor(PEN.code, day(number)) for number in (4, 6)] == [209, 189]


def test_what_a_price_was_as_known_at_a_position_can_be_told(ledger):
    ledger.set_price(price(199))
    ledger.set_price(price(149, june(5)))
    before = ledger.log.head()
    ledger.set_price(price(99, june(5)))  # a correction of the same first day
    ledger.set_price(price(159, june(5), store="s1"))
    after = ledger.log.head()
    assert [price_on(ledger, 7, upto=upto) for upto in (before - 1, before, after)] == [
        199, 149, 99,
    ]  # fmt: skip
    assert price_on(ledger, 7, store="s1", upto=before) == 149
    assert price_on(ledger, 7, store="s1") == 159
    told = rows(ledger, "SELECT price_minor FROM {r}fct_price WHERE store = '' ORDER BY version")
    assert [one[0] for one in told] == [199, 149, 99], "what was told stays in history"


def test_the_same_price_again_records_nothing_whatever_came_between(ledger):
    first = ledger.set_price(price(199))
    ledger.set_price(price(189, june(9)))
    ledger.set_price(price(189, store="s1"))
    head = ledger.log.head()
    assert ledger.set_price(price(199)) == first._replace(repeat=True)
    assert ledger.log.head() == head


@pytest.mark.parametrize(
    "change", [{"until": june(3)}, {"minor": 198}, {"store": "s2"}, {"first": june(2)}], ids=str
)
def test_a_price_that_differs_in_anything_is_another_event(ledger, change):
    ledger.set_price(price(199))
    changed = price(**{"minor": 199, **change})
    assert not ledger.set_price(changed).repeat


def test_a_price_is_withdrawn_and_told_again(ledger):
    ledger.set_price(price(199))
    ledger.set_price(price(149, june(5)))
    ledger.set_price(price(149, june(5), withdrawn=True))
    assert price_on(ledger, 7) == 199
    assert ledger.catalogue([PEN.code]).price_minor(PEN.code, day(7)) == 199
    assert ledger.set_price(price(149, june(5), withdrawn=True)).repeat
    ledger.set_price(price(149, june(5)))
    assert price_on(ledger, 7) == 149


def test_what_was_never_told_cannot_be_withdrawn(ledger):
    ledger.set_price(price(199))
    for one in (price(199, june(2), withdrawn=True), price(199, store="s1", withdrawn=True)):
        with pytest.raises(InputInvalid, match="withdraw") as refusal:
            ledger.set_price(one)
        assert refusal.value.field == "from"
    with pytest.raises(InputInvalid, match="withdraw"):
        ledger.set_promotion(promotion("may", withdrawn=True))


def test_so_many_prices_are_compared_and_no_older_one_is_taken(ledger, monkeypatch):
    monkeypatch.setattr(catalogue, "MOST_PERIODS", 3)
    for number in (2, 4, 6, 8):
        ledger.set_price(price(100 + number, june(number)))
    state = ledger._state(ledger.keys.product(PEN.code))
    assert [one.from_day for one in state.prices] == [day(4), day(6), day(8)]
    head = ledger.log.head()
    for number in (1, 2, 3):
        with pytest.raises(PeriodTooOld):
            ledger.set_price(price(100 + number, june(number)))
    assert ledger.log.head() == head
    assert ledger.set_price(price(104, june(4))).repeat
    assert not ledger.set_price(price(105, june(4))).repeat
    assert price_on(ledger, 2) == 102, "the reports keep every price"


# --- promotions ------------------------------------------------------------------------


def test_promotions_hold_side_by_side_each_by_its_code(ledger):
    ledger.set_promotion(promotion("two", until=june(5), price_minor=150))
    ledger.set_promotion(promotion("one", june(3), until=june(9), name="First"))
    assert promotions_on(ledger, 2) == [("two", 150)]
    assert promotions_on(ledger, 4) == [("one", None), ("two", 150)]
    assert promotions_on(ledger, 6) == [("one", None)]
    assert promotions_on(ledger, 10) == []
    known = ledger.catalogue([PEN.code])
    assert [one.code for one in known.promotions(PEN.code, day(4))] == ["one", "two"]
    assert known.promotions("none", day(4)) == ()


def test_a_stores_own_form_of_a_promotion_stands_for_that_of_all_stores(ledger):
    ledger.set_promotion(promotion("may", price_minor=150))
    ledger.set_promotion(promotion("may", price_minor=140, store="s1", until=june(2)))
    assert promotions_on(ledger, 1, "s1") == [("may", 140)]
    assert promotions_on(ledger, 3, "s1") == [("may", 150)]
    assert promotions_on(ledger, 1) == [("may", 150)]


def test_the_same_promotion_again_records_nothing_and_a_withdrawn_one_is_over(ledger):
    first = ledger.set_promotion(promotion("may", price_minor=150, name="May"))
    head = ledger.log.head()
    assert ledger.set_promotion(promotion("may", price_minor=150, name="May")) == (
        first._replace(repeat=True)
    )
    assert ledger.log.head() == head
    assert not ledger.set_promotion(promotion("may", price_minor=150, name="Mai")).repeat
    ledger.set_promotion(promotion("may", withdrawn=True))
    assert promotions_on(ledger, 4) == []


@pytest.mark.parametrize("form", [price, promotion])
def test_a_period_that_ends_before_it_begins_is_none(form):
    with pytest.raises(ValueError, match="`until` is before `from`"):
        form(1 if form is price else "x", june(2), until=june(1))


def test_a_code_that_no_database_can_hold_is_none():
    for make in (
        lambda: Product("a\0"), lambda: Product("a", levels=(Level("", "\0"),)),
        lambda: Price("a", JUNE, 1, store="\0"), lambda: Promotion("a", "\0", JUNE),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="NUL"):
            make()


# --- together --------------------------------------------------------------------------


def stocked(ledger):
    """A catalogue with corrections, and receipts of known and unknown products; followed in parts."""
    ledger.list_all(
        [PEN, Product("1", "One"), price(199), price(189, june(5), store="s1"),
         promotion("may", price_minor=150), Product("1", "First"), price(179),
         promotion("may", withdrawn=True), Price("2", JUNE, 5)]
    )  # fmt: skip
    ledger.enrol("c1")
    for number in range(4):
        ledger.catch_up()
        ledger.record(
            receipt(line(100, PEN.code), line(50, "u1", 2), line(30, f"u{number}"),
                    card="c1" if number % 2 else None, at=NOW - number * DAY)
        )  # fmt: skip


def test_a_batch_is_decided_in_order_and_tells_each_its_outcome(ledger):
    refused = price(1, june(20), withdrawn=True)
    told = ledger.list_all([PEN, price(199), PEN, refused, price(199), price(198)])
    assert [getattr(one, "repeat", one.__class__) for one in told] == [
        False, False, True, InputInvalid, True, False,
    ]  # fmt: skip
    assert ledger.log.head() == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_rebuilt_equals_live_and_verifies(ledger, workers):
    stocked(ledger)
    before = ledger.digests()
    ledger.rebuild(["catalogue", "sold"], workers=workers)
    assert ledger.digests() == before
    assert ledger.verify().clean


def test_a_ledger_from_before_the_catalogue_asks_for_a_rebuild_and_gets_it(ledger):
    stocked(ledger)
    before = ledger.digests()
    prefix = ledger.engine.reports.prefix
    with ledger.log.transaction(commit=True) as cursor:
        cursor.execute(
            f"DELETE FROM {prefix}projection_status WHERE projection IN ('catalogue', 'sold')"
        )
        for table in ("dim_product", "fct_price", "fct_promotion", "fct_product_sold"):
            cursor.execute(f"DROP VIEW {prefix}{table}")
            cursor.execute(f"DROP TABLE {prefix}{table}__a")
            cursor.execute(f"DROP TABLE {prefix}{table}__b")
    ledger.rebuild(["catalogue", "sold"])
    assert ledger.digests() == before


def test_reports_and_log_tell_the_same_price_on_every_day_and_store(ledger):
    stocked(ledger)
    for store in ("", "s1", "s2"):
        known = ledger.catalogue([PEN.code], store)
        for number in range(1, 12):
            view = ledger.product(PEN.code, store=store, day=day(number))
            assert known.items[PEN.code].price_on(day(number)) == view.price
            assert known.promotions(PEN.code, day(number)) == view.promotions


def test_a_long_stream_has_a_snapshot_that_verify_holds_against_its_events(ledger):
    for number in range(SNAPSHOT_EVERY):
        ledger.set_price(price(number, JUNE + dt.timedelta(number)))
    snapshots_taken(ledger)
    stream = ledger.keys.product(PEN.code)
    (snapshot,) = ledger.log.snapshots(b"\x0a" + bytes(15), 10)
    assert (snapshot.stream, snapshot.version) == (stream, SNAPSHOT_EVERY)
    assert ledger.set_price(price(0, JUNE)).repeat
    assert ledger.verify().clean
    for broken in (False, True):
        version = ledger.set_price(price(70 + broken, JUNE)).version
        state = ledger.codec.encode(ledger._state(stream))
        told = state.replace(b"G", b"H") if broken else state  # 71 becomes 72
        assert (told != state) == broken
        ledger.log.put_snapshots([Snapshot(stream, version, snapshot.shape, told)])
        found = ledger.verify().findings
        assert [one.check for one in found] == ["snapshot"] * broken


def test_snapshots_are_held_against_their_own_streams_page_by_page(ledger, monkeypatch):
    monkeypatch.setattr(kept, "PAGE", 2)
    for code in "abc":
        ledger.list_all(Price(code, JUNE + dt.timedelta(n), 1) for n in range(SNAPSHOT_EVERY))
    for code in "de":
        ledger.describe_product(Product(code))
    snapshots_taken(ledger)
    snapshots = ledger.log.snapshots(b"\x0a" + bytes(15), 10)
    assert len(snapshots) == 3
    assert ledger.verify().clean
    last = max("abc", key=ledger.keys.product)
    ledger.set_price(Price(last, JUNE, 2))
    ledger.log.put_snapshots([snapshots[-1]._replace(version=SNAPSHOT_EVERY + 1)])
    assert [one.check for one in ledger.verify().findings] == ["snapshot"]


# --- what was sold ---------------------------------------------------------------------


def test_products_that_nobody_described_are_listed_with_how_often_and_when(ledger):
    stocked(ledger)
    found = ledger.unknown_products()
    assert [(one.product, one.lines, one.amount_minor) for one in found] == [
        ("u1", 5, 230), ("u0", 1, 30), ("u2", 1, 30), ("u3", 1, 30),
    ]  # fmt: skip
    assert (found[0].first_sold_at, found[0].last_sold_at) == (NOW - 3 * DAY, NOW)
    assert found[2].first_sold_at == found[2].last_sold_at == NOW - 2 * DAY
    assert ledger.unknown_products(1) == found[:1]
    ledger.describe_product(Product("u1"))
    assert [one.product for one in ledger.unknown_products()] == ["u0", "u2", "u3"]
    assert ledger.product("u1").sold == found[0], "it is kept when it is known"


@pytest.mark.parametrize("each", [True, False], ids=["batch by batch", "all at once"])
def test_what_was_sold_is_counted_by_line_and_returns_and_voids_are_not(ledger, each):
    bought = receipt(line(300, "a", 3), line(200, "b"), line(70, "a"), card="c1")
    ledger.record(bought, enrol=True)
    if each:
        ledger.catch_up()
    ledger.record(receipt(back(bought), line(9, "c", voided=True), line(1, "b"), at=NOW - DAY))
    ledger.return_goods(key(bought), "r1", {2: 1})
    if each:
        ledger.catch_up()
    ledger.record(receipt(line(5, "d"), line(2, "b"), at=NOW - 9))
    ledger.record(receipt(line(6, "d"), at=NOW - 2))
    found = {one.product: one[1:] for one in ledger.unknown_products()}
    assert found == {
        "a": (2, 370, NOW, NOW), "b": (3, 203, NOW - DAY, NOW), "d": (2, 11, NOW - 9, NOW - 2),
    }  # fmt: skip


def test_a_product_nobody_ever_told_of_is_refused(ledger):
    with pytest.raises(ProductUnknown):
        ledger.product("none")
    ledger.set_price(Price("2", JUNE, 5))
    view = ledger.product("2")
    assert (view.product, view.sold) == (None, None)
    assert view.day == day(1, month=1), "today, in the programme's zone"
    later = ledger.product("2", day=day(1))
    assert (later.price.price_minor, later.price.until_day) == (5, FOREVER)


def test_a_dry_run_takes_the_catalogue_as_it_is(ledger):
    from conftest import PROGRAMME

    stocked(ledger)
    ledger.list_all([Product("3"), price(1, june(9)), promotion("later")])  # in the period
    ledger.record(receipt(card="c1"))
    report = ledger.simulate_programme(PROGRAMME, over="all")
    assert report.not_replayed == {}
