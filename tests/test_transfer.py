"""Points from one member to another: within limits, lots keep their dates, none is lost."""

import pytest

from ledger.errors import (
    AmountInvalid,
    CardBlocked,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberClosed,
    PointsShort,
    ProgrammeInvalid,
    TransferLimit,
    TransferNotOffered,
)
from ledger.programme import load
from tests.conftest import PROGRAMME
from tests.shop import DAY, NOW, conserved, key, points_of, receipt, tally
from tests.test_concurrency import at_once

OFFERED = "[transfer]\nminimum_points = 5\nmax_points_day = 30\n"


@pytest.fixture
def two(ledger_under):
    """a1 holds 10 that were earned and 90 that were given, b1 nothing."""
    ledger = ledger_under(OFFERED)
    ledger.enrol("a1")
    ledger.enrol("b1")
    ledger.record(receipt(card="a1", amount=1000))
    ledger.adjust("a1", 90, "start", "Ada", "s1")
    return ledger


def both(ledger):
    conserved(ledger, "a1")
    conserved(ledger, "b1")
    return points_of(ledger, "a1"), points_of(ledger, "b1")


def test_points_go_from_one_member_to_another(two):
    assert not two.transfer("a1", "b1", 20, "t1").repeat
    assert both(two) == (80, 20)
    assert tally(two, "a1").transferred_out == tally(two, "b1").transferred_in == 20


def test_lots_keep_their_dates_under_an_origin_of_their_own(two):
    given = {lot.expires_at for lot in two._state(two.member_of("a1")).lots}
    two.transfer("a1", "b1", 20, "t1")
    lots = two._state(two.member_of("b1")).lots
    assert [(lot.origin, lot.points) for lot in lots] == [(900, 20)]
    assert {lots[0].expires_at} == given


def test_the_lots_that_expire_first_are_given_first(two, clock):
    clock.now = NOW + 40 * DAY
    two.adjust("a1", 50, "later", "Ada", "s2")
    soonest = min(lot.expires_at for lot in two._state(two.member_of("a1")).lots)
    two.transfer("a1", "b1", 30, "t1")
    assert [lot[0] for lot in tally(two, "b1").lots] == [soonest]


def test_transferring_twice_under_one_id_is_once(two):
    first = two.transfer("a1", "b1", 20, "t1")
    assert two.transfer("a1", "b1", 20, "t1") == first._replace(repeat=True)
    assert both(two) == (80, 20)


@pytest.mark.parametrize("other", [("a1", "b1", 21), ("a1", "b2", 20), ("a2", "b1", 20)])
def test_one_command_id_for_another_transfer_is_a_conflict(two, other):
    two.link_card("a1", "a2")
    two.link_card("b1", "b2")
    two.transfer("a1", "b1", 20, "t1")
    with pytest.raises(KeyConflict):
        two.transfer(*other, "t1")


@pytest.mark.parametrize(("points", "given"), [(4, False), (5, True), (6, True)])
def test_a_transfer_has_a_minimum(two, points, given):
    if given:
        two.transfer("a1", "b1", points, "t1")
        assert both(two) == (100 - points, points)
    else:
        with pytest.raises(TransferLimit):
            two.transfer("a1", "b1", points, "t1")


@pytest.mark.parametrize(("second", "given"), [(9, True), (10, True), (11, False)])
def test_a_day_has_a_limit(two, second, given):
    two.transfer("a1", "b1", 20, "t1")
    if given:
        two.transfer("a1", "b1", second, "t2")
        assert both(two) == (80 - second, 20 + second)
    else:
        with pytest.raises(TransferLimit, match="11 asked, 10 left today"):
            two.transfer("a1", "b1", second, "t2")


def test_the_next_day_in_the_programmes_zone_has_a_limit_of_its_own(two, clock):
    two.transfer("a1", "b1", 30, "t1")
    clock.now = NOW + 23 * 3600 - 1  # 23:59:59 in Berlin
    with pytest.raises(TransferLimit):
        two.transfer("a1", "b1", 5, "t2")
    clock.now = NOW + 23 * 3600
    two.transfer("a1", "b1", 30, "t2")
    assert both(two) == (40, 60)


@pytest.mark.parametrize("points", [0, -5])
def test_nothing_or_less_is_not_transferred(two, points):
    with pytest.raises(AmountInvalid):
        two.transfer("a1", "b1", points, "t1")


def test_more_than_is_there_is_not_transferred(two):
    with pytest.raises(PointsShort):
        two.transfer("b1", "a1", 5, "t1")


def test_a_programme_without_the_table_offers_no_transfers(ledger):
    ledger.enrol("a1")
    ledger.enrol("b1")
    ledger.adjust("a1", 90, "start", "Ada", "s1")
    with pytest.raises(TransferNotOffered):
        ledger.transfer("a1", "b1", 5, "t1")


def test_a_minimum_above_the_limit_is_not_published():
    with pytest.raises(ProgrammeInvalid) as refused:
        load(PROGRAMME + "[transfer]\nminimum_points = 31\nmax_points_day = 30\n")
    assert refused.value.field == "transfer.minimum_points"
    load(PROGRAMME + "[transfer]\nminimum_points = 30\nmax_points_day = 30\n")


def test_nobody_transfers_to_themselves(two):
    two.link_card("a1", "a2")
    with pytest.raises(InputInvalid):
        two.transfer("a1", "a2", 5, "t1")


@pytest.mark.parametrize("cards", [("zz", "b1"), ("a1", "zz")])
def test_a_card_that_nobody_holds_transfers_nothing(two, cards):
    with pytest.raises(CardUnknown):
        two.transfer(*cards, 5, "t1")


@pytest.mark.parametrize("card", ["a1", "b1"])
def test_a_blocked_card_neither_gives_nor_gets(two, card):
    two.block_card(card, "lost")
    with pytest.raises(CardBlocked):
        two.transfer("a1", "b1", 5, "t1")


@pytest.mark.parametrize("card", ["a1", "b1"])
def test_who_left_neither_gives_nor_gets(two, card):
    two.close_member(card, "asked", "Ada", "x1")
    with pytest.raises(MemberClosed):
        two.transfer("a1", "b1", 5, "t1")


def test_what_is_received_repays_debts_first(two):
    bought = receipt(card="b1", amount=800)
    two.record(bought)
    two.redeem("b1", "r1", points=8)
    two.return_goods(key(bought), "x1")
    two.transfer("a1", "b1", 20, "t1")
    assert both(two) == (80, 12)
    assert two.balance("b1").arrears == 0


def test_a_statement_tells_of_both_sides(two):
    two.transfer("a1", "b1", 20, "t1")
    rows = [(r.kind, r.points) for r in two.statement("a1") if r.kind == "transfer_out"]
    assert sum(points for _, points in rows) == -20
    assert [(r.kind, r.points) for r in two.statement("b1")] == [("transfer_in", 20)]


def test_of_many_transfers_at_once_the_days_limit_holds(two):
    answers = at_once(20, lambda n: two.transfer("a1", "b1", 5, f"t{n}"))
    assert [isinstance(a, TransferLimit) for a in answers].count(True) == 14
    assert both(two) == (70, 30)


def test_members_who_give_to_each_other_at_once_lose_nothing(two):
    two.adjust("b1", 100, "start", "Ada", "s3")

    def act(n):
        return two.transfer(*(("a1", "b1") if n % 2 else ("b1", "a1")), 5, f"t{n}")

    answers = at_once(12, act)
    assert not [a for a in answers if isinstance(a, Exception)]
    assert both(two) == (100, 100)
    assert two.verify().findings == []
