"""Several holders on one account: each card spends what it may."""

import pytest

from ledger.errors import (
    CardBlocked,
    CardLimitReached,
    CardMayNotRedeem,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberClosed,
)
from tests.shop import DAY, NOW, conserved, points_of, receipt
from tests.test_concurrency import at_once


@pytest.fixture
def firm(ledger):
    """An organisation with 500 points, and a buyer who may spend 50 a day."""
    ledger.enrol("c1", kind="organisation")
    ledger.adjust("c1", 500, "start", "Ada", "s1")
    ledger.link_card("c1", "b1", holder="Bob", redeem_limit_day=50)
    return ledger


def test_a_holder_is_named_and_encrypted(firm):
    (held,) = firm.member("c1").holders
    assert (held.card, held.holder, held.may_redeem, held.redeem_limit_day) == (2, "Bob", True, 50)
    assert b"Bob" not in b"".join(event.state for event in firm.log.read(0, 100))


@pytest.mark.parametrize(("points", "done"), [(49, True), (50, True), (51, False)])
def test_a_card_spends_up_to_its_limit_on_a_day(firm, points, done):
    if done:
        firm.redeem("b1", "r1", points=points)
        assert points_of(firm, "c1") == 500 - points
    else:
        with pytest.raises(CardLimitReached, match="51 asked, 50 left today"):
            firm.redeem("b1", "r1", points=points)


def test_what_was_spent_on_the_day_counts(firm):
    firm.redeem("b1", "r1", points=30)
    with pytest.raises(CardLimitReached, match="21 asked, 20 left today"):
        firm.redeem("b1", "r2", points=21)
    firm.redeem("b1", "r3", points=20)
    assert points_of(firm, "c1") == 450


def test_a_gift_counts_by_its_price(firm):
    firm.redeem("b1", "r1", gift="mug")
    with pytest.raises(CardLimitReached):
        firm.redeem("b1", "r2", points=1)


def test_the_next_day_in_the_programmes_zone_has_a_limit_of_its_own(firm, clock):
    firm.redeem("b1", "r1", points=50)
    clock.now = NOW + 23 * 3600 - 1
    with pytest.raises(CardLimitReached):
        firm.redeem("b1", "r2", points=1)
    clock.now = NOW + 23 * 3600
    firm.redeem("b1", "r2", points=50)
    assert points_of(firm, "c1") == 400


def test_a_redemption_within_the_limit_sent_again_is_a_repeat(firm):
    first = firm.redeem("b1", "r1", points=50)
    assert firm.redeem("b1", "r1", points=50) == first._replace(repeat=True)


def test_another_card_of_the_member_has_no_limit(firm):
    firm.redeem("b1", "r1", points=50)
    firm.redeem("c1", "r2", points=400)
    assert points_of(firm, "c1") == 50


def test_a_card_that_may_not_spend_collects(firm):
    firm.link_card("c1", "k1", holder="Kim", may_redeem=False)
    firm.record(receipt(card="k1"))
    assert points_of(firm, "c1") == 510
    with pytest.raises(CardMayNotRedeem):
        firm.redeem("k1", "r1", points=1)


def test_limits_hold_for_transfers_too(ledger_under):
    ledger = ledger_under("[transfer]\n")
    for card in ("a1", "b1"):
        ledger.enrol(card)
        ledger.adjust(card, 100, "start", "Ada", card)
    ledger.set_card_limits("a1", "Ada", "l1", redeem_limit_day=10)
    ledger.transfer("a1", "b1", 6, "t1")
    with pytest.raises(CardLimitReached):
        ledger.redeem("a1", "r1", points=5)
    with pytest.raises(CardLimitReached):
        ledger.transfer("a1", "b1", 5, "t2")
    ledger.set_card_limits("a1", "Ada", "l2", may_redeem=False)
    with pytest.raises(CardMayNotRedeem):
        ledger.transfer("a1", "b1", 1, "t3")


