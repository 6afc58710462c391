"""The policies of redeeming, returning, burning, expiring and the rebate, at their edges."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.aggregates.member.state import Lot
from ledger.calendar import midnight
from ledger.errors import PointsShort, RedeemNotOffered, RedeemShare, RedeemStep
from ledger.policies.burn import available, burn, joined, less, restored, take_in_order, within
from ledger.policies.expiry import AT_ONCE, NEVER, lot_dates
from ledger.policies.rebate import rebate_points, share_bp
from ledger.policies.redeem import (
    cash_value,
    gift_of,
    most_below,
    voucher_of,
    would_do,
)
from ledger.policies.returns import loose_points, share
from ledger.programme import Cash, Earn, Expiry, Gift, Lots, Rebate, RebateLevel, Redeem, Voucher
from ledger.types import Line, Take

# --- redeeming ---------------------------------------------------------------------------

CASH = Cash(10, 25, minimum_points=30, step_points=20, max_share_bp=5_000)


@pytest.mark.parametrize(
    ("asked", "least"),
    [(1, 40), (20, 40), (30, 40), (39, 40), (40, 40), (41, 60), (60, 60), (61, 80)],
)
def test_the_least_that_is_redeemed_is_a_whole_step_from_the_minimum_on(asked, least):
    assert CASH.least_above(asked) == least


@pytest.mark.parametrize(
    ("there", "most"), [(0, 0), (29, 0), (30, 0), (39, 0), (40, 40), (59, 40), (60, 60)]
)
def test_the_most_that_is_redeemed_is_a_whole_step_or_nothing(there, most):
    assert most_below(CASH, there) == most


def test_without_a_step_points_go_in_the_units_they_are_worth():
    assert (Cash(10, 25).least_above(11), most_below(Cash(10, 25), 19)) == (20, 10)
    assert Cash(10, 25).least_above(0) == 10


def test_points_may_pay_up_to_the_share_of_the_basket_and_no_more():
    assert cash_value(Redeem(CASH), 40, 200) == 100
    with pytest.raises(RedeemShare, match="100 asked of a basket of 199, 99 may be paid; none"):
        cash_value(Redeem(CASH), 40, 199)
    assert cash_value(Redeem(CASH), 60, 300) == 150
    with pytest.raises(
        RedeemShare, match="150 asked of a basket of 299, 149 may be paid; 40 would"
    ):
        cash_value(Redeem(CASH), 60, 299)


def test_a_share_of_all_needs_no_basket():
    assert cash_value(Redeem(Cash(10, 25)), 40) == 100
    assert cash_value(Redeem(Cash(10, 25, max_share_bp=10_000)), 40, 1) == 100
    with pytest.raises(RedeemShare):
        cash_value(Redeem(Cash(10, 25, max_share_bp=9_999)), 40, 100)


def test_a_refused_share_names_no_more_than_there_is():
    with pytest.raises(RedeemShare, match="; 40 would do"):
        cash_value(Redeem(CASH), 100, 400, 59)
    with pytest.raises(RedeemShare, match="; 60 would do"):
        cash_value(Redeem(CASH), 100, 400, 60)


def test_a_refused_step_names_the_next_one_or_the_most_there_is():
    for asked, basket, there, does in [
        (41, 10_000, 60, "60 would do"),
        (41, 10_000, 59, "40 would do"),
        (41, 299, 100, "40 would do"),
        (41, 300, 100, "60 would do"),
        (10, 10_000, 39, "none would do"),
    ]:
        with pytest.raises(RedeemStep) as refusal:
            cash_value(Redeem(CASH), asked, basket, there)
        assert refusal.value.detail == f"{asked} asked; {does}."
        assert refusal.value.field == "points"


def test_no_cash_is_no_offer():
    with pytest.raises(RedeemNotOffered):
        cash_value(Redeem(), 10)


def test_what_would_succeed_is_said():
    assert (would_do(0), would_do(1)) == ("none would do", "1 would do")


@given(
    st.builds(
        lambda points, value, minimum, steps, bp: Cash(points, value, minimum, points * steps, bp),
        st.integers(1, 20), st.integers(1, 50), st.integers(0, 200), st.integers(0, 5),
        st.integers(1, 10_000),
    ),
    st.integers(1, 500), st.integers(0, 5_000), st.integers(0, 500),
)  # fmt: skip
def test_what_a_refusal_says_would_do_does(cash, asked, basket, there):
    try:
        cash_value(Redeem(cash), asked, basket, there)
    except (RedeemStep, RedeemShare) as refusal:
        said = refusal.detail.removesuffix(" would do.").split()[-1]
        if said == "none":
            for points in range(1, there + 1):
                with pytest.raises((RedeemStep, RedeemShare)):
                    cash_value(Redeem(cash), points, basket, there)
        else:
            assert 0 < int(said) <= there
            cash_value(Redeem(cash), int(said), basket, there)


def test_gifts_and_vouchers_are_found_by_code_and_variant():
    plain, mug = Gift("pen", "A pen", 5), Gift("mug", "A mug", 50, variants=("red", "blue"))
    five, ten = Voucher("five", "5 off", 50, 500), Voucher("ten", "10 off", 90, 1_000)
    redeem = Redeem(gift=(plain, mug), voucher=(five, ten))
    assert (gift_of(redeem, "pen"), gift_of(redeem, "mug", "blue")) == (plain, mug)
    assert (voucher_of(redeem, "five"), voucher_of(redeem, "ten")) == (five, ten)
    with pytest.raises(RedeemNotOffered, match="variants: red, blue") as refusal:
        gift_of(redeem, "mug", "green")
    assert refusal.value.field == "variant"
    with pytest.raises(RedeemNotOffered, match="variants: red, blue"):
        gift_of(redeem, "mug")
    with pytest.raises(RedeemNotOffered, match="no variant `red`; variants: none"):
        gift_of(redeem, "pen", "red")
    with pytest.raises(RedeemNotOffered, match="no gift `cup`") as refusal:
        gift_of(redeem, "cup")
    assert refusal.value.field == "gift"
    with pytest.raises(RedeemNotOffered, match="no voucher `one`") as refusal:
        voucher_of(redeem, "one")
    assert refusal.value.field == "voucher"


# --- burning -----------------------------------------------------------------------------

LOTS = (Lot(0, 300, 0, 5), Lot(0, 200, 1, 7), Lot(100, 200, 0, 11), Lot(0, 100, 0, 13))


def test_points_can_be_used_from_activation_on_and_before_expiry():
    assert [available(LOTS, at) for at in (0, 99, 100, 199, 200, 299, 300)] == [
        25, 25, 23, 23, 5, 5, 0,
    ]  # fmt: skip


def test_the_soonest_expiry_pays_first_then_the_soonest_active_then_the_origin():
    assert burn(LOTS, 25, 0) == (Take(0, 100, 0, 13), Take(0, 200, 1, 7), Take(0, 300, 0, 5))
    assert burn(LOTS, 8, 100) == (Take(0, 200, 1, 7), Take(100, 200, 0, 1))
    pair = (Lot(0, 9, 1, 1), Lot(0, 9, 0, 1))
    assert burn(pair, 1, 0) == (Take(0, 9, 0, 1),)
    assert burn(pair, 0, 0) == ()


def test_a_burn_of_more_than_there_is_says_how_much_there_is():
    with pytest.raises(PointsShort, match="26 asked, 25 available") as refusal:
        burn(LOTS, 26, 0)
    assert refusal.value.field == "points"


def test_lots_without_points_pay_nothing():
    assert burn((Lot(0, 9, 0, 0), Lot(0, 10, 0, 1)), 1, 0) == (Take(0, 10, 0, 1),)
    with pytest.raises(PointsShort, match="1 asked, 0 available"):
        burn((Lot(0, 9, 0, 0),), 1, 0)


def test_taking_in_order_takes_no_more_than_there_is():
    lots = (Lot(0, 1, 0, 3), Lot(0, 2, 0, 4))
    assert take_in_order(lots, 2) == (Take(0, 1, 0, 2),)
    assert take_in_order(lots, 3) == (Take(0, 1, 0, 3),)
    assert take_in_order(lots, 4) == (Take(0, 1, 0, 3), Take(0, 2, 0, 1))
    assert take_in_order(lots, 8) == (Take(0, 1, 0, 3), Take(0, 2, 0, 4))
    assert take_in_order(lots, 0) == take_in_order(lots, -1) == ()


TAKES = (Take(0, 10, 0, 3), Take(0, 20, 0, 4), Take(5, 20, 1, 2))


def test_what_lasts_longest_is_restored_first():
    assert restored(TAKES, 0) == ()
    assert restored(TAKES, 1) == (Take(5, 20, 1, 1),)
    assert restored(TAKES, 6) == (Take(5, 20, 1, 2), Take(0, 20, 0, 4))
    assert restored(TAKES, 7) == (Take(5, 20, 1, 2), Take(0, 20, 0, 4), Take(0, 10, 0, 1))
    assert restored(TAKES, 99) == tuple(reversed(TAKES))


@given(st.lists(st.integers(0, 9), min_size=2).map(sorted))
def test_restoring_step_by_step_ends_where_one_step_would(steps):
    parts = [less(restored(TAKES, b), restored(TAKES, a)) for a, b in itertools.pairwise(steps)]
    assert sorted(joined(t for part in parts for t in part)) == sorted(
        less(restored(TAKES, steps[-1]), restored(TAKES, steps[0]))
    )
    for (a, b), part in zip(itertools.pairwise(steps), parts, strict=True):
        assert sum(t.points for t in part) == b - a


def test_less_leaves_the_rest_of_each_lot():
    assert less(TAKES, ()) == TAKES
    assert less(TAKES, (Take(0, 20, 0, 3), Take(5, 20, 1, 2))) == (TAKES[0], Take(0, 20, 0, 1))
    assert less(TAKES, TAKES) == ()


def test_joined_takes_name_each_lot_once():
    assert joined((TAKES[0], TAKES[1], TAKES[0])) == (Take(0, 10, 0, 6), TAKES[1])
    assert joined((Take(0, 10, 0, 1), Take(0, 10, 1, 1), Take(1, 10, 0, 1))) == (
        Take(0, 10, 0, 1), Take(0, 10, 1, 1), Take(1, 10, 0, 1),
    )  # fmt: skip


def test_takes_within_lots_are_what_these_still_hold():
    lots = (Lot(0, 10, 0, 2), Lot(0, 20, 0, 9), Lot(5, 20, 0, 9))
    assert within(TAKES, lots) == (Take(0, 10, 0, 2), Take(0, 20, 0, 4))
    assert within(TAKES, ()) == ()


# --- lots --------------------------------------------------------------------------------


def test_points_wait_until_the_midnight_after_goods_can_no_longer_come_back():
    waiting = Lots(pending="return_window")
    assert lot_dates(waiting, 20_000, "UTC", 14)[0] == 20_015 * 86_400
    assert lot_dates(waiting, 20_000, "Europe/Berlin", 0)[0] == midnight(20_001, "Europe/Berlin")
    assert lot_dates(Lots(pending_days=2), 20_000, "UTC", 14)[0] == 20_002 * 86_400
    assert lot_dates(Lots(), 20_000, "UTC", 14) == (AT_ONCE, NEVER)


def test_sliding_changes_no_dates_of_its_own():
    expiry = Expiry(1, "months", "month", slides=True)
    day = 20_454  # 2026-01-01: one month on is 1 February, so the end of February
    assert lot_dates(Lots(0, expiry), day, "UTC") == (0, 20_513 * 86_400)


# --- returns -----------------------------------------------------------------------------


def loose(amount_minor, product="1", category=""):
    return Line(product, -1, -amount_minor, category=category, kind="return")


def test_goods_without_a_receipt_earn_back_at_the_base_rate():
    earn = Earn(2, 100)
    assert [loose_points(earn, [loose(a)]) for a in (0, 99, 100, 199, 200)] == [0, 0, 2, 2, 4]
    assert loose_points(earn, [loose(50), loose(50)]) == 2
    assert loose_points(Earn(2, 100, counted_by="line"), [loose(50), loose(150)]) == 2
    assert loose_points(earn, []) == 0


def test_goods_that_earn_nothing_take_nothing_back():
    earn = Earn(1, 100, excluded_products=("9",), excluded_categories=("tobacco",))
    lines = [loose(500, "9"), loose(700, category="tobacco"), loose(300)]
    assert loose_points(earn, lines) == 3
    assert loose_points(earn, lines[:2]) == 0


@pytest.mark.parametrize(
    ("points", "part", "whole", "got"),
    [(10, 0, 100, 0), (10, 9, 100, 0), (10, 10, 100, 1), (10, 99, 100, 9), (10, 100, 100, 10),
     (10, 101, 100, 10), (10, 5, 0, 0), (7, 1, 1, 7), (10, 5, -1, 0)],
)  # fmt: skip
def test_a_part_of_an_amount_has_its_share_of_the_points(points, part, whole, got):
    assert share(points, part, whole) == got


# --- the rebate --------------------------------------------------------------------------

REBATE = Rebate(
    minor_per_point=10, level=(RebateLevel(100, "basic"), RebateLevel(250, "gold")),
    minimum_spend_minor=10_000,
)  # fmt: skip


def test_each_tier_has_its_share():
    assert [share_bp(REBATE, tier) for tier in ("basic", "gold", "silver", "")] == [100, 250, 0, 0]


@pytest.mark.parametrize(
    ("spend", "tier", "points"),
    [(9_999, "gold", 0), (10_000, "gold", 25), (10_000, "basic", 10), (10_999, "basic", 10),
     (11_000, "basic", 11), (10_000, "silver", 0), (-5, "basic", 0)],
)  # fmt: skip
def test_the_rebate_is_a_share_of_the_spend_rounded_down(spend, tier, points):
    assert rebate_points(REBATE, spend, tier) == points


def test_a_year_of_returns_gives_no_rebate():
    free = Rebate(minor_per_point=1, level=(RebateLevel(10_000),))
    assert [rebate_points(free, spend, "") for spend in (-1, 0, 1)] == [0, 0, 1]
