"""The door, holds: points reserved, and ended exactly once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import events as e
from ledger.errors import (
    AmountInvalid,
    CapturedTooLate,
    CardBlocked,
    CardUnknown,
    HoldOver,
    HoldUnknown,
    InputInvalid,
    KeyConflict,
    PointsShort,
    RedeemShare,
    RedeemStep,
)
from tests.shop import DAY, NOW, conserved, key, points_of, receipt, tally

MINUTE = 60


def rich(ledger, points=100, card="c1", at=NOW):
    """A member with points."""
    ledger.enrol(card)
    ledger.record(receipt(card=card, amount=points * 100, at=at))


@pytest.fixture
def held(ledger):
    """100 points, 60 of them held for 15 minutes."""
    rich(ledger)
    ledger.hold("c1", 60, "h1")
    return ledger


def ends(ledger, hold="h1"):
    """How a hold ended, as its own stream has it."""
    stream = ledger.keys.command("hold", hold)
    found = (ledger.log.event(stream, version) for version in range(2, 9))
    return [ledger.codec.decode[row[0]](row[1]).how for row in found if row]


# --- holding -----------------------------------------------------------------------------


def test_held_points_can_pay_nothing_else(held):
    balance = held.balance("c1")
    assert (balance.available, balance.held) == (40, 60)
    with pytest.raises(PointsShort, match="41 asked, 40 available; 40 would do"):
        held.redeem("c1", "r1", points=41)
    with pytest.raises(PointsShort):
        held.hold("c1", 41, "h2")
    with pytest.raises(PointsShort):
        held.redeem("c1", "r2", gift="mug")
    held.redeem("c1", "r3", points=40)
    assert held.balance("c1")[:5] == (0, 0, 0, 0, 60)
    conserved(held, "c1")


def test_the_same_hold_again_is_a_repeat(held):
    assert held.hold("c1", 60, "h1").repeat
    assert held.balance("c1").held == 60


@pytest.mark.parametrize(
    ("card", "points", "minutes"), [("c2", 60, 0), ("c1", 61, 0), ("c1", 60, 5)]
)
def test_a_hold_id_with_other_content_is_a_conflict(held, card, points, minutes):
    rich(held, card="c2")
    with pytest.raises(KeyConflict):
        held.hold(card, points, "h1", minutes=minutes)


def test_a_hold_lasts_as_long_as_it_says_and_no_longer_than_the_programme_lets(ledger_under):
    ledger = ledger_under("[redeem]\nhold_minutes = 20\n")
    rich(ledger)
    assert ledger.event(ledger.hold("c1", 1, "h1")).ends_at == NOW + 20 * MINUTE
    assert ledger.event(ledger.hold("c1", 1, "h2", minutes=1)).ends_at == NOW + MINUTE
    assert ledger.event(ledger.hold("c1", 1, "h3", minutes=20)).ends_at == NOW + 20 * MINUTE
    for minutes in (21, -1):
        with pytest.raises(AmountInvalid, match="20 at most"):
            ledger.hold("c1", 1, "h4", minutes=minutes)


def test_what_cannot_be_redeemed_cannot_be_held(ledger_under):
    ledger = ledger_under("", minimum_points="", points="points = 1")
    with pytest.raises(CardUnknown):
        ledger.hold("c1", 1, "h1")
    rich(ledger)
    for points in (0, -1):
        with pytest.raises(AmountInvalid):
            ledger.hold("c1", points, "h1")
    with pytest.raises(InputInvalid):
        ledger.hold("c1", 1, "h1", store="\0")
    ledger.block_card("c1", "lost")
    with pytest.raises(CardBlocked):
        ledger.hold("c1", 1, "h1")
    conserved(ledger, "c1")


def test_six_holds_of_a_thousand_on_five_thousand_points_five_succeed(ledger):
    rich(ledger, 5_000)

    def hold(number):
        try:
            return ledger.hold("c1", 1_000, f"h{number}")
        except PointsShort as refusal:
            return refusal

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(hold, range(6)))
    refused = [answer for answer in answers if isinstance(answer, PointsShort)]
    assert len(refused) == 1
    assert "0 available; none would do" in str(refused[0])
    assert ledger.balance("c1")[:5] == (0, 0, 0, 0, 5_000)
    conserved(ledger, "c1")
    assert ledger.verify().clean


# --- settled -----------------------------------------------------------------------------


def test_a_settled_hold_is_money_off(held):
    event = held.event(held.settle("h1"))
    assert (event.value_minor, event.back, event.arrears, event.late) == (600, (), 0, False)
    assert held.balance("c1")[:5] == (40, 0, 0, 0, 0)
    assert tally(held, "c1").redeemed == 60
    assert ends(held) == [e.HOLD_SETTLED]
    conserved(held, "c1")
    assert held.verify().clean


def test_what_a_settlement_does_not_need_is_free_again(held):
    event = held.event(held.settle("h1", 25))
    assert (sum(t.points for t in event.takes), sum(t.points for t in event.back)) == (25, 35)
    assert event.value_minor == 250
    assert held.balance("c1")[:5] == (75, 0, 0, 0, 0)
    conserved(held, "c1")


def test_settling_the_same_again_is_a_repeat_and_otherwise_refused(held):
    first = held.settle("h1", 25)
    assert held.settle("h1", 25) == first._replace(repeat=True)
    for points in (24, 26, 60, 0):
        with pytest.raises(HoldOver, match="settled with 25 points"):
            held.settle("h1", points)
    with pytest.raises(HoldOver):
        held.release("h1")
    assert ends(held) == [e.HOLD_SETTLED]


@pytest.mark.parametrize("points", [61, -1])
def test_no_more_than_is_held_can_be_settled(held, points):
    with pytest.raises(AmountInvalid, match=f"{points} asked, 60 held"):
        held.settle("h1", points)
    assert held.balance("c1").held == 60


def test_an_unknown_hold_cannot_end(held):
    for act in (held.settle, held.release):
        with pytest.raises(HoldUnknown):
            act("h2")


def test_a_settlement_keeps_to_steps_and_the_share_of_the_basket(ledger_under):
    ledger = ledger_under("", value_minor="value_minor = 10\nstep_points = 5\nmax_share_bp = 5000")
    rich(ledger)
    ledger.hold("c1", 60, "h1", basket_minor=2_000)
    with pytest.raises(RedeemStep, match="59 asked; 60 would do"):
        ledger.settle("h1", 59, basket_minor=2_000)
    with pytest.raises(
        RedeemShare, match="600 asked of a basket of 1000, 500 may be paid; 50 would"
    ):
        ledger.settle("h1", basket_minor=1_000)
    assert ledger.event(ledger.settle("h1", 50, basket_minor=1_000)).value_minor == 500
    conserved(ledger, "c1")


def test_soonest_expiry_pays_of_a_hold_and_the_rest_goes_back_to_its_own_lot(ledger, clock):
    rich(ledger, 30)
    clock.now = NOW + 40 * DAY
    rich(ledger, 30, at=clock.now)
    soon, late = tally(ledger, "c1").lots
    ledger.hold("c1", 50, "h1")
    ledger.settle("h1", 35)
    assert tally(ledger, "c1").lots == [(*late[:3], 25)]
    assert soon[0] < late[0]
    conserved(ledger, "c1")


def test_pinned_lots_pay_though_they_expire_before_the_hold_ends(ledger, clock):
    rich(ledger)
    (lot,) = tally(ledger, "c1").lots
    clock.now = lot[0] - 5 * MINUTE
    ledger.hold("c1", 60, "h1")
    clock.now = lot[0] + 5 * MINUTE
    assert ledger.balance("c1")[:5] == (0, 0, 40, 0, 60)
    assert ledger.event(ledger.settle("h1", 50)).value_minor == 500
    assert ledger.balance("c1")[:5] == (0, 0, 50, 0, 0)  # 10 went back, and are gone at once
    conserved(ledger, "c1")


# --- released ----------------------------------------------------------------------------


def test_a_released_hold_is_free_again_once(held):
    first = held.release("h1")
    assert held.event(first).how == e.HOLD_RELEASED
    assert held.balance("c1")[:5] == (100, 0, 0, 0, 0)
    assert held.release("h1") == first._replace(repeat=True)
    with pytest.raises(HoldOver, match="released"):
        held.settle("h1")
    with pytest.raises(HoldOver, match="released"):
        held.settle("h1", captured_at=NOW)
    assert held.hold("c1", 60, "h1").repeat
    assert held.balance("c1").held == 0
    assert ends(held) == [e.HOLD_RELEASED]
    conserved(held, "c1")


def test_points_released_past_their_expiry_are_gone_at_once(ledger, clock):
    rich(ledger)
    (lot,) = tally(ledger, "c1").lots
    clock.now = lot[0] - 1
    ledger.hold("c1", 60, "h1")
    clock.now = lot[0]
    ledger.release("h1")
    assert ledger.balance("c1")[:5] == (0, 0, 100, 0, 0)
    conserved(ledger, "c1")


# --- over --------------------------------------------------------------------------------


def test_a_hold_is_over_at_its_end_whether_or_not_anybody_records_it(held, clock):
    head = held.log.head()
    clock.now = NOW + 15 * MINUTE - 1
    assert held.balance("c1")[:5] == (40, 0, 0, 0, 60)
    clock.now += 1
    assert held.balance("c1")[:5] == (100, 0, 0, 0, 0)
    assert held.quote(receipt(card="c1", at=clock.now)).available == 100
    assert held.log.head() == head
    with pytest.raises(HoldOver, match="time was over"):
        held.settle("h1")
    held.redeem("c1", "r1", points=100)
    assert held.balance("c1")[:5] == (0, 0, 0, 0, 0)
    assert ends(held) == [e.HOLD_EXPIRED]
    conserved(held, "c1")
    assert held.verify().clean


def test_a_hold_can_be_settled_up_to_its_end(held, clock):
    clock.now = NOW + 15 * MINUTE - 1
    held.settle("h1")
    assert ends(held) == [e.HOLD_SETTLED]


def test_releasing_after_the_end_records_that_it_was_over(held, clock):
    clock.now = NOW + 15 * MINUTE
    assert held.event(held.release("h1")).how == e.HOLD_EXPIRED
    assert held.release("h1").repeat
    assert ends(held) == [e.HOLD_EXPIRED]


def test_recording_that_a_hold_is_over_is_done_once_and_never_early(held, clock):
    stream = held.member_of("c1")
    clock.now = NOW + 15 * MINUTE - 1
    assert held.expire_holds(stream).repeat
    clock.now += 1
    assert not held.expire_holds(stream).repeat
    assert held.expire_holds(stream).repeat
    assert ends(held) == [e.HOLD_EXPIRED]
    conserved(held, "c1")


# --- settled late ------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
def test_a_settlement_is_judged_by_the_tills_time(held, clock, recorded):
    clock.now = NOW + 3 * DAY
    if recorded:
        held.expire_holds(held.member_of("c1"))
    for at in (NOW + 15 * MINUTE, NOW + DAY, None):
        with pytest.raises(HoldOver):
            held.settle("h1", captured_at=at)
    event = held.event(held.settle("h1", captured_at=NOW + 15 * MINUTE - 1))
    assert (event.value_minor, event.arrears, event.late) == (600, 0, recorded)
    assert held.balance("c1")[:5] == (40, 0, 0, 0, 0)
    assert held.settle("h1", captured_at=NOW + 15 * MINUTE - 1).repeat
    assert ends(held) == [e.HOLD_EXPIRED, e.HOLD_SETTLED][not recorded :]
    conserved(held, "c1")


def test_a_settlement_before_the_hold_or_ahead_counts_as_at_the_hold_or_now(held, clock):
    clock.now = NOW + MINUTE
    assert held.event(held.settle("h1", captured_at=NOW - DAY)).captured_at == NOW
    held.hold("c1", 10, "h2")
    assert held.event(held.settle("h2", captured_at=NOW + DAY)).captured_at == clock.now


def test_a_settlement_past_the_late_limit_is_refused(held, clock):
    clock.now = NOW + 30 * DAY
    with pytest.raises(HoldOver):
        held.settle("h1", captured_at=NOW + 15 * MINUTE)
    clock.now = NOW + 30 * DAY + 1
    with pytest.raises(CapturedTooLate):
        held.settle("h1", captured_at=NOW)
    clock.now -= 1
    held.settle("h1", captured_at=NOW)


def test_what_was_spent_before_a_late_settlement_is_owed(held, clock):
    clock.now = NOW + DAY
    held.redeem("c1", "r1", points=70)
    event = held.event(held.settle("h1", captured_at=NOW))
    assert (sum(t.points for t in event.takes), event.arrears, event.value_minor) == (30, 30, 600)
    assert held.balance("c1")[:5] == (0, 0, 0, 30, 0)
    assert tally(held, "c1").redeemed == 130
    conserved(held, "c1")
    assert held.verify().clean


def test_a_late_settlement_takes_its_own_lots_as_it_would_have_in_time(ledger_under, clock):
    """Two lots of 30; of the first 10 are held with 20 of the second."""
    said = []
    for recorded in (False, True):
        clock.now = NOW
        ledger = ledger_under("")
        rich(ledger, 30)
        ledger.redeem("c1", "r1", points=20)
        clock.now = NOW + 40 * DAY
        rich(ledger, 30, at=clock.now)
        ledger.hold("c1", 30, "h1")
        held_at, clock.now = clock.now, clock.now + DAY
        if recorded:
            ledger.expire_holds(ledger.member_of("c1"))
            rich(ledger, 20, at=NOW + 20 * DAY)  # more in the first lot
        else:
            rich(ledger, 20, at=NOW + 20 * DAY)
        ledger.settle("h1", captured_at=held_at)
        said.append(tally(ledger, "c1").lots)
        conserved(ledger, "c1")
    assert said[0] == said[1]
    assert [lot[3] for lot in said[0]] == [20, 10]


@pytest.mark.parametrize("order", ["hold first", "expiry first", "neither"])
def test_lots_pay_a_late_settlement_though_their_expiry_is_recorded(ledger, clock, order):
    rich(ledger)
    (lot,) = tally(ledger, "c1").lots
    clock.now = lot[0] - MINUTE
    ledger.hold("c1", 60, "h1")
    captured_at, clock.now = clock.now, lot[0] + DAY
    stream = ledger.member_of("c1")
    if order == "hold first":
        ledger.expire_holds(stream)
        ledger.record_expiry(stream, clock.now)
    elif order == "expiry first":
        ledger.record_expiry(stream, clock.now)
        ledger.expire_holds(stream)
    conserved(ledger, "c1")
    event = ledger.event(ledger.settle("h1", 50, captured_at=captured_at))
    assert (event.arrears, event.value_minor) == (0, 500)
    assert ledger.balance("c1")[:5] == (0, 0, 50, 0, 0)
    assert tally(ledger, "c1").redeemed == 50
    conserved(ledger, "c1")
    ledger.record_expiry(stream, clock.now)
    assert ledger.balance("c1")[:5] == (0, 0, 50, 0, 0)
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_undoing_a_partly_owed_settlement_cancels_the_debt_and_restores_the_rest(held, clock):
    clock.now = NOW + DAY
    held.redeem("c1", "r1", points=70)
    held.settle("h1", captured_at=NOW)
    assert held.balance("c1")[:5] == (0, 0, 0, 30, 0)
    held.undo_redemption("h1", "cancelled", "Ada")
    assert held.balance("c1")[:5] == (30, 0, 0, 0, 0)
    conserved(held, "c1")
    assert held.verify().clean


def test_a_debt_repaid_before_a_settlement_is_undone_comes_back_as_points(held, clock):
    clock.now = NOW + DAY
    held.redeem("c1", "r1", points=70)
    held.settle("h1", captured_at=NOW)
    held.adjust("c1", 20, "sorry", "Ada", "a1")
    assert held.balance("c1")[:5] == (0, 0, 0, 10, 0)
    held.undo_redemption("h1", "cancelled", "Ada")
    assert held.balance("c1")[:5] == (50, 0, 0, 0, 0)  # 30 paid, 20 of the 30 owed had been repaid
    conserved(held, "c1")
    assert held.verify().clean


@pytest.mark.parametrize("how", ["in time", "late", "late, its end recorded"])
def test_a_hold_is_shown_while_it_lasted_however_its_settlement_came(held, clock, how):
    settled_at = NOW + 10 * MINUTE
    clock.now = settled_at if how == "in time" else NOW + DAY
    if how == "late, its end recorded":
        held.expire_holds(held.member_of("c1"))
    held.settle("h1", 25, captured_at=settled_at)
    clock.now = NOW + 2 * DAY
    for at, expected in [
        (NOW - 1, (0, 0)), (NOW, (40, 60)), (settled_at - 1, (40, 60)), (settled_at, (75, 0)),
        (NOW + 15 * MINUTE, (75, 0)), (clock.now, (75, 0)),
    ]:  # fmt: skip
        balance = held.balance("c1", at)
        assert (balance.available, balance.held) == expected, at
    conserved(held, "c1")


def test_goods_come_back_while_their_points_are_held(held):
    of = receipt(card="c1", amount=1_000)
    held.record(of)
    held.hold("c1", 50, "h2")
    held.return_goods(key(of), "r1")
    assert held.balance("c1")[:5] == (0, 0, 0, 10, 110)
    held.release("h2")
    assert points_of(held, "c1") == 50
    conserved(held, "c1")
