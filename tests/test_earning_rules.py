"""Rates, conditions of bonuses, groups, limits, budgets and caps: the rules alone."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.policies.basket import ALL, Basket, Given, Shopper, cut, eligible
from ledger.policies.earn import earn
from ledger.programme import Birthday, Bonus, Caps, Earn, Expression, Rate
from ledger.types import Line, Tender, day_of

MONDAY = day_of(dt.date(2026, 5, 11))
NOBODY = Shopper()


def line(amount_minor=1000, product="1", **fields):
    return Line(product, fields.pop("quantity", 1), amount_minor, **fields)


def earned(rules, *lines, shopper=NOBODY, day=MONDAY, hour=12, store="s1", tenders=()):
    lines = lines or (line(),)
    amounts = eligible(rules, lines, tenders)
    return earn(Basket(rules, lines, amounts, day, shopper, hour, store))


def points(rules, *lines, **rest):
    return earned(rules, *lines, **rest).points


def with_bonus(*bonus, **fields):
    return Earn(1, 100, bonus=bonus, **fields)


def extra(bonus, *lines, **rest):
    """What a bonus of 5 points adds to the receipt."""
    got = earned(with_bonus(bonus), *lines, **rest)
    return dict(got.rules).get(bonus.rule, 0)


def fixed(**fields):
    return Bonus("five", points=5, **fields)


# --- rates -------------------------------------------------------------------------------

FUEL = Rate("fuel", 1, 500, categories=frozenset({"fuel"}))


def test_a_line_earns_at_the_rate_that_lists_it_and_the_rest_at_the_programmes():
    got = earned(Earn(1, 100, rate=(FUEL,)), line(1000, category="fuel"), line(1000))
    assert got.points == [1000 // 500, 1000 // 100]
    assert got.rules == (("rate:fuel", 2),)


def test_of_several_rates_that_fit_the_first_counts():
    other = Rate("all fuel", 9, 1, categories=frozenset({"fuel"}))
    assert points(Earn(1, 100, rate=(FUEL, other)), line(1000, category="fuel")) == [2]


def test_lines_of_one_rate_are_summed_before_they_are_rounded():
    rules = Earn(1, 100, rate=(FUEL,))
    assert points(rules, line(250, category="fuel"), line(250, category="fuel")) == [1, 0]


def test_counted_by_line_each_line_of_a_rate_is_rounded_down():
    rules = Earn(1, 100, "line", rate=(FUEL,))
    assert points(rules, line(999, category="fuel"), line(500, category="fuel")) == [1, 1]


@pytest.mark.parametrize(
    ("rate", "fits"),
    [
        ({"products": {"1"}}, True), ({"products": {"2"}}, False),
        ({"brands": {"own"}}, True), ({"brands": {"other"}}, False),
        ({"stores": {"s1"}}, True), ({"stores": {"s2"}}, False),
        ({"tiers": {"gold"}}, True), ({"tiers": {"basic"}}, False),
        ({"brands": {"own"}, "stores": {"s2"}}, False),
        ({"brands": {"own"}, "tiers": {"basic"}}, False),
        ({"brands": {"other"}, "stores": {"s1"}, "tiers": {"gold"}}, False),
        ({"brands": {"own"}, "stores": {"s1"}, "tiers": {"gold"}}, True),
    ],
)  # fmt: skip
def test_goods_store_and_tier_of_a_rate_must_all_fit(rate, fits):
    rules = Earn(1, 100, rate=(Rate("r", 3, 100, **{k: frozenset(v) for k, v in rate.items()}),))
    got = points(rules, line(brand="own"), shopper=Shopper(tier="gold"))
    assert got == [30 if fits else 10]


def test_a_rate_may_give_nothing():
    rules = Earn(1, 100, rate=(Rate("none", 0, 1, brands=frozenset({"own"})),))
    got = earned(rules, line(brand="own"), line(300))
    assert (got.points, got.rules) == ([0, 3], ())


def test_a_tier_multiplies_the_points_of_a_rate_too():
    rules = Earn(1, 100, rate=(FUEL,))
    got = earned(
        rules, line(1000, category="fuel"), line(1000), shopper=Shopper(tier_multiplier_bp=20_000)
    )
    assert got.points == [4, 20]
    assert got.rules == (("rate:fuel", 2), ("tier", 12))


def test_what_earns_nothing_earns_nothing_at_a_rate():
    rules = Earn(1, 100, rate=(FUEL,))
    assert points(rules, line(1000, category="fuel", kind="deposit"), line(100)) == [0, 1]


# --- gross and net, and the minimum ------------------------------------------------------


def test_gross_counts_the_discount_and_net_does_not():
    bought = line(900, discount_minor=100)
    assert points(Earn(1, 100), bought) == [9]
    assert points(Earn(1, 100, amounts="gross"), bought) == [10]


def test_gross_amounts_that_earn_nothing_stay_out():
    rules = Earn(1, 100, amounts="gross")
    assert points(rules, line(0, discount_minor=500, voided=True), line(100)) == [0, 1]


def test_an_excluded_tender_takes_its_share_of_gross_amounts():
    rules = Earn(1, 1, amounts="gross", excluded_tenders=frozenset({"voucher"}))
    tenders = (Tender("voucher", 400), Tender("cash", 400))
    assert points(rules, line(800, discount_minor=200), tenders=tenders) == [1000 * 400 // 800]


@pytest.mark.parametrize(("amount", "expected"), [(1999, 0), (2000, 20 + 3), (2001, 20 + 3)])
def test_a_receipt_below_the_minimum_earns_nothing_at_all(amount, expected):
    each = Bonus("each", frozenset({"1"}), points_each=3)
    assert points(with_bonus(each, minimum_minor=2000), line(amount)) == [expected]


def test_only_what_earns_counts_towards_the_minimum():
    rules = Earn(1, 100, minimum_minor=2000)
    assert points(rules, line(1500), line(1500, kind="gift_card")) == [0, 0]


# --- conditions --------------------------------------------------------------------------


@pytest.mark.parametrize(("brand", "expected"), [("own", 5), ("other", 0), ("", 0)])
def test_a_bonus_can_be_for_brands(brand, expected):
    assert extra(fixed(brands=frozenset({"own"})), line(brand=brand)) == expected


@pytest.mark.parametrize(("store", "expected"), [("s1", 5), ("s2", 0)])
def test_a_bonus_can_be_for_stores(store, expected):
    assert extra(fixed(stores=frozenset({"s1"})), store=store) == expected


@pytest.mark.parametrize(("tier", "expected"), [("gold", 5), ("basic", 0)])
def test_a_bonus_can_be_for_tiers(tier, expected):
    assert extra(fixed(tiers=frozenset({"gold"})), shopper=Shopper(tier=tier)) == expected


@pytest.mark.parametrize("offset", range(8))
def test_weekdays_are_counted_from_monday(offset):
    weekday = offset % 7 + 1
    for listed in range(1, 8):
        bonus = fixed(weekdays=frozenset({listed}))
        assert extra(bonus, day=MONDAY + offset) == (5 if listed == weekday else 0)


@pytest.mark.parametrize(
    ("first", "end", "hour", "expected"),
    [
        (9, 12, 8, 0), (9, 12, 9, 5), (9, 12, 11, 5), (9, 12, 12, 0),
        (22, 2, 21, 0), (22, 2, 22, 5), (22, 2, 23, 5), (22, 2, 0, 5), (22, 2, 1, 5), (22, 2, 2, 0),
        (0, 24, 0, 5), (0, 24, 23, 5), (20, 24, 19, 0), (20, 24, 23, 5),
    ],
)  # fmt: skip
def test_hours_run_from_one_to_before_another_over_midnight_too(first, end, hour, expected):
    assert extra(fixed(everything=True, from_hour=first, until_hour=end), hour=hour) == expected


@pytest.mark.parametrize(("receipts", "expected"), [(0, 5), (1, 0), (2, 0)])
def test_a_first_purchase_is_one_before_which_nothing_is_recorded(receipts, expected):
    assert extra(fixed(first_purchase=True), shopper=Shopper(receipts=receipts)) == expected


@pytest.mark.parametrize(("amount", "expected"), [(1999, 0), (2000, 5), (2001, 5)])
def test_a_bonus_may_want_a_minimum_basket(amount, expected):
    assert extra(fixed(minimum_minor=2000), line(amount - 500), line(500)) == expected


@pytest.mark.parametrize(("offset", "expected"), [(-1, 0), (0, 5), (1, 5), (2, 0)])
def test_a_bonus_holds_between_its_dates_both_included(offset, expected):
    first = dt.date(2026, 5, 11)
    bonus = fixed(from_=first, until=first + dt.timedelta(days=1))
    assert extra(bonus, day=MONDAY + offset) == expected


def test_every_condition_must_hold():
    bonus = fixed(stores=frozenset({"s1"}), weekdays=frozenset({1}))
    assert extra(bonus) == 5
    assert extra(bonus, store="s2") == 0
    assert extra(bonus, day=MONDAY + 1) == 0


# --- effects -----------------------------------------------------------------------------


def test_fixed_points_are_shared_by_amount_among_the_lines_it_is_for():
    bonus = Bonus("own", brands=frozenset({"own"}), points=7)
    lines = line(600, brand="own"), line(900), line(100, brand="own")
    assert points(with_bonus(bonus), *lines) == [6 + 6, 9, 1 + 1]


def test_fixed_points_need_something_that_was_paid():
    assert extra(fixed(everything=True), line(0)) == 0


def test_a_bonus_without_goods_multiplies_every_line_that_earns():
    bonus = Bonus("double", multiplier_bp=20_000, everything=True)
    assert points(with_bonus(bonus), line(300), line(500, kind="deposit")) == [6, 0]


def test_the_three_effects_of_a_bonus_add():
    bonus = Bonus("all", frozenset({"1"}), multiplier_bp=20_000, points_each=2, points=4)
    assert points(with_bonus(bonus), line(1000, quantity=3)) == [10 + 10 + 2 * 3 + 4]


# --- exclusive groups --------------------------------------------------------------------


def group(name, points, word="g", **fields):
    return Bonus(name, points=points, everything=True, exclusive=word, **fields)


def named(*bonus, shopper=NOBODY):
    return earned(with_bonus(*bonus), shopper=shopper).rules


def test_of_one_group_the_bonus_that_gives_most_counts():
    assert named(group("a", 3), group("b", 5), group("c", 4)) == (("bonus:b", 5),)


def test_of_equal_bonuses_of_a_group_the_first_counts():
    assert named(group("a", 5), group("b", 5)) == (("bonus:a", 5),)


def test_groups_and_bonuses_without_a_group_all_add():
    got = named(group("a", 3), group("b", 4, "h"), group("c", 2, ""), group("d", 1, ""))
    assert got == (("bonus:a", 3), ("bonus:b", 4), ("bonus:c", 2), ("bonus:d", 1))


def test_a_limited_bonus_stands_in_its_group_for_what_it_would_give():
    assert named(group("a", 9, max_points_receipt=2), group("b", 3)) == (("bonus:b", 3),)


def test_a_bonus_that_does_not_hold_takes_no_place_in_its_group():
    assert named(group("a", 9, minimum_minor=10**6), group("b", 3)) == (("bonus:b", 3),)


# --- limits and budgets ------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "expected"), [(4, 4), (5, 5), (6, 5)])
def test_a_bonus_gives_no_more_than_its_limit_on_a_receipt(limit, expected):
    assert extra(fixed(everything=True, max_points_receipt=limit)) == expected


@pytest.mark.parametrize(("before", "expected"), [(0, 5), (2, 5), (3, 4), (6, 1), (7, 0), (9, 0)])
def test_a_bonus_gives_no_more_than_its_limit_on_a_day(before, expected):
    shopper = Shopper(given={"bonus:five": Given(before, 100)})
    assert extra(fixed(everything=True, max_points_day=7), shopper=shopper) == expected


@pytest.mark.parametrize(("before", "expected"), [(0, 5), (2, 5), (3, 4), (6, 1), (7, 0), (9, 0)])
def test_a_bonus_gives_no_more_than_its_limit_for_ever(before, expected):
    shopper = Shopper(given={"bonus:five": Given(0, before)})
    assert extra(fixed(everything=True, max_points_member=7), shopper=shopper) == expected


@pytest.mark.parametrize(("left", "expected"), [(6, 5), (5, 5), (4, 4), (0, 0)])
def test_a_campaign_gives_what_is_left_of_its_budget(left, expected):
    shopper = Shopper(budgets={"five": left})
    assert extra(fixed(everything=True, budget_points=100), shopper=shopper) == expected


def test_the_tightest_limit_counts():
    bonus = fixed(
        everything=True,
        max_points_receipt=4,
        max_points_day=9,
        max_points_member=9,
        budget_points=9,
    )
    shopper = Shopper(given={"bonus:five": Given(7, 6)}, budgets={"five": 8})
    assert extra(bonus, shopper=shopper) == min(4, 9 - 7, 9 - 6, 8)


def test_a_limit_is_taken_off_the_lines_in_proportion():
    bonus = Bonus("each", frozenset({"1", "2"}), points_each=10, max_points_receipt=10)
    got = points(with_bonus(bonus), line(0, quantity=3), line(0, "2"))
    assert got == [8, 2]  # 30 and 10 of 40, cut to 10: 7.5 and 2.5, the odd one to the first


# --- caps --------------------------------------------------------------------------------


def tens(caps, **shopper):
    """A receipt of 10 base points, 10 of the tier, 10 of a bonus."""
    rules = with_bonus(Bonus("ten", points=10, everything=True), caps=caps)
    return earned(
        rules, line(700), line(300), shopper=Shopper(tier_multiplier_bp=20_000, **shopper)
    )


@pytest.mark.parametrize(
    ("limit", "lines", "rules"),
    [
        (31, [21, 9], (("tier", 10), ("bonus:ten", 10))),
        (30, [21, 9], (("tier", 10), ("bonus:ten", 10))),
        (29, [20, 9], (("tier", 10), ("bonus:ten", 9), ("cap:receipt", 0))),
        (20, [14, 6], (("tier", 10), ("bonus:ten", 0), ("cap:receipt", 0))),
        (15, [11, 4], (("tier", 5), ("bonus:ten", 0), ("cap:receipt", 0))),
        (1, [1, 0], (("tier", 0), ("bonus:ten", 0), ("cap:receipt", 0))),
    ],
)
def test_a_cap_cuts_the_last_award_first_and_the_base_last(limit, lines, rules):
    got = tens(Caps(receipt=limit))
    assert (got.points, got.rules) == (lines, rules)


@pytest.mark.parametrize(
    ("before", "total"), [(0, 30), (70, 30), (71, 29), (99, 1), (100, 0), (200, 0)]
)
def test_a_day_is_capped_by_what_was_earned_on_it_before(before, total):
    assert sum(tens(Caps(day=100), given={ALL: Given(before, 999)}).points) == total


@pytest.mark.parametrize(
    ("before", "total"), [(0, 30), (70, 30), (71, 29), (99, 1), (100, 0), (200, 0)]
)
def test_a_member_is_capped_by_all_that_was_earned_before(before, total):
    assert sum(tens(Caps(member=100), earned=before).points) == total


def test_every_cap_that_cut_is_named():
    got = tens(Caps(receipt=20, day=10, member=50))
    assert sum(got.points) == 10
    assert got.rules[-2:] == (("cap:receipt", 0), ("cap:day", 0))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=12), st.integers(0, 4000))
def test_a_cut_takes_from_no_line_more_than_it_has(before, most):
    after = cut(before, most)
    assert sum(after) == min(sum(before), most)
    assert all(0 <= a <= b for a, b in zip(after, before, strict=True))


@settings(deadline=None)  # the first one loads a library
@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=6),
    st.integers(1, 200), st.integers(0, 60), st.integers(1, 60),
)  # fmt: skip
def test_the_points_of_lines_always_sum_to_base_and_rules(amounts, cap, before, limit):
    rules = Earn(
        1, 100,
        bonus=(
            Bonus("x", multiplier_bp=25_000, points=9, everything=True, max_points_member=limit),
            Bonus("y", frozenset({"1"}), points_each=2, exclusive="g"),
        ),
        birthday=Birthday(points=11), caps=Caps(receipt=cap, day=150),
        expression=(Expression("e", "lines * 3"),),
    )  # fmt: skip
    shopper = Shopper(birthday=True, given={ALL: Given(before), "bonus:x": Given(0, before)})
    got = earned(rules, *(line(amount) for amount in amounts), shopper=shopper)
    base = sum(amounts) // 100
    assert sum(got.points) <= min(cap, 150 - before)
    assert all(points >= 0 for points in got.points)
    beyond = sum(points for _, points in got.rules)
    assert beyond <= sum(got.points) <= base + beyond
