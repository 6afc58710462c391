"""The door, lots: points that wait, slide and expire by themselves."""

import pytest

from ledger import events as e
from ledger.errors import PointsShort
from ledger.projections.queries import Expiring
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally

HOUR = 3_600
JAN_27, FEB_27, MAR_27 = 1_801_436_400, 1_803_855_600, 1_806_530_400
"""Midnights in Berlin after the last days of January, February and March 2027."""


@pytest.fixture
def sliding(ledger_under):
    """Points last 12 months from the latest receipt or redemption, to the month's end."""
    return ledger_under("", round_to='round_to = "month"\nslides = true')


def buy(ledger, points=10, at=NOW, card="c1", **fields):
    ledger.enrol(card)
    made = receipt(card=card, amount=points * 100, at=at, **fields)
    ledger.record(made)
    return made


def lots(ledger, card="c1"):
    """When the member's points expire, and how many."""
    return [(lot[0], lot[3]) for lot in tally(ledger, card).lots]


# --- waiting -----------------------------------------------------------------------------


def test_points_wait_until_the_goods_can_no_longer_come_back(ledger_under, clock):
    ledger = ledger_under('[lots]\npending = "return_window"\n[returns]\nwindow_days = 14\n')
    of = buy(ledger)
    assert ledger.balance("c1")[:2] == (0, 10)
    opens = NOW + 15 * DAY - 3600  # midnight in Berlin, after 15 January
    clock.now = opens - 1
    with pytest.raises(PointsShort, match="1 asked, 0 available"):
        ledger.redeem("c1", "r1", points=1)
    clock.now = opens
    ledger.redeem("c1", "r1", points=1)
    conserved(ledger, "c1")
    ledger.return_goods(key(of), "back")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 1)
    conserved(ledger, "c1")


def test_points_given_by_hand_do_not_wait(ledger_under):
    ledger = ledger_under('[lots]\npending = "return_window"\n[returns]\nwindow_days = 14\n')
    ledger.enrol("c1")
    ledger.adjust("c1", 5, "sorry", "Ada", "a1")
    assert points_of(ledger, "c1") == 5


# --- sliding -----------------------------------------------------------------------------


def test_without_sliding_each_lot_keeps_its_expiry(ledger, clock):
    buy(ledger)
    clock.now = NOW + 40 * DAY
    buy(ledger, at=clock.now)
    assert lots(ledger) == [(JAN_27, 10), (FEB_27, 10)]


def test_a_receipt_makes_all_points_last_as_long_as_its_own(sliding, clock):
    buy(sliding)
    clock.now = NOW + 40 * DAY
    buy(sliding, at=clock.now)
    assert lots(sliding) == [(FEB_27, 20)]
    conserved(sliding, "c1")
    assert sliding.verify().clean


def test_a_receipt_that_earns_nothing_makes_points_last_longer_too(sliding, clock):
    buy(sliding)
    clock.now = NOW + 40 * DAY
    buy(sliding, 0, at=clock.now)
    assert lots(sliding) == [(FEB_27, 10)]


def test_a_redemption_makes_what_is_left_last_longer(sliding, clock):
    buy(sliding)
    clock.now = NOW + 40 * DAY
    sliding.redeem("c1", "r1", points=4)
    assert lots(sliding) == [(FEB_27, 6)]
    clock.now = NOW + 70 * DAY
    sliding.hold("c1", 2, "h1")
    assert lots(sliding) == [(FEB_27, 4)]
    sliding.settle("h1", 1)
    assert lots(sliding) == [(MAR_27, 5)]
    conserved(sliding, "c1")


def test_an_adjustment_is_no_activity(sliding, clock):
    buy(sliding)
    clock.now = NOW + 40 * DAY
    sliding.adjust("c1", 5, "sorry", "Ada", "a1")
    assert lots(sliding) == [(JAN_27, 10), (FEB_27, 5)]


def test_points_of_different_origins_slide_and_stay_apart(sliding, clock):
    buy(sliding)
    sliding.adjust("c1", 5, "sorry", "Ada", "a1")
    clock.now = NOW + 40 * DAY
    buy(sliding, 0, at=clock.now)
    assert lots(sliding) == [(FEB_27, 10), (FEB_27, 5)]


def test_expired_points_do_not_come_back_by_activity(sliding, clock):
    buy(sliding)
    clock.now = JAN_27
    buy(sliding, 3, at=clock.now)
    assert sliding.balance("c1")[:3] == (3, 0, 10)
    assert lots(sliding)[0] == (JAN_27, 10)
    conserved(sliding, "c1")


def test_activity_a_second_before_the_expiry_is_in_time(sliding, clock):
    buy(sliding)
    clock.now = JAN_27 - 1
    buy(sliding, 3, at=clock.now)
    assert sliding.balance("c1")[:3] == (13, 0, 0)


