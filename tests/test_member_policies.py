"""The members' policies alone: exact values at every edge."""

import pytest

from ledger.aggregates.member.holders import check_card_may_redeem, spent_by
from ledger.aggregates.member.state import Card, Member
from ledger.errors import (
    AmountInvalid,
    CardLimitReached,
    CardMayNotRedeem,
    InputInvalid,
    TransferLimit,
    TransferNotOffered,
)
from ledger.policies.dormancy import Account, standing
from ledger.policies.enrolment import bought, normal_identity
from ledger.policies.transfer import check_amount, repay
from ledger.programme import Transfer
from tests.shop import DAY, back, line, receipt


def holder(**card):
    return Member(0, "", b"", cards=(Card(b"a"), Card(b"b", **card)))


@pytest.mark.parametrize(("so_far", "points", "left"), [(0, 10, 10), (3, 7, 7), (10, 0, 0)])
def test_a_card_spends_to_its_limit_and_no_further(so_far, points, left):
    member = holder(redeem_limit_day=10, day=5, redeemed=so_far)
    check_card_may_redeem(member, 1, points, 5)
    with pytest.raises(CardLimitReached, match=f"{points + 1} asked, {left} left"):
        check_card_may_redeem(member, 1, points + 1, 5)


def test_a_limit_below_what_was_spent_already_leaves_nothing():
    member = holder(redeem_limit_day=10, day=5, redeemed=30)
    with pytest.raises(CardLimitReached, match="1 asked, 0 left"):
        check_card_may_redeem(member, 1, 1, 5)


def test_another_day_begins_anew():
    member = holder(redeem_limit_day=10, day=5, redeemed=10)
    check_card_may_redeem(member, 1, 10, 6)
    check_card_may_redeem(member, 1, 10, 4)


def test_a_limit_of_none_and_of_nothing():
    check_card_may_redeem(holder(), 1, 10**9, 5)
    with pytest.raises(CardLimitReached):
        check_card_may_redeem(holder(redeem_limit_day=0), 1, 1, 5)
    with pytest.raises(CardMayNotRedeem):
        check_card_may_redeem(holder(may_redeem=False), 1, 1, 5)


def test_spending_adds_up_on_its_own_card_and_day():
    member = spent_by(spent_by(holder(), 1, 5, 4), 1, 5, 3)
    assert (member.cards[1].day, member.cards[1].redeemed) == (5, 7)
    assert member.cards[0] == Card(b"a")
    assert spent_by(member, 1, 6, 2).cards[1].redeemed == 2
    assert spent_by(member, -1, 6, 2) is member


RULE = Transfer(minimum_points=5, max_points_day=20)


@pytest.mark.parametrize(("points", "so_far"), [(5, 0), (20, 0), (5, 15), (6, 14)])
def test_a_transfer_between_minimum_and_limit(points, so_far):
    check_amount(RULE, points, so_far)


@pytest.mark.parametrize(
    ("points", "so_far", "says"),
    [
        (4, 0, "5 at least"),
        (21, 0, "20 left"),
        (6, 15, "5 left"),
        (5, 20, "0 left"),
        (5, 30, "0 left"),
    ],
)
def test_a_transfer_below_the_minimum_or_above_the_limit(points, so_far, says):
    with pytest.raises(TransferLimit, match=says):
        check_amount(RULE, points, so_far)


def test_a_transfer_needs_points_and_a_programme_that_offers_it():
    for points in (0, -1):
        with pytest.raises(AmountInvalid):
            check_amount(RULE, points, 0)
    with pytest.raises(TransferNotOffered):
        check_amount(None, 1, 0)
    check_amount(Transfer(), 1, 0)


@pytest.mark.parametrize(
    ("lots", "arrears", "parts"),
    [
        ((3, 4), 0, (0, 0)),
        ((3, 4), 2, (2, 0)),
        ((3, 4), 3, (3, 0)),
        ((3, 4), 5, (3, 2)),
        ((3, 4), 9, (3, 4)),
        ((), 9, ()),
    ],
)
def test_debts_are_repaid_from_the_first_lots(lots, arrears, parts):
    assert repay(lots, arrears) == parts


def test_what_was_bought():
    earlier = receipt(amount=700)
    lines = (line(100), line(20, voided=True), back(earlier), line(3, kind="deposit"))
    assert bought(lines) == 103


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" Ada@Example.ORG ", "ada@example.org"),
        ("+49 (30) 123-45.6/7", "+49301234567"),
        ("0049301234567", "+49301234567"),
        ("030 1234567", "0301234567"),
        ("123456", "123456"),
    ],
)
def test_one_form_of_an_identity(typed, normal):
    assert normal_identity(typed) == normal


@pytest.mark.parametrize(
    "typed", ["", "12345", "ada", "@x.org", "ada@", "a@b@c", "a b@c.org", "12345678x"]
)
def test_what_is_neither_an_address_nor_a_number(typed):
    with pytest.raises(InputInvalid) as refused:
        normal_identity(typed)
    assert refused.value.field == "identity"


OPEN = Account(merged=False, closed=False, erased=False)


@pytest.mark.parametrize(
    ("seconds", "days", "stands"),
    [
        (3 * DAY, 3, "active"),
        (3 * DAY + 1, 3, "dormant"),
        (10**9, 0, "active"),
        (-5, 1, "active"),
    ],
)
def test_dormancy_is_a_function_of_time(seconds, days, stands):
    assert standing(OPEN, 1000, days, 1000 + seconds) == stands


def test_leaving_goes_before_being_away():
    away = (0, 1, 10**9)
    assert standing(Account(merged=True, closed=False, erased=False), *away) == "merged"
    assert standing(Account(merged=True, closed=True, erased=False), *away) == "closed"
    assert standing(Account(merged=True, closed=True, erased=True), *away) == "erased"
    assert standing(OPEN, *away) == "dormant"
