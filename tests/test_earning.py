"""What a basket earns: base, exclusions, bonuses, birthday, tiers, and member prices."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.policies.basket import Basket, Shopper, eligible
from ledger.policies.earn import earn
from ledger.policies.earn.birthday import birthday_year
from ledger.policies.member_price import member_discount
from ledger.policies.tier import Standing, kept_until, level_for, standing_level
from ledger.policies.window import Counted, in_window
from ledger.programme import ONE_BP, Birthday, Bonus, Earn, Level, MemberPrice, Tiers
from ledger.types import Line, LineRef, Tender, day_of

TODAY = day_of(dt.date(2026, 5, 15))
RULES = Earn(1, 100)


def line(amount_minor=100, product="1", **fields):
    return Line(product, fields.pop("quantity", 1), amount_minor, **fields)


def back(amount_minor=-100):
    ref = LineRef("s", "1", dt.date(2026, 5, 1), "7", 1)
    return Line("1", -1, amount_minor, return_of=ref)


def earned(lines, rules=RULES, *, tenders=(), tier_bp=ONE_BP, birthday=False, day=TODAY):
    amounts = eligible(rules, lines, tenders)
    shopper = Shopper(tier_multiplier_bp=tier_bp, birthday=birthday)
    return earn(Basket(rules, lines, amounts, day, shopper))


def points(lines, rules=RULES, **rest):
    return earned(lines, rules, **rest).points


# --- the base ----------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "expected"), [(0, 0), (99, 0), (100, 1), (199, 1), (200, 2)])
def test_points_are_earned_for_each_full_amount(amount, expected):
    assert points([line(amount)]) == [expected]


def test_counted_by_receipt_the_lines_are_summed_first():
    assert sum(points([line(150), line(150)])) == 3


def test_counted_by_line_each_line_is_rounded_down():
    assert points([line(150), line(150)], Earn(1, 100, "line")) == [1, 1]


def test_several_points_come_together():
    assert points([line(1999)], Earn(5, 1000)) == [5]


def test_196000_earn_196_not_217():
    assert points([line(196_000_00)], Earn(1, 1000_00)) == [196]


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=20), st.integers(1, 500))
def test_the_points_of_lines_sum_to_the_points_of_the_receipt(amounts, per_minor):
    lines = [line(amount) for amount in amounts]
    assert sum(points(lines, Earn(3, per_minor))) == sum(amounts) // per_minor * 3


# --- what earns nothing ------------------------------------------------------------------

NOTHING = {
    "a gift card": line(5000, kind="gift_card"),
    "a deposit": line(5000, kind="deposit"),
    "a reward": line(5000, kind="reward"),
    "a voided line": line(5000, voided=True),
    "goods brought back": back(-5000),
    "an excluded product": line(5000, "cigarettes"),
    "an excluded category": line(5000, category="tobacco"),
}


@pytest.mark.parametrize("other", NOTHING.values(), ids=NOTHING)
@pytest.mark.parametrize("counted_by", ["receipt", "line"])
def test_it_earns_nothing_beside_a_line_that_earns(other, counted_by):
    rules = Earn(
        1, 100, counted_by,
        excluded_products=frozenset({"cigarettes"}), excluded_categories=frozenset({"tobacco"}),
        bonus=(Bonus("all", frozenset({"1", "cigarettes"}), frozenset({"tobacco"}), 20_000, 3),),
    )  # fmt: skip
    assert points([line(300), other], rules)[1] == 0
    assert points([line(300), other], rules)[0] == 3 + 3 + 3


def test_an_excluded_tender_takes_its_share_of_every_line():
    rules = Earn(1, 1, excluded_tenders=frozenset({"voucher"}))
    tenders = (Tender("voucher", 500), Tender("cash", 500))
    assert points([line(600), line(400)], rules, tenders=tenders) == [300, 200]


def test_the_share_of_an_excluded_tender_is_rounded_in_the_programmes_favour():
    rules = Earn(1, 1, excluded_tenders=frozenset({"voucher"}))
    tenders = (Tender("voucher", 1), Tender("cash", 199))
    assert points([line(99), line(101, kind="deposit")], rules, tenders=tenders) == [98, 0]


def test_a_receipt_paid_by_an_excluded_tender_earns_nothing():
    rules = Earn(1, 1, excluded_tenders=frozenset({"voucher"}))
    assert points([line(600)], rules, tenders=(Tender("voucher", 1000),)) == [0]


def test_other_tenders_take_nothing():
    rules = Earn(1, 1, excluded_tenders=frozenset({"voucher"}))
    assert points([line(600)], rules, tenders=(Tender("card", 600),)) == [600]


# --- bonuses -----------------------------------------------------------------------------


def with_bonus(*bonus, **fields):
    return Earn(1, 100, bonus=bonus, **fields)


def test_a_bonus_multiplies_the_base_points_of_listed_products():
    rules = with_bonus(Bonus("milk", frozenset({"milk"}), multiplier_bp=30_000))
    assert points([line(500, "milk"), line(500)], rules) == [15, 5]


def test_a_bonus_multiplies_the_base_points_of_listed_categories():
    rules = with_bonus(Bonus("dairy", categories=frozenset({"dairy"}), multiplier_bp=15_000))
    assert points([line(500, category="dairy"), line(500)], rules) == [7, 5]


def test_points_each_are_counted_by_piece():
    rules = with_bonus(Bonus("milk", frozenset({"milk"}), points_each=10))
    assert points([line(99, "milk", quantity=3)], rules) == [30]


def test_points_each_are_counted_once_for_weighed_goods():
    rules = with_bonus(Bonus("ham", frozenset({"ham"}), points_each=10))
    assert points([line(99, "ham", quantity=250, unit="gram")], rules) == [10]


@pytest.mark.parametrize(("offset", "extra"), [(-1, 0), (0, 5), (3, 5), (4, 0)])
def test_a_bonus_holds_between_its_dates_both_included(offset, extra):
    start = dt.date(2026, 5, 15)
    bonus = Bonus(
        "milk", frozenset({"1"}), points_each=5, from_=start, until=start + dt.timedelta(3)
    )
    assert points([line(99)], with_bonus(bonus), day=TODAY + offset) == [extra]


def test_bonuses_add_up_and_do_not_multiply_each_other():
    double = [Bonus(n, frozenset({"1"}), multiplier_bp=20_000) for n in "ab"]
    got = earned([line(1000)], with_bonus(*double))
    assert got.points == [30]
    assert got.rules == (("bonus:a", 10), ("bonus:b", 10))


def test_a_multiplier_below_one_takes_nothing_away():
    rules = with_bonus(Bonus("milk", frozenset({"1"}), multiplier_bp=0))
    assert points([line(1000)], rules) == [10]


# --- birthday ----------------------------------------------------------------------------


def test_a_birthday_receipt_earns_points_and_a_multiple():
    rules = Earn(1, 100, birthday=Birthday(multiplier_bp=20_000, points=50))
    got = earned([line(1000), line(0)], rules, birthday=True)
    assert got.points == [70, 0]
    assert got.rules == (("birthday", 60),)


def test_without_a_birthday_nothing_is_added():
    rules = Earn(1, 100, birthday=Birthday(points=50))
    assert points([line(1000)], rules) == [10]


def test_a_birthday_gives_nothing_to_a_receipt_that_cannot_earn():
    rules = Earn(1, 100, birthday=Birthday(points=50))
    assert points([line(1000, kind="gift_card")], rules, birthday=True) == [0]


BIRTHDAYS = {
    "on the day": ((3, 7), "2026-06-10", "2026-06-10", 2026),
    "first day of the window": ((3, 7), "1990-06-10", "2026-06-07", 2026),
    "before the window": ((3, 7), "1990-06-10", "2026-06-06", 0),
    "last day of the window": ((3, 7), "1990-06-10", "2026-06-17", 2026),
    "after the window": ((3, 7), "1990-06-10", "2026-06-18", 0),
    "after, across the new year": ((3, 7), "1990-12-30", "2027-01-06", 2026),
    "after the window across the new year": ((3, 7), "1990-12-30", "2027-01-07", 0),
    "before, across the new year": ((3, 7), "1990-01-02", "2026-12-30", 2027),
    "before the window across the new year": ((3, 7), "1990-01-02", "2026-12-29", 0),
    "29 February in a leap year": ((0, 0), "1992-02-29", "2028-02-29", 2028),
    "29 February, not on 28 in a leap year": ((0, 0), "1992-02-29", "2028-02-28", 0),
    "29 February in a common year": ((0, 0), "1992-02-29", "2026-02-28", 2026),
    "29 February, not on 1 March": ((0, 0), "1992-02-29", "2026-03-01", 0),
    "29 February, a century without it": ((0, 0), "1992-02-29", "2100-02-28", 2100),
}  # fmt: skip


@pytest.mark.parametrize(("window", "born", "today", "year"), BIRTHDAYS.values(), ids=BIRTHDAYS)
def test_a_day_belongs_to_the_birthday_whose_window_it_is_in(window, born, today, year):
    rule = Birthday(*window)
    day = day_of(dt.date.fromisoformat(today))
    assert birthday_year(rule, dt.date.fromisoformat(born), day) == year


# --- tiers -------------------------------------------------------------------------------

TIERS = Tiers((Level("basic", 0), Level("silver", 100), Level("gold", 500)), 365, keep_days=30)
FALLEN = Standing("", 0)


@pytest.mark.parametrize(
    ("held", "name"),
    [(-5, "basic"), (0, "basic"), (99, "basic"), (100, "silver"), (101, "silver"),
     (499, "silver"), (500, "gold"), (501, "gold"), (10**9, "gold")],
)  # fmt: skip
def test_a_tier_begins_exactly_at_its_threshold(held, name):
    assert level_for(TIERS, held).name == name


@given(st.integers(-100, 1000), st.integers(0, 100))
def test_more_points_never_mean_a_lower_tier(held, more):
    assert level_for(TIERS, held).from_points <= level_for(TIERS, held + more).from_points


def test_points_count_to_the_last_day_of_the_window():
    assert in_window(TIERS, Counted((TODAY - 364,), (100,)), TODAY) == 100
    assert in_window(TIERS, Counted((TODAY - 365,), (100,)), TODAY) == 0


def test_points_of_the_day_itself_count_and_those_of_later_days_do_not():
    assert in_window(TIERS, Counted((TODAY, TODAY + 1), (3, 100)), TODAY) == 3


def test_a_kept_tier_stands_until_its_end_and_not_longer():
    held = Standing("gold", 1000)
    assert standing_level(TIERS, held, 0, 999).name == "gold"
    assert standing_level(TIERS, held, 0, 1000).name == "basic"


def test_a_kept_tier_never_holds_a_member_down():
    assert standing_level(TIERS, Standing("silver", 1000), 500, 0).name == "gold"


def test_a_kept_tier_that_is_no_more_counts_as_the_first():
    assert standing_level(TIERS, Standing("platinum", 1000), 0, 0).name == "basic"


def test_without_a_kept_tier_the_window_decides():
    assert standing_level(TIERS, FALLEN, 100, 0).name == "silver"


def test_a_tier_is_kept_for_whole_days():
    day = day_of(dt.date(2026, 1, 1))
    assert kept_until(TIERS, day, "UTC", 0) == (day + 31) * 86_400


def test_a_tier_adds_its_multiple_to_the_base_rounded_down():
    got = earned([line(350), line(150)], tier_bp=15_000)
    assert sum(got.points) == 5 + 2
    assert got.rules == (("tier", 2),)


def test_a_tier_does_not_multiply_a_bonus():
    rules = with_bonus(Bonus("milk", frozenset({"1"}), points_each=100))
    assert points([line(1000)], rules, tier_bp=20_000) == [10 + 10 + 100]


# --- member prices -----------------------------------------------------------------------


def off(bp=1000, **fields):
    return MemberPrice("price", bp, frozenset({"1"}), **fields)


def test_a_member_pays_less_for_listed_goods():
    assert member_discount([off()], line(1000), "", TODAY) == 100
    assert member_discount([off()], line(1000, "2"), "", TODAY) == 0


def test_a_member_price_is_rounded_in_the_programmes_favour():
    assert member_discount([off(3333)], line(199), "", TODAY) == 66


def test_the_best_of_several_member_prices_holds_alone():
    assert member_discount([off(1000), off(2500), off(500)], line(1000), "", TODAY) == 250


def test_a_discount_on_the_line_is_counted_against_the_member_price():
    assert member_discount([off(2500)], line(900, discount_minor=100), "", TODAY) == 150
    assert member_discount([off(1000)], line(700, discount_minor=300), "", TODAY) == 0


def test_a_member_price_can_be_for_some_tiers():
    price = off(tiers=frozenset({"gold"}))
    assert member_discount([price], line(1000), "gold", TODAY) == 100
    assert member_discount([price], line(1000), "basic", TODAY) == 0


@pytest.mark.parametrize(("offset", "expected"), [(-1, 0), (0, 100), (1, 0)])
def test_a_member_price_holds_between_its_dates(offset, expected):
    date = dt.date(2026, 5, 15)
    price = off(from_=date, until=date)
    assert member_discount([price], line(1000), "", TODAY + offset) == expected


def test_goods_brought_back_and_voided_lines_have_no_member_price():
    assert member_discount([off()], line(1000, voided=True), "", TODAY) == 0
    assert member_discount([off()], back(), "", TODAY) == 0


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, ONE_BP))
def test_a_member_never_pays_less_than_nothing(amount, discount, bp):
    cheaper = member_discount([off(bp)], line(amount, discount_minor=discount), "", TODAY)
    assert 0 <= cheaper <= amount