def test_a_late_receipt_shortens_nothing_and_lasts_as_long_as_the_rest(sliding, clock):
    clock.now = NOW + 40 * DAY
    buy(sliding, at=clock.now)
    of = buy(sliding, at=NOW + 20 * DAY)
    assert lots(sliding) == [(FEB_27, 20)]
    sliding.return_goods(key(of), "back")
    assert lots(sliding) == [(FEB_27, 10)]
    conserved(sliding, "c1")


def test_a_late_receipt_lives_on_by_what_was_active_meanwhile(ledger_under, clock):
    """Points last five days: those of day 0 were carried on by the receipt of day 4."""
    ledger = ledger_under("", after="after = 5", round_to='unit = "days"\nslides = true')
    buy(ledger, 1)
    clock.now = NOW + 4 * DAY
    buy(ledger, 2, at=clock.now)
    clock.now = NOW + 7 * DAY
    buy(ledger, 3, at=NOW)
    assert ledger.balance("c1")[:3] == (6, 0, 0)
    assert lots(ledger) == [(NOW + 10 * DAY - HOUR, 6)]
    clock.now = NOW + 10 * DAY - HOUR
    buy(ledger, 4, at=NOW)
    assert ledger.balance("c1")[:3] == (0, 0, 10)
    conserved(ledger, "c1")


def test_a_late_activity_carries_points_as_far_as_the_latest_did(sliding, clock):
    buy(sliding)
    clock.now = NOW + 65 * DAY
    sliding.hold("c1", 6, "h1")
    buy(sliding, 0, at=clock.now)
    sliding.release("h1")
    assert lots(sliding) == [(JAN_27, 6), (MAR_27, 4)]  # what was held then did not slide
    buy(sliding, 0, at=NOW + 40 * DAY)
    assert lots(sliding) == [(MAR_27, 10)]
    conserved(sliding, "c1")


def test_a_chain_of_activity_is_as_long_as_all_its_links(sliding, clock):
    of = buy(sliding)
    for at in (NOW + 40 * DAY, FEB_27 - 1):
        clock.now = at
        buy(sliding, 0, at=at)
    event = sliding.event(sliding.return_goods(key(of), "back"))
    assert [take.points for take in event.takes] == [10]
    assert event.forgiven == 0
    conserved(sliding, "c1")


@pytest.mark.parametrize("late", [False, True])
def test_receipts_in_time_or_late_leave_the_same_lots(sliding, clock, late):
    first, second = (receipt(card="c1", amount=1_000, at=NOW + n * DAY) for n in (20, 40))
    sliding.enrol("c1")
    for made in (second, first) if late else (first, second):
        clock.now = NOW + 40 * DAY if late else NOW + 40 * DAY * (made is second) + 20 * DAY
        sliding.record(made)
    assert lots(sliding) == [(FEB_27, 20)]
    conserved(sliding, "c1")


def test_a_return_of_a_slid_award_finds_its_lot(sliding, clock):
    of = buy(sliding)
    clock.now = NOW + 40 * DAY
    sliding.adjust("c1", 5, "sorry", "Ada", "a1")
    buy(sliding, 0, at=clock.now)
    clock.now = NOW + 380 * DAY  # after January 2027
    event = sliding.event(sliding.return_goods(key(of), "back"))
    assert [(take.origin, take.points) for take in event.takes] == [(0, 10)]
    assert (event.arrears, event.forgiven) == (0, 0)
    assert lots(sliding) == [(FEB_27, 5)]
    conserved(sliding, "c1")


def test_a_return_after_an_unbroken_chain_ended_lets_the_points_go(sliding, clock):
    of = buy(sliding)
    clock.now = FEB_27
    buy(sliding, 5, at=clock.now)
    event = sliding.event(sliding.return_goods(key(of), "back"))
    assert (event.takes, event.forgiven) == ((), 10)
    assert points_of(sliding, "c1") == 5


def test_points_restored_last_as_long_as_activity_has_made_the_others_last(sliding, clock):
    """Also where the redemption itself, of all there was, was the activity."""
    buy(sliding)
    clock.now = NOW + 40 * DAY
    sliding.redeem("c1", "r1", points=10)
    clock.now = JAN_27 + DAY
    sliding.undo_redemption("r1", "no answer", "Ada")
    assert lots(sliding) == [(FEB_27, 10)]
    assert points_of(sliding, "c1") == 10
    conserved(sliding, "c1")
    assert sliding.verify().clean


def test_points_of_a_voided_return_last_as_long_as_the_others(sliding, clock):
    of = buy(sliding)
    sliding.return_goods(key(of), "back")
    clock.now = NOW + 40 * DAY
    buy(sliding, 3, at=clock.now)
    sliding.void_return(key(of), "back", "void")
    assert lots(sliding) == [(FEB_27, 13)]
    conserved(sliding, "c1")


