"""Segmentations alone: values in, values out; ties, few members, nobody."""

import pytest

from ledger.policies.profile import (
    Bought,
    Profile,
    Purchase,
    Shelf,
    Terms,
    median,
    one_off_days,
    profile_of,
)
from ledger.policies.segments import ONE_OFF, SEGMENTATIONS, segmented
from ledger.policies.shares import cut, places
from ledger.programme import Loyalty, OneOff, RegularGroup, Segments, Usual

WAYS = {way.name: way for way in SEGMENTATIONS}
TERMS = Terms(Segments())
RULE = OneOff(5000, 10)


def member(number):
    return number.to_bytes(2, "big")


def shopper(number, spend_minor=1000, receipts=1, last_day=100, **fields):
    days = {"days": (last_day,)} | fields
    return Profile(member(number), last_day, receipts, spend_minor, **days)


def of_goods(number, quantity=1, goods_minor=100, **fields):
    return shopper(number, goods=Bought(1, quantity, goods_minor), **fields)


def sort_by(name, profiles, terms=TERMS):
    return segmented(WAYS[name], profiles, terms)


def sizes(found):
    return {name: list(found.of.values()).count(name) for name in found.names if name != ONE_OFF}


# --- one-off purchases -------------------------------------------------------------------


def weekly(count, spend_minor=3000):
    return [Purchase(7 * i, spend_minor) for i in range(count)]


def test_a_wedding_among_weekly_purchases_is_a_one_off():
    assert one_off_days([*weekly(40), Purchase(1000, 500_000)], 2_500, RULE) == {1000}


def test_a_wedding_paid_on_two_receipts_of_one_day_is_one_too():
    halves = [Purchase(1000, 60_000), Purchase(1000, 60_000)]
    assert one_off_days([*weekly(30), *halves], 2_500, RULE) == {1000}
    assert not one_off_days([*weekly(30), halves[0]], 2_500, RULE), "alone it is less than half"


def test_the_only_purchase_is_one_where_it_is_many_times_what_others_buy():
    assert one_off_days([Purchase(5, 500_000)], 2_500, RULE) == {5}
    assert one_off_days([Purchase(5, 25_000)], 2_500, RULE) == {5}
    assert not one_off_days([Purchase(5, 24_999)], 2_500, RULE)


@pytest.mark.parametrize("count", [2, 3, 4, 12])
def test_few_but_regular_purchases_are_none_however_large(count):
    assert not one_off_days(weekly(count, 500_000), 2_500, RULE)


def test_a_shop_for_the_week_of_one_who_else_buys_bread_is_none():
    assert not one_off_days(
        [*[Purchase(i, 200) for i in range(9)], Purchase(50, 6_000)], 2_500, RULE
    )


def test_the_limits_are_exact():
    small = [Purchase(i, 100) for i in range(10)]
    assert one_off_days([*small, Purchase(50, 1_000)], 100, RULE) == {50}
    assert not one_off_days([*small, Purchase(50, 999)], 100, RULE), "less than half and ten times"
    assert not one_off_days([*small, Purchase(51, 101), Purchase(50, 1_000)], 100, RULE)
    assert not one_off_days([Purchase(1, 100), Purchase(50, 999)], 100, RULE)
    assert one_off_days([Purchase(1, 100), Purchase(50, 1_000)], 100, RULE) == {50}


def test_a_profile_keeps_the_one_off_apart():
    bought = [Purchase(3, 1_000), Purchase(9, 900), Purchase(20, 90_000)]
    assert profile_of(member(1), bought, 1_000, RULE, 400) == Profile(
        member(1), 9, 2, 1_500, 90_000, frozenset({20}), days=(3, 9)
    )


def test_who_has_nothing_but_a_one_off_has_no_last_day():
    found = profile_of(member(1), [Purchase(20, 90_000)], 1_000, RULE, 0)
    assert found == Profile(member(1), 0, 0, 0, 90_000, frozenset({20}))


def test_more_brought_back_than_bought_is_nothing_spent():
    assert profile_of(member(1), [Purchase(3, 1_000)], 1_000, RULE, 1_001).spend_minor == 0


def test_the_median_of_two_is_the_lower():
    assert [median([]), median([7]), median([9, 1]), median([3, 9, 1])] == [0, 7, 1, 3]


