"""More edges of the pure rules: what a refusal says, and what only one more cent or point shows."""

import datetime as dt

import pytest
from msgspec.structs import replace

from ledger.calendar import midnight
from ledger.errors import (
    AmountInvalid,
    InputInvalid,
    RedeemShare,
    SecondPersonNeeded,
    TransferLimit,
)
from ledger.policies.authority import Signature, authorise
from ledger.policies.basket import Award, Basket, Given, Shopper, cut
from ledger.policies.burn import within
from ledger.policies.caps import capped
from ledger.policies.conditions import holding
from ledger.policies.earn import earn
from ledger.policies.earn.base import base_points
from ledger.policies.earn.bonus import bonus_points
from ledger.policies.enrolment import normal_identity
from ledger.policies.expiry import AT_ONCE, NEVER, lot_dates
from ledger.policies.rebate import rebate_points
from ledger.policies.redeem import cash_value
from ledger.policies.returns import loose_amount, loose_points
from ledger.policies.review import review
from ledger.policies.tier import Standing
from ledger.policies.transfer import check_amount
from ledger.policies.window import Counted, falls_on
from ledger.programme import (
    ONE_BP,
    Bonus,
    Caps,
    Cash,
    Earn,
    Level,
    Lots,
    Rate,
    Rebate,
    RebateLevel,
    Redeem,
    Role,
    Staff,
    Tiers,
    Transfer,
)
from ledger.types import Line, Take, day_of

TODAY = day_of(dt.date(2026, 5, 15))


def basket(rules, *amounts, **fields):
    lines = [Line("1", 1, amount) for amount in amounts]
    return Basket(rules, lines, list(amounts), TODAY, **fields)


# --- what a refusal says -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "points", "error", "says"),
    [
        (Transfer(), 0, AmountInvalid, ""),
        (Transfer(minimum_points=5), 4, TransferLimit, "4 asked, 5 at least."),
        (Transfer(max_points_day=20), 14, TransferLimit, "14 asked, 13 left today."),
    ],
)
def test_a_refused_transfer_names_the_points_and_what_would_do(rule, points, error, says):
    with pytest.raises(error) as refused:
        check_amount(rule, points, 7)
    assert refused.value.field == "points"
    assert says == refused.value.detail or not says


def test_an_approval_by_the_author_says_what_is_wrong_with_it():
    staff = Staff((Role("boss", 1000, 500),))
    with pytest.raises(SecondPersonNeeded) as refused:
        authorise(staff, "adjust", 1, Signature("Ann Lee", "boss", "ann  lee", "boss"))
    assert refused.value.field == "approved_by"
    assert refused.value.detail == "It must be somebody else."


def test_blanks_hold_the_parts_of_a_name_apart():
    staff = Staff((Role("boss", 1000, 500),))
    for author, other in (("Ann Lee", "AnnLee"), ("Ann Lee", "AnnXX XXLee")):
        authorise(staff, "adjust", 1, Signature(author, "boss", other, "boss"))


@pytest.mark.parametrize(
    ("by", "content"),
    [
        (Signature("Ada"), ("Ada",)),
        (Signature("Ada", "boss"), ("Ada", "boss", "", "")),
        (Signature("Ada", "", "Bob"), ("Ada", "", "Bob", "")),
        (Signature("Ada", "", "", "boss"), ("Ada", "", "", "boss")),
        (Signature(""), ("",)),
    ],
)
def test_an_author_alone_stands_alone_in_a_commands_content(by, content):
    assert by.content() == content


def test_a_wrong_identity_is_told_what_it_may_be():
    with pytest.raises(InputInvalid) as refused:
        normal_identity("ada")
    assert refused.value.field == "identity"
    assert refused.value.detail == "It is neither an e-mail address nor a telephone number."


def test_letters_are_in_no_telephone_number():
    with pytest.raises(InputInvalid):
        normal_identity("123456X")
    with pytest.raises(InputInvalid):
        normal_identity("12345X")


def test_points_for_a_basket_nobody_named_are_told_that_none_may_be_paid():
    with pytest.raises(RedeemShare) as refused:
        cash_value(Redeem(Cash(1, 1, max_share_bp=5_000)), 1)
    assert refused.value.field == "points"
    assert refused.value.detail == "1 asked of a basket of 0, 0 may be paid; none would do."


# --- sums at their edges -----------------------------------------------------------------


def test_a_single_point_within_lots_is_kept():
    assert within((Take(0, 9, 0, 5),), (Take(0, 9, 0, 1),)) == (Take(0, 9, 0, 1),)


def test_points_that_fit_are_left_as_they_are():
    points = [3, 0, 1]
    assert cut(points, 4) == points
    assert cut(points, 3) == [2, 0, 1]


def test_every_cap_that_cuts_is_named():
    award = [Award("", [30])]
    shopper = Shopper(earned=95, given={"all": Given(day=12)})
    assert capped(award, Caps(receipt=29), shopper).caps == ("cap:receipt",)
    assert capped(award, Caps(day=41), shopper).caps == ("cap:day",)
    assert capped(award, Caps(member=124), shopper).caps == ("cap:member",)
    assert capped(award, Caps(receipt=30, day=42, member=125), shopper).caps == ()