@pytest.mark.parametrize("recorded", [False, True])
def test_a_hold_that_is_over_slides_like_the_rest(sliding, clock, recorded):
    buy(sliding)
    sliding.hold("c1", 6, "h1")
    clock.now = NOW + 40 * DAY
    if recorded:
        sliding.expire_holds(sliding.member_of("c1"))
    buy(sliding, 0, at=clock.now)
    assert lots(sliding) == [(FEB_27, 10)]
    conserved(sliding, "c1")


def test_an_attributed_receipt_is_an_activity(sliding, clock):
    buy(sliding)
    clock.now = NOW + 40 * DAY
    made = receipt(amount=300, at=clock.now)
    sliding.record(made)
    assert lots(sliding) == [(JAN_27, 10)]
    sliding.attribute(key(made), "c1")
    assert lots(sliding) == [(FEB_27, 13)]
    conserved(sliding, "c1")


# --- expiring ----------------------------------------------------------------------------


def test_recording_expiry_writes_off_what_had_expired_and_nothing_else(ledger, clock):
    buy(ledger)
    clock.now = NOW + 40 * DAY
    buy(ledger, 7, at=clock.now)
    stream = ledger.member_of("c1")
    clock.now = JAN_27 - 1
    assert ledger.record_expiry(stream, clock.now).repeat
    assert ledger.record_expiry(stream, JAN_27 + DAY).repeat, "it lies ahead"
    clock.now = JAN_27
    event = ledger.event(ledger.record_expiry(stream, clock.now))
    assert [take.points for take in event.takes] == [10]
    assert ledger.record_expiry(stream, clock.now).repeat
    assert ledger.balance("c1")[:3] == (7, 0, 10)
    assert (tally(ledger, "c1").expired, lots(ledger)) == (10, [(FEB_27, 7)])
    assert ledger.balance("c1", JAN_27 - 1)[:3] == (17, 0, 0)
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_points_that_come_after_their_expiry_was_recorded_are_expired(ledger_under, clock):
    ledger = ledger_under("", after="after = 1", round_to='unit = "days"')
    buy(ledger)
    clock.now = NOW + 5 * DAY
    stream = ledger.member_of("c1")
    ledger.record_expiry(stream, clock.now)
    of = buy(ledger, 4, at=NOW)
    assert ledger.balance("c1")[:3] == (0, 0, 14)
    conserved(ledger, "c1")
    assert ledger.event(ledger.return_goods(key(of), "back")).forgiven == 4
    ledger.record_expiry(stream, clock.now)
    assert ledger.balance("c1")[:3] == (0, 0, 14)
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_recording_activation_tells_what_became_usable(ledger_under, clock):
    ledger = ledger_under("[lots]\npending_days = 3\n")
    buy(ledger)
    stream = ledger.member_of("c1")
    opens = NOW + 3 * DAY - 3600
    clock.now = opens - 1
    assert ledger.record_activation(stream, opens).repeat
    clock.now = opens
    event = ledger.event(ledger.record_activation(stream, clock.now))
    assert isinstance(event, e.PointsActivated)
    assert (event.points, event.until) == (10, opens)
    assert ledger.record_activation(stream, clock.now).repeat
    conserved(ledger, "c1")


def test_what_expires_soon_is_told_by_member_soonest_first_and_in_pages(ledger, clock):
    buy(ledger, 10, card="a")
    buy(ledger, 20, card="b")
    clock.now = NOW + 40 * DAY
    buy(ledger, 5, at=clock.now, card="a")
    ledger.adjust("b", 3, "sorry", "Ada", "a1")
    ledger.enrol("c")
    january = sorted([(ledger.member_of("a"), 10), (ledger.member_of("b"), 20)])
    february = sorted([(ledger.member_of("a"), 5), (ledger.member_of("b"), 3)])
    expected = [Expiring(m, JAN_27, p) for m, p in january]
    clock.now = JAN_27 - 10 * DAY
    assert ledger.expiring(9) == []
    assert ledger.expiring(10) == expected
    expected += [Expiring(m, FEB_27, p) for m, p in february]
    assert ledger.expiring(60) == expected
    paged = ledger.expiring(60, 1)
    while page := ledger.expiring(60, 1, paged[-1]):
        paged += page
    assert paged == expected
    clock.now = JAN_27
    assert ledger.expiring(60) == expected[2:]


def test_what_is_held_or_spent_does_not_expire_soon(ledger, clock):
    buy(ledger, 10)
    ledger.hold("c1", 6, "h1")
    (row,) = ledger.expiring(400)
    assert row.points == 4
    ledger.redeem("c1", "r1", points=4)
    assert ledger.expiring(400) == []
    ledger.release("h1")
    assert [row.points for row in ledger.expiring(400)] == [6]


def test_a_receipt_that_brings_goods_back_and_sells_others_slides_first(sliding, clock):
    of = buy(sliding)
    clock.now = NOW + 40 * DAY
    sliding.record(receipt(back(of), line(500, "2"), card="c1", at=clock.now))
    assert lots(sliding) == [(FEB_27, 5)]
    conserved(sliding, "c1")