# --- shares ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, [0, 0, 0, 0]), (1, [1, 0, 0, 0]), (7, [1, 0, 1, 5]), (99, [1, 4, 15, 79]),
        (100, [1, 4, 15, 80]), (101, [2, 4, 15, 80]), (1000, [10, 40, 150, 800]),
        (10**6, [10**4, 4 * 10**4, 15 * 10**4, 8 * 10**5]),
    ],
)  # fmt: skip
def test_a_share_is_rounded_up_where_it_ends(count, expected):
    members = [i.to_bytes(4, "big") for i in range(count)]
    found = cut(members, (100, 400, 1500), "abcd")
    assert [list(found.values()).count(name) for name in "abcd"] == expected
    assert list(found) == members


def test_equals_share_a_place():
    assert places({b"a": 5, b"b": 9, b"c": 5, b"d": 1}) == {b"a": 1, b"b": 0, b"c": 1, b"d": 3}


# --- each segmentation -------------------------------------------------------------------


@pytest.mark.parametrize("name", WAYS)
def test_nobody_is_in_no_segment(name):
    terms = TERMS._replace(category="rice") if WAYS[name].goods else TERMS
    assert sort_by(name, [], terms).of == {}


@pytest.mark.parametrize("name", WAYS)
def test_the_order_in_which_members_come_changes_nothing(name):
    profiles = [
        of_goods(
            n, n % 3, 100 * (n % 4), spend_minor=100 * (n % 5), receipts=1 + n % 2, last_day=n % 3,
            hours={n % 168: 4}, products={"p": Bought(1, 1, n % 4)},
        )
        for n in range(50)
    ]  # fmt: skip
    terms = TERMS._replace(shelves={"p": Shelf("rice", "own")})
    terms = terms._replace(category="rice") if WAYS[name].goods else terms
    there, back = sort_by(name, profiles, terms), sort_by(name, profiles[::-1], terms)
    assert there == back
    assert list(there.of) == list(back.of)
    assert set(there.of.values()) <= set(there.names)
    assert len(set(there.names)) == len(there.names)


def test_the_pyramid_is_cut_by_spend_and_ties_by_id():
    found = sort_by("pyramid", [shopper(n, 1000 if n < 30 else 500) for n in range(100)])
    assert sizes(found) == {"top": 1, "high": 4, "middle": 15, "rest": 80}
    assert [n for n in range(100) if found.of[member(n)] != "rest"] == list(range(20))
    assert found.of[member(0)] == "top"


def test_a_pyramid_has_the_programmes_shares():
    terms = TERMS._replace(rules=Segments(pyramid_bp=(1000, 1000, 1000)))
    found = sort_by("pyramid", [shopper(n, n) for n in range(10)], terms)
    assert sizes(found) == {"top": 1, "high": 1, "middle": 1, "rest": 7}
    assert found.of[member(9)] == "top"


def test_who_bought_by_one_offs_only_stands_apart_and_takes_no_place():
    bride = Profile(member(999), one_off_minor=500_000)
    guest = shopper(0, one_off_minor=500_000)
    found = sort_by("pyramid", [bride, guest, *(shopper(n) for n in range(1, 100))])
    assert found.names[-1] == found.of[member(999)] == ONE_OFF
    assert found.of[member(0)] == "top", "who buys else too has a place"
    assert sizes(found) == {"top": 1, "high": 4, "middle": 15, "rest": 80}


def test_rfm_gives_fifths_and_equals_the_same():
    found = sort_by("rfm", [shopper(n, 100 * n, receipts=1, last_day=-n) for n in range(10)])
    scores = [found.of[member(n)] for n in range(10)]
    assert scores == ["551", "551", "452", "452", "353", "353", "254", "254", "155", "155"]
    assert sort_by("rfm", [shopper(1)]).of == {member(1): "555"}


def test_rfm_of_three_rounds_in_the_members_favour():
    found = sort_by("rfm", [shopper(n, n) for n in range(3)])
    assert [found.of[member(n)] for n in range(3)] == ["552", "554", "555"]


def test_abc_ends_with_who_crosses_the_share():
    found = sort_by("abc", [shopper(n, spend) for n, spend in enumerate([50, 30, 15, 4, 1])])
    assert list(found.of.values()) == ["A", "A", "B", "C", "C"]
    found = sort_by("abc", [shopper(n, spend) for n, spend in enumerate([50, 29, 16, 4, 1])])
    assert list(found.of.values()) == ["A", "A", "A", "C", "C"]
    assert sort_by("abc", [shopper(1, 0)]).of == {member(1): "C"}, "who spent nothing makes nothing"


