"""The pure rules: splits that sum, dates at which points begin and end, which lots pay."""

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import add_months, instant_of, local_day, midnight
from ledger.errors import PointsShort, RedeemNotOffered, RedeemStep
from ledger.policies.burn import available, burn, take_in_order
from ledger.policies.expiry import AT_ONCE, NEVER, lot_dates
from ledger.policies.periods import in_period
from ledger.policies.redeem import cash_value, gift_of
from ledger.policies.split import largest_remainder, part_returned
from ledger.programme import Bonus, Cash, Expiry, Gift, Lots, Redeem
from ledger.types import Take, day_of

WEIGHTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=30)
BERLIN = "Europe/Berlin"


def day(text):
    return day_of(dt.date.fromisoformat(text))


def at(text, zone=BERLIN):
    return instant_of(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


# --- splits ------------------------------------------------------------------------------


@given(st.integers(0, 10**12), WEIGHTS)
def test_parts_sum_exactly_to_the_whole(total, weights):
    assert sum(largest_remainder(total, weights)) == total


@given(st.integers(0, 10**12), WEIGHTS)
def test_no_part_is_a_whole_point_away_from_its_exact_share(total, weights):
    whole = sum(weights)
    if whole:
        for part, weight in zip(largest_remainder(total, weights), weights, strict=True):
            assert abs(part * whole - total * weight) < whole


@given(st.integers(0, 10**6), WEIGHTS)
def test_a_weight_of_nothing_gets_nothing(total, weights):
    parts = largest_remainder(total, [*weights, 1, 0])
    assert parts[-1] == 0


def test_what_is_left_goes_to_the_largest_remainders():
    assert largest_remainder(10, [25, 25, 50]) == [3, 2, 5]
    assert largest_remainder(5, [1, 1, 8]) == [1, 0, 4]
    assert largest_remainder(3, [1, 2, 3]) == [1, 1, 1]


def test_equal_remainders_go_to_the_earlier_part():
    assert largest_remainder(2, [1, 1, 1]) == [1, 1, 0]


def test_with_no_weight_the_first_part_takes_all():
    assert largest_remainder(7, [0, 0]) == [7, 0]


def test_nothing_is_split_into_nothing():
    assert largest_remainder(0, [3, 4]) == [0, 0]
    assert largest_remainder(7, []) == []


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_any_split_of_returns_takes_back_the_award(points, returns):
    bought, before, back = sum(returns), 0, 0
    for now in returns:
        part = part_returned(points, bought, before, now)
        assert part >= 0
        back += part
        before += now
        assert back <= points
    assert back == points


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.data())
def test_a_partial_return_takes_no_more_than_its_share(points, bought, data):
    now = data.draw(st.integers(1, bought))
    assert part_returned(points, bought, 0, now) * bought <= points * now


# --- when points begin and end -----------------------------------------------------------


def ends(earned, after, unit="months", round_to="day", zone=BERLIN):
    return lot_dates(Lots(expiry=Expiry(after, unit, round_to)), day(earned), zone)[1]