def test_points_are_never_pending_for_a_return_window_nobody_named():
    lots = Lots(pending="return_window")
    assert lot_dates(lots, TODAY, "UTC") == (midnight(TODAY + 1, "UTC"), NEVER)
    assert lot_dates(Lots(), TODAY, "UTC", 14) == (AT_ONCE, NEVER)


def test_a_rebate_of_the_largest_spend_is_exact():
    rule = Rebate(minor_per_point=1, level=(RebateLevel(ONE_BP),))
    assert rebate_points(rule, 2**60 + 1, "") == 2**60 + 1
    points = rebate_points(rule, 10, "")
    assert type(points) is int


def test_a_spend_of_one_unit_can_give_a_rebate():
    rule = Rebate(minor_per_point=1, level=(RebateLevel(ONE_BP),), minimum_spend_minor=0)
    assert [rebate_points(rule, spend, "") for spend in (0, 1)] == [0, 1]


def test_goods_without_receipt_counted_what_they_cost():
    rules = Earn(1, 100, excluded_products=frozenset({"9"}))
    lines = [Line("1", -1, -150, kind="return"), Line("9", -1, -70, kind="return")]
    assert loose_amount(rules, [*lines, Line("2", -2, -49, kind="return")]) == 199
    assert loose_amount(rules, []) == 0
    assert loose_points(rules, lines) == 1


# --- tiers -------------------------------------------------------------------------------

LEVELS = (Level("basic", 0), Level("gold", 100))
ROLLING = Tiers(LEVELS, window_days=30)


def at(text):
    return midnight(day_of(dt.date.fromisoformat(text)), "UTC")


def test_a_review_of_an_anniversary_goes_by_the_day_of_enrolment():
    tiers = Tiers(LEVELS, window="anniversary", grace_days=31)
    some = Counted([day_of(dt.date(2027, 3, 14))], [100], day_of(dt.date(2024, 3, 15)))
    held = Standing("gold", at("2027-04-15"))  # 31 days after 15 March
    after = review(tiers, "UTC", some, held, at("2040-01-01"))
    assert after == (Standing("gold", at("2028-04-15"), held.until), 100)
    late = replace(some, days=[day_of(dt.date(2026, 3, 14))])
    assert review(tiers, "UTC", late, held, at("2040-01-01")).standing.tier == "basic"


@pytest.mark.parametrize(
    ("days", "falls"),
    [
        ([9, 40], 40),  # the 30 days that end with 40 begin with 11
        ([10, 40], 40),
        ([11, 40], 41),
        ([39, 40], 69),
    ],
)
def test_a_window_falls_with_the_day_that_leaves_it(days, falls):
    assert falls_on(ROLLING, Counted(days, [50, 50]), 60, 40, 1000) == falls


def test_a_window_that_needs_nothing_never_falls():
    assert falls_on(ROLLING, Counted([40], [5]), 0, 40, 1000) == 1001


# --- earning -----------------------------------------------------------------------------


def test_base_points_are_no_rule_of_their_own():
    rate = Rate("dear", 2, 100, stores=frozenset({"s9"}))
    for rules in (Earn(1, 100), Earn(1, 100, rate=(rate,))):
        assert base_points(basket(rules, 250))[0] == Award("", [2])


def test_below_the_minimum_a_receipt_earns_nothing_by_no_rule():
    rules = Earn(1, 100, minimum_minor=1000)
    assert earn(basket(rules, 600, 399)) == ([0, 0], ())
    assert earn(basket(rules, 600, 400)) == ([6, 4], ())


def test_a_budget_nobody_drew_on_is_whole():
    bonus = Bonus("spring", everything=True, points=50, budget_points=20)
    rules = Earn(1, 100, bonus=(bonus,))
    (award,) = bonus_points(basket(rules, 1000), [10])
    assert award.points == [20]


def test_hours_hold_from_the_first_and_before_the_last():
    day = Bonus("day", everything=True, points=1, from_hour=8, until_hour=10)
    night = Bonus("night", everything=True, points=1, from_hour=22, until_hour=2)
    one = Bonus("one", everything=True, points=1, from_hour=23, until_hour=24)
    for bonus, hours in ((day, {8, 9}), (night, {22, 23, 0, 1}), (one, {23})):
        rules = Earn(1, 100, bonus=(bonus,))
        assert {h for h in range(24) if holding(basket(rules, 100, hour=h)) == [bonus]} == hours


def test_points_given_once_lie_on_the_lines_that_the_bonus_is_for():
    lines = (Line("a", 1, 1), Line("b", 1, 1_000), Line("a", 1, 3))
    bonus = Bonus("apples", products=frozenset(("a",)), points=8)
    rules = Earn(1, 100, bonus=(bonus,))
    (award,) = bonus_points(Basket(rules, lines, [1, 1_000, 3], 20_000), [0, 10, 0])
    assert award.points == [2, 0, 6]