def test_the_top_of_a_product_is_by_quantity_and_of_a_category_by_spend():
    profiles = [of_goods(n, quantity=n, goods_minor=1000 - n) for n in range(1, 11)]
    by_quantity = sort_by("top", profiles, TERMS._replace(product="rice"))
    assert sizes(by_quantity) == {"top": 2, "rest": 8}
    assert {by_quantity.of[member(n)] for n in (9, 10)} == {"top"}
    by_spend = sort_by("top", profiles, TERMS._replace(category="rice"))
    assert {by_spend.of[member(n)] for n in (1, 2)} == {"top"}


def test_who_did_not_buy_it_is_not_in_the_top_of_it():
    others = [shopper(n) for n in range(100, 200)]
    terms = TERMS._replace(product="rice")
    found = sort_by("top", [of_goods(1), *others, Profile(member(999), one_off_minor=1)], terms)
    assert found.of == {member(1): "top"}


SHELVES = {
    "ours": Shelf("rice", "own"), "more_of_ours": Shelf("rice", "own"), "theirs": Shelf("rice", "national"),
    "nobodys": Shelf("rice", ""), "pasta": Shelf("pasta", "own"),
}  # fmt: skip


def rice(number, **spend):
    products = {product: Bought(1, 1, minor) for product, minor in spend.items()}
    return of_goods(number, products=products)


def loyalty(profiles, **rules):
    terms = Terms(Segments(loyalty=Loyalty(**rules)), category="rice", shelves=SHELVES)
    return sort_by("category-loyalty", profiles, terms).of


def test_loyalty_is_to_who_has_the_share_of_what_is_known():
    found = loyalty(
        [
            rice(1, ours=70, theirs=30), rice(2, ours=69, theirs=31), rice(3, ours=30, theirs=70),
            rice(4, nobodys=50), rice(5, ours=7, theirs=3, nobodys=90), rice(6, theirs=1),
            rice(7, ours=1, more_of_ours=1, theirs=1),
        ],
        loyal_bp=6667,
    )  # fmt: skip
    kinds = [found[member(n)].split()[0] for n in range(1, 8)]
    assert kinds == ["own", "own", "national", "unknown", "own", "national", "switcher"]
    found = loyalty([rice(1, ours=1, more_of_ours=1, theirs=1)], loyal_bp=6666)
    assert found == {member(1): "own heavy"}
    found = loyalty([rice(1, ours=70, theirs=30), rice(2, ours=69, theirs=31)])
    assert found == {member(1): "own heavy", member(2): "switcher light"}


def test_usage_is_by_spend_in_the_category_alone():
    found = loyalty([rice(n, ours=n, pasta=1000 - n) for n in range(1, 11)])
    usage = [found[member(n)].split()[1] for n in range(10, 0, -1)]
    assert usage == ["heavy"] * 2 + ["medium"] * 3 + ["light"] * 5


def test_who_bought_only_what_lies_on_another_shelf_is_no_buyer():
    assert loyalty([rice(1, pasta=10), rice(2, unheard_of=10)]) == {}


def test_core_needs_both_and_a_shorter_window_less_of_it():
    rules = Segments(core=RegularGroup(24, 100_000, "a call"), potential=RegularGroup(6))
    profiles = [
        shopper(1, 100_000, 24), shopper(2, 99_999, 24), shopper(3, 100_000, 23),
        shopper(4, 10, 6), shopper(5, 900_000, 5),
    ]  # fmt: skip
    found = sort_by("core", profiles, Terms(rules, 365))
    told = [found.of[member(n)] for n in range(1, 6)]
    assert told == ["core", "potential", "potential", "potential", "occasional"]
    assert found.due == {"core": "a call", "potential": "", "occasional": ""}
    half = sort_by("core", [shopper(1, 50_000, 12), shopper(2, 49_999, 12)], Terms(rules, 182))
    assert half.of == {member(1): "core", member(2): "core"}
    exact = sort_by("core", [shopper(1, 10**6, 48), shopper(2, 10**6, 47)], Terms(rules, 730))
    assert exact.of == {member(1): "core", member(2): "potential"}


@pytest.mark.parametrize(
    ("criterion", "best"), [("last", 1), ("amount", 2), ("frequency", 3), ("quantity", 4)]
)
def test_each_criterion_ranks(criterion, best):
    profiles = [of_goods(n) for n in range(5, 14)]
    profiles += [
        of_goods(1, last_day=101), of_goods(2, spend_minor=1001), of_goods(3, receipts=2),
        of_goods(4, quantity=2),
    ]  # fmt: skip
    found = sort_by("rank", profiles, TERMS._replace(criteria=(criterion,)))
    assert list(found.of)[:2] == [member(best), member(min({1, 2} - {best}))]