EXPIRIES = {
    "a month later": ("2026-01-15", 1, "months", "day", "2026-02-16"),
    "no such day in the month": ("2026-01-31", 1, "months", "day", "2026-03-01"),
    "29 February in a leap year": ("2028-01-31", 1, "months", "day", "2028-03-01"),
    "29 February a year later": ("2028-02-29", 12, "months", "day", "2029-03-01"),
    "29 February four years later": ("2028-02-29", 48, "months", "day", "2032-03-01"),
    "across the new year": ("2026-12-31", 1, "months", "day", "2027-02-01"),
    "days": ("2026-02-27", 2, "days", "day", "2026-03-02"),
    "days across a leap day": ("2028-02-27", 2, "days", "day", "2028-03-01"),
    "on to the month's end": ("2026-01-01", 12, "months", "month", "2027-02-01"),
    "the last day of a month": ("2026-01-31", 12, "months", "month", "2027-02-01"),
    "on to the end of February": ("2028-01-10", 1, "months", "month", "2028-03-01"),
    "on to the quarter's end": ("2026-01-01", 1, "months", "quarter", "2026-04-01"),
    "in a quarter's last month": ("2026-05-31", 1, "months", "quarter", "2026-07-01"),
    "the last quarter": ("2026-09-30", 1, "months", "quarter", "2027-01-01"),
    "on to the year's end": ("2026-01-01", 1, "days", "year", "2027-01-01"),
    "the year's last day": ("2026-12-30", 1, "days", "year", "2027-01-01"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("earned", "after", "unit", "round_to", "gone"), EXPIRIES.values(), ids=EXPIRIES
)
def test_points_end_at_the_midnight_after_their_last_day(earned, after, unit, round_to, gone):
    assert ends(earned, after, unit, round_to) == at(gone)


def test_an_expiry_in_summer_is_a_summer_midnight():
    assert ends("2026-01-10", 6) == at("2026-07-11") == instant_of(
        dt.datetime(2026, 7, 10, 22, tzinfo=dt.UTC)
    )  # fmt: skip


def test_a_day_on_which_the_clock_changes_begins_at_its_own_midnight():
    assert midnight(day("2026-03-30"), BERLIN) - midnight(day("2026-03-29"), BERLIN) == 23 * 3600
    assert midnight(day("2026-10-26"), BERLIN) - midnight(day("2026-10-25"), BERLIN) == 25 * 3600


def test_where_the_clock_change_skips_midnight_the_day_still_begins_on_that_day():
    zone = "America/Sao_Paulo"  # 2018-11-04 began at 01:00
    first = midnight(day("2018-11-04"), zone)
    assert local_day(first, zone) == day("2018-11-04")
    assert local_day(first - 1, zone) == day("2018-11-03")


@given(st.integers(0, 30_000), st.sampled_from([BERLIN, "UTC", "Asia/Kolkata", "Pacific/Apia"]))
def test_an_instant_of_a_day_lies_on_that_day(number, zone):
    assert local_day(midnight(number, zone), zone) in {number, number + 1}  # Apia skipped a day
    if zone != "Pacific/Apia":
        assert local_day(midnight(number, zone) - 1, zone) == number - 1


def test_points_without_expiry_never_end():
    assert lot_dates(Lots(), day("2026-01-01"), BERLIN) == (AT_ONCE, NEVER)


def test_an_expiry_is_never_taken_for_no_expiry():
    assert ends("2026-01-01", 3660) == NEVER - 1
    assert ends("2026-01-01", 1_000_000_000) == NEVER - 1
    assert ends("2026-01-01", 1_000_000_000, "days") == NEVER - 1


def test_pending_points_become_active_at_a_midnight():
    lots = Lots(pending_days=3)
    assert lot_dates(lots, day("2026-03-27"), BERLIN)[0] == at("2026-03-30")


@given(st.dates(dt.date(1970, 1, 1), dt.date(2200, 1, 1)), st.integers(0, 1200))
def test_months_later_is_in_the_right_month(date, months):
    later = add_months(date, months)
    assert (later.year * 12 + later.month) - (date.year * 12 + date.month) == months
    assert later.day <= date.day


def test_a_period_includes_both_its_dates():
    period = Bonus("x", from_=dt.date(2026, 2, 1), until=dt.date(2026, 2, 28))
    inside = [in_period(period, day("2026-01-31") + n) for n in (0, 1, 28, 29)]
    assert inside == [False, True, True, False]


def test_an_open_period_has_no_end():
    assert in_period(Bonus("x", from_=dt.date(2026, 2, 1)), day("2999-01-01"))
    assert in_period(Bonus("x", until=dt.date(2026, 2, 1)), day("1999-01-01"))


# --- which lots pay ----------------------------------------------------------------------


class Lot(NamedTuple):
    activates_at: int
    expires_at: int
    origin: int
    points: int


def test_the_lot_that_ends_soonest_pays_first():
    lots = [Lot(0, 300, 0, 10), Lot(0, 100, 0, 10), Lot(0, 200, 0, 10)]
    assert burn(lots, 15, 50) == (Take(0, 100, 0, 10), Take(0, 200, 0, 5))


def test_of_equal_ends_the_one_active_soonest_pays_then_by_origin():
    lots = [Lot(5, 100, 0, 1), Lot(0, 100, 2, 1), Lot(0, 100, 1, 1), Lot(0, 100, 0, 1)]
    assert [take[:3] for take in burn(lots, 4, 50)] == [
        (0, 100, 0), (0, 100, 1), (0, 100, 2), (5, 100, 0),
    ]  # fmt: skip


def test_pending_and_expired_lots_do_not_pay():
    lots = [Lot(60, 300, 0, 10), Lot(0, 50, 0, 10), Lot(50, 51, 0, 3)]
    assert available(lots, 50) == 3
    with pytest.raises(PointsShort, match="4 asked, 3 available"):
        burn(lots, 4, 50)


def test_at_the_instant_of_expiry_nothing_is_available():
    lots = [Lot(0, 100, 0, 10)]
    assert (available(lots, 99), available(lots, 100)) == (10, 0)


def test_at_the_instant_of_activation_all_is_available():
    lots = [Lot(100, 200, 0, 10)]
    assert (available(lots, 99), available(lots, 100)) == (0, 10)


LOTS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(40, 90), st.integers(0, 2), st.integers(0, 40)),
    unique_by=lambda lot: lot[:3],
    max_size=12,
).map(lambda lots: [Lot(*lot) for lot in lots])


