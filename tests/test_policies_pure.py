"""The pure rules at their edges, where a small fault would otherwise go unseen (`make mutate`)."""

import datetime as dt
from typing import NamedTuple

import pytest

from ledger.errors import PointsShort, RedeemNotOffered, RedeemStep
from ledger.policies.basket import Basket, Shopper, eligible
from ledger.policies.burn import burn
from ledger.policies.earn import earn
from ledger.policies.earn.birthday import birthday_year
from ledger.policies.member_price import member_discount
from ledger.policies.redeem import cash_value, gift_of
from ledger.policies.split import largest_remainder
from ledger.policies.tier import Standing, standing_level
from ledger.programme import (
    ONE_BP,
    Birthday,
    Cash,
    Earn,
    Level,
    Redeem,
    Tiers,
)  # fmt: skip
from ledger.types import Line, LineRef, Take, Tender, day_of

TODAY = day_of(dt.date(2026, 5, 15))
VOUCHERS = Earn(1, 1, excluded_tenders=frozenset({"voucher"}))


class Lot(NamedTuple):
    activates_at: int
    expires_at: int
    origin: int
    points: int


def line(amount_minor=100, product="1", **fields):
    return Line(product, fields.pop("quantity", 1), amount_minor, **fields)


def back(amount_minor):
    ref = LineRef("s", "1", dt.date(2026, 5, 1), "7", 1)
    return line(amount_minor, quantity=-1, return_of=ref)


def earned(lines, rules, *, tier_bp=ONE_BP, birthday=False):
    shopper = Shopper(tier_multiplier_bp=tier_bp, birthday=birthday)
    return earn(Basket(rules, lines, eligible(rules, lines, ()), TODAY, shopper))


def paid_with(voucher_minor, *lines):
    return eligible(VOUCHERS, lines, (Tender("voucher", voucher_minor),))


# --- splits ------------------------------------------------------------------------------


def test_a_single_point_goes_to_the_largest_remainder_wherever_it_stands():
    assert largest_remainder(1, [1, 3]) == [0, 1]


def test_points_left_over_go_to_later_parts_with_larger_remainders():
    assert largest_remainder(4, [1, 4, 4, 1]) == [0, 2, 2, 0]
    assert largest_remainder(3, [2, 5, 3]) == [1, 1, 1]
    assert largest_remainder(2, [1, 4, 5]) == [0, 1, 1]


# --- the amount that earns ---------------------------------------------------------------


OTHERS = {
    "a voided line": line(400, voided=True),
    "goods brought back": back(-400),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_was_not_bought_has_no_share_in_an_excluded_tender(other):
    assert paid_with(300, line(600), other) == [300, 0]


def test_an_excluded_tender_given_back_adds_nothing():
    assert paid_with(-100, line(600)) == [600]


def test_an_excluded_tender_on_a_receipt_of_nothing_takes_nothing():
    assert paid_with(100, line(0)) == [0]
    assert paid_with(100, back(-400)) == [0]


def test_the_smallest_amount_can_be_paid_by_an_excluded_tender():
    assert paid_with(1, line(1)) == [0]


# --- rules -------------------------------------------------------------------------------


def test_without_a_rule_beyond_the_base_none_is_told():
    assert earned([line(1000)], Earn(1, 100)) == ([10], ())


def test_counted_by_line_every_full_amount_brings_several_points():
    assert earned([line(250), line(99)], Earn(3, 100, "line")).points == [6, 0]


def test_a_tier_can_add_a_single_point():
    assert earned([line(200)], Earn(1, 100), tier_bp=15_000) == ([3], (("tier", 1),))


BIRTHDAYS = {
    "points alone": (Birthday(points=50, multiplier_bp=ONE_BP), 50),
    "a multiple, rounded down": (Birthday(points=0, multiplier_bp=15_000), 1),
    "a multiple below one": (Birthday(points=50, multiplier_bp=5_000), 50),
}


@pytest.mark.parametrize(("rule", "extra"), BIRTHDAYS.values(), ids=BIRTHDAYS)
def test_a_birthday_adds(rule, extra):
    got = earned([line(300)], Earn(1, 100, birthday=rule), birthday=True)
    assert got == ([3 + extra], (("birthday", extra),))
    assert all(type(points) is int for points in got.points)


def test_a_birthday_that_gives_nothing_is_not_told():
    rule = Birthday(points=0, multiplier_bp=ONE_BP)
    assert earned([line(300)], Earn(1, 100, birthday=rule), birthday=True) == ([3], ())


def test_a_century_with_a_leap_day_has_its_29_february():
    day, born = day_of(dt.date(2000, 2, 29)), dt.date(1992, 2, 29)
    assert birthday_year(Birthday(0, 0), born, day) == 2000
    assert birthday_year(Birthday(0, 0), born, day - 1) == 0


def test_goods_without_a_member_price_cost_what_they_cost_however_dear():
    assert member_discount([], line(10_000_000), "", TODAY) == 0


def test_a_tier_is_kept_from_the_instant_it_is_held():
    tiers = Tiers((Level("basic", 0), Level("gold", 500)), window_days=365, keep_days=30)
    held = Standing("gold", 1000, since=10)
    names = [standing_level(tiers, held, 0, at).name for at in (9, 10, 999, 1000)]
    assert names == ["basic", "gold", "gold", "basic"]


# --- which lots pay, and for what --------------------------------------------------------


def test_the_lot_that_ends_soonest_pays_before_the_one_active_soonest():
    lots = [Lot(0, 300, 0, 10), Lot(5, 100, 1, 10)]
    assert burn(lots, 12, 50) == (Take(5, 100, 1, 10), Take(0, 300, 0, 2))


def test_a_refusal_names_its_field():
    with pytest.raises(PointsShort) as short:
        burn([], 1, 50)
    with pytest.raises(RedeemStep) as step:
        cash_value(Redeem(Cash(100, 100)), 150)
    with pytest.raises(RedeemNotOffered) as gift:
        gift_of(Redeem(), "mug")
    assert [no.value.field for no in (short, step, gift)] == ["points", "points", "gift"]


def test_a_programme_without_cash_says_what_is_missing():
    with pytest.raises(RedeemNotOffered) as no:
        cash_value(Redeem(), 100)
    assert no.value.detail == "It gives no cash for points."


def test_no_points_are_worth_nothing_and_are_told_the_first_step():
    with pytest.raises(RedeemStep, match="0 asked; 100 would do"):
        cash_value(Redeem(Cash(100, 250)), 0)


def test_many_points_are_worth_their_rate_exactly():
    many = 10**17 + 1
    assert cash_value(Redeem(Cash(3, 1)), 3 * many) == many