def test_limits_are_set_anew(firm):
    firm.redeem("b1", "r1", points=50)
    firm.set_card_limits("b1", "Ada", "l1", holder="Bea", redeem_limit_day=60)
    firm.redeem("b1", "r2", points=10)
    with pytest.raises(CardLimitReached):
        firm.redeem("b1", "r3", points=1)
    assert firm.member("c1").holders[0].holder == "Bea"


def test_setting_limits_twice_is_once(firm):
    first = firm.set_card_limits("b1", "Ada", "l1", holder="Bea", redeem_limit_day=60)
    again = firm.set_card_limits("b1", "Ada", "l1", holder="Bea", redeem_limit_day=60)
    assert again == first._replace(repeat=True)


@pytest.mark.parametrize(
    "other",
    [
        {"holder": "Eve"},
        {"redeem_limit_day": 61},
        {"may_redeem": False},
        {"author": "Eve"},
        {"card": "c1"},
    ],
)
def test_one_command_id_for_other_limits_is_a_conflict(firm, other):
    asked = {"card": "b1", "author": "Ada", "holder": "Bea", "redeem_limit_day": 60}
    firm.set_card_limits(command_id="l1", **asked)
    with pytest.raises(KeyConflict):
        firm.set_card_limits(command_id="l1", **{**asked, **other})


@pytest.mark.parametrize("limit", [-2, 1_000_000_001])
def test_a_limit_is_a_number_of_points(firm, limit):
    with pytest.raises(InputInvalid):
        firm.set_card_limits("b1", "Ada", "l1", redeem_limit_day=limit)
    with pytest.raises(InputInvalid):
        firm.link_card("c1", "n1", redeem_limit_day=limit)


def test_limits_have_an_author(firm):
    with pytest.raises(InputInvalid):
        firm.set_card_limits("b1", "", "l1", redeem_limit_day=1)


def test_a_card_that_nobody_holds_has_no_limits(firm):
    with pytest.raises(CardUnknown):
        firm.set_card_limits("zz", "Ada", "l1", redeem_limit_day=1)


def test_a_closed_account_sets_no_limits(firm):
    firm.close_member("c1", "asked", "Ada", "x1")
    with pytest.raises(MemberClosed):
        firm.set_card_limits("b1", "Ada", "l1", redeem_limit_day=1)


def test_linking_again_with_other_limits_is_a_conflict(firm):
    assert firm.link_card("c1", "b1", holder="Bob", redeem_limit_day=50).repeat
    assert firm.link_card("c1", "b1").repeat
    with pytest.raises(KeyConflict):
        firm.link_card("c1", "b1", redeem_limit_day=51)


def test_nothing_is_linked_through_a_blocked_card_but_it_is_replaced(firm):
    firm.block_card("b1", "lost")
    with pytest.raises(CardBlocked):
        firm.link_card("b1", "n1")
    firm.replace_card("b1", "n1")
    firm.redeem("n1", "r1", points=1)
    with pytest.raises(CardBlocked):
        firm.replace_card("b1", "n2")


def test_of_many_redemptions_at_once_the_cards_limit_holds(firm):
    answers = at_once(60, lambda n: firm.redeem("b1", f"r{n}", points=1))
    assert [isinstance(a, CardLimitReached) for a in answers].count(True) == 10
    assert points_of(firm, "c1") == 450
    conserved(firm, "c1")


def test_limits_come_along_in_a_merge_and_back(firm, clock):
    firm.enrol("z1")
    firm.redeem("b1", "r1", points=30)
    firm.merge("c1", "z1", "twins", "Ada", "m1")
    with pytest.raises(CardLimitReached, match="20 left"):
        firm.redeem("b1", "r2", points=21)
    firm.redeem("b1", "r3", points=15)
    firm.unmerge("m1", "Ada", "u1")
    with pytest.raises(CardLimitReached, match="5 left"):
        firm.redeem("b1", "r4", points=6)
    assert firm.member("c1").holders[0].holder == "Bob"
    clock.now = NOW + DAY
    firm.redeem("b1", "r5", points=50)
    conserved(firm, "c1")