@given(LOTS, st.integers(0, 90), st.data())
def test_takes_sum_to_what_is_asked_and_no_lot_pays_more_than_it_holds(lots, now, data):
    held = available(lots, now)
    points = data.draw(st.integers(0, held))
    takes = burn(lots, points, now)
    assert sum(take.points for take in takes) == points
    by_key = {lot[:3]: lot.points for lot in lots}
    assert len({take[:3] for take in takes}) == len(takes)
    assert all(0 < take.points <= by_key[take[:3]] for take in takes)
    with pytest.raises(PointsShort):
        burn(lots, held + 1, now)


@given(LOTS, st.integers(0, 200))
def test_taking_in_order_takes_what_there_is(lots, points):
    takes = take_in_order(lots, points)
    assert sum(take.points for take in takes) == min(points, sum(lot.points for lot in lots))


# --- what points are worth ---------------------------------------------------------------


def test_points_are_worth_their_rate():
    assert cash_value(Redeem(Cash(100, 250, step_points=100)), 300) == 750


@pytest.mark.parametrize(
    ("asked", "least"), [(1, 500), (499, 500), (501, 600), (599, 600), (10_001, 10_100)]
)
def test_points_below_the_minimum_or_between_steps_are_told_the_least_that_would_do(asked, least):
    redeem = Redeem(Cash(100, 100, minimum_points=500, step_points=100))
    with pytest.raises(RedeemStep, match=f"{asked} asked; {least} would do"):
        cash_value(redeem, asked)
    assert cash_value(redeem, least) == least


def test_a_minimum_between_two_steps_is_told_as_a_step():
    redeem = Redeem(Cash(100, 100, minimum_points=450, step_points=200))
    with pytest.raises(RedeemStep, match="600 would do"):
        cash_value(redeem, 450)


@given(st.integers(1, 50), st.integers(1, 9), st.integers(0, 2000), st.integers(1, 5000))
def test_the_least_that_would_do_does(points, times, minimum, asked):
    cash = Cash(points, 7, minimum_points=minimum, step_points=points * times)
    try:
        assert cash_value(Redeem(cash), asked) == asked // points * 7
    except RedeemStep as refused:
        least = int(refused.detail.split("; ")[1].split()[0])
        assert asked < least < max(asked, minimum) + points * times
        assert cash_value(Redeem(cash), least) == least // points * 7
    else:
        assert asked >= minimum
        assert asked % (points * times) == 0


def test_a_programme_without_cash_says_so():
    with pytest.raises(RedeemNotOffered):
        cash_value(Redeem(), 100)


def test_a_gift_is_found_by_its_code():
    redeem = Redeem(gift=(Gift("mug", "A mug", 50), Gift("bag", "A bag", 20)))
    assert gift_of(redeem, "bag").points == 20
    with pytest.raises(RedeemNotOffered, match="`hat`"):
        gift_of(redeem, "hat")