def test_the_frequency_of_a_product_is_its_own():
    often = of_goods(1, receipts=9)
    rarely = shopper(2, receipts=3, goods=Bought(3, 1, 1))
    terms = TERMS._replace(criteria=("frequency",))
    assert list(sort_by("rank", [often, rarely], terms).of) == [member(1), member(2)]
    terms = terms._replace(product="rice")
    assert list(sort_by("rank", [often, rarely], terms).of) == [member(2), member(1)]


def test_a_composite_sums_places_so_that_units_do_not_matter():
    profiles = [
        shopper(1, 9_000_000, last_day=1), shopper(2, 8, last_day=9), shopper(3, 7, last_day=8),
    ]  # fmt: skip
    terms = TERMS._replace(criteria=("amount", "last"))
    assert list(sort_by("rank", profiles, terms).of) == [member(2), member(1), member(3)]


def test_a_ranking_is_cut_into_tenths():
    found = sort_by("rank", [shopper(n, n) for n in range(20)])
    assert set(sizes(found).values()) == {2}
    assert found.of[member(19)] == "tenth 1"


HOUR = {"mon": 0, "fri": 4 * 24, "sat": 5 * 24, "sun": 6 * 24}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({HOUR["sat"] + 9: 4}, "sat morning"),
        ({HOUR["sat"] + 10: 2, HOUR["sat"] + 11: 2}, "sat morning"),  # of equals the first
        ({HOUR["mon"] + 5: 4}, "mon night"),
        ({HOUR["mon"] + 22: 4}, "mon night"),
        ({HOUR["mon"] + 21: 4}, "mon evening"),
        ({HOUR["sun"] + 14: 4}, "sun afternoon"),
        ({HOUR["sun"] + 13: 4}, "sun midday"),
        ({HOUR["mon"] + 18: 1, HOUR["fri"] + 18: 1, HOUR["sat"] + 18: 1, 18 + 24: 1}, "any evening"),
        ({HOUR["fri"] + 7: 1, HOUR["fri"] + 12: 1, HOUR["fri"] + 15: 1, HOUR["fri"] + 19: 1}, "fri any"),
        ({HOUR["mon"] + 7: 1, HOUR["fri"] + 12: 1, HOUR["sat"] + 15: 1, 24 + 19: 1}, "varies"),
        ({HOUR["sun"] + 0: 4}, "sun night"),
        ({HOUR["mon"] + 8: 2, HOUR["mon"] + 9: 2, HOUR["fri"] + 15: 3, HOUR["sat"] + 15: 1}, "mon morning"),
        ({HOUR["mon"] + 9: 2, HOUR["mon"] + 8: 2, HOUR["fri"] + 15: 3}, "mon morning"),
        ({HOUR["sat"] + 9: 3}, "too few"),
        ({}, "too few"),
    ],
)  # fmt: skip
def test_a_habit_is_a_day_and_a_part_of_the_day(counts, expected):
    found = sort_by("hours", [shopper(1, hours=counts)])
    assert found.of == {member(1): expected}
    assert expected in found.names


@pytest.mark.parametrize(
    ("days", "last", "expected"),
    [
        ((100,), 104, "first"),
        ((100,), 118, "late"),
        (tuple(range(0, 70, 7)), 68, "on time"),
        (tuple(range(0, 70, 7)), 71, "due"),
        (tuple(range(0, 70, 7)), 77, "late"),
        (tuple(range(0, 70, 7)), 91, "lapsing"),
        (tuple(range(0, 70, 7)), 92, "lost"),
        ((*range(0, 70, 7), 92), 93, "returned"),
    ],
)
def test_a_rhythm_is_each_members_own(days, last, expected):
    found = sort_by("rhythm", [shopper(1, days=days)], TERMS._replace(last=last))
    assert found.of == {member(1): expected}
    assert expected in found.names


def test_what_is_usual_is_the_programmes_share():
    counts = {HOUR["sat"] + 9: 2, HOUR["mon"] + 12: 1, HOUR["fri"] + 19: 1}
    for share, expected in ((5000, "sat morning"), (5001, "varies")):
        rules = Segments(usual=Usual(share_bp=share))
        assert sort_by("hours", [shopper(1, hours=counts)], Terms(rules)).of[member(1)] == expected
