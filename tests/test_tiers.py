"""Tiers without a store: windows, holds, reviews, and that no answer depends on a job."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import events as e
from ledger.aggregates.member.folds import evolve
from ledger.aggregates.member.rules import Rules
from ledger.aggregates.member.standing import counts, next_tier, passed, tier_at, tier_change
from ledger.aggregates.programmes import Programmes, Version
from ledger.calendar import local_day, midnight
from ledger.policies.review import review, review_due
from ledger.policies.tier import Standing, kept_until, next_level, standing_level
from ledger.policies.window import Counted, falls_on, in_window, last_counting, period_of
from ledger.programme import Earn, Level, Programme, Tiers, load
from ledger.types import date_of, day_of

LEVELS = (Level("basic", 0), Level("silver", 100), Level("gold", 500))
ROLLING = Tiers(LEVELS, 365, keep_days=30)
PERIODIC = Tiers(LEVELS, 365, keep_days=30, review="periodic")
STEPS = Tiers(LEVELS, 365, keep_days=30, downgrade="one_step")
YEAR = Tiers(LEVELS, window="year", grace_days=31)
YEAR_STEPS = Tiers(LEVELS, window="year", grace_days=31, downgrade="one_step")
ENROLLED = dt.date(2024, 2, 29)


def on(text):
    return day_of(dt.date.fromisoformat(text))


def start(text, zone="UTC"):
    return midnight(on(text), zone)


def counted(**points):
    """Points by day, written as `d2026_01_31=100`."""
    days = sorted((on(key[1:].replace("_", "-")), value) for key, value in points.items())
    return Counted([day for day, _ in days], [value for _, value in days], day_of(ENROLLED))


# --- windows -----------------------------------------------------------------------------

PERIODS = {
    "a year": ("year", "2026-07-01", "2026-01-01", "2026-12-31"),
    "the first day of a year": ("year", "2026-01-01", "2026-01-01", "2026-12-31"),
    "the last day of a year": ("year", "2026-12-31", "2026-01-01", "2026-12-31"),
    "the first quarter": ("quarter", "2026-03-31", "2026-01-01", "2026-03-31"),
    "the second quarter": ("quarter", "2026-04-01", "2026-04-01", "2026-06-30"),
    "the last quarter": ("quarter", "2026-12-31", "2026-10-01", "2026-12-31"),
    "a short month": ("month", "2026-02-28", "2026-02-01", "2026-02-28"),
    "a leap month": ("month", "2028-02-29", "2028-02-01", "2028-02-29"),
    "the last month": ("month", "2026-12-01", "2026-12-01", "2026-12-31"),
    "29 February is the 28th": ("anniversary", "2026-02-28", "2026-02-28", "2027-02-27"),
    "the day before it": ("anniversary", "2026-02-27", "2025-02-28", "2026-02-27"),
    "up to a leap year": ("anniversary", "2028-02-28", "2027-02-28", "2028-02-28"),
    "in a leap year": ("anniversary", "2028-02-29", "2028-02-29", "2029-02-27"),
    "before the enrolment": ("anniversary", "2024-02-28", "2023-02-28", "2024-02-28"),
}


@pytest.mark.parametrize(("window", "day", "first", "last"), PERIODS.values(), ids=PERIODS)
def test_a_period_has_a_first_and_a_last_day(window, day, first, last):
    found = period_of(Tiers(LEVELS, window=window), on(day), day_of(ENROLLED))
    assert [str(date_of(d)) for d in found] == [first, last]


def test_a_calendar_window_counts_from_its_first_day_to_the_day_itself():
    some = counted(d2025_12_31=1, d2026_01_01=2, d2026_03_01=4, d2026_03_02=8)
    assert in_window(YEAR, some, on("2026-03-01")) == 6
    assert in_window(YEAR, some, on("2025-12-31")) == 1


def test_a_rolling_window_counts_so_many_days_the_day_itself_included():
    some = counted(d2026_01_01=1, d2026_01_02=2, d2026_01_11=4)
    assert in_window(Tiers(LEVELS, 10), some, on("2026-01-10")) == 3
    assert in_window(Tiers(LEVELS, 10), some, on("2026-01-11")) == 6


def test_what_was_bought_counts_to_the_last_day_of_its_window():
    day = on("2026-05-05")
    assert last_counting(ROLLING, day, 0) == day + 364
    assert last_counting(YEAR, day, 0) == on("2026-12-31")


def test_a_rolling_window_falls_on_the_day_that_takes_it_below():
    some = counted(d2026_01_01=60, d2026_01_05=40, d2026_01_11=20, d2026_01_12=39)
    ten, day = Tiers(LEVELS, 10), on("2026-01-05")
    falls = {
        (least, upto): str(date_of(falls_on(ten, some, least, day, on(upto))))
        for least, upto in [(101, "2026-02-01"), (100, "2026-02-01"), (61, "2026-02-01"),
                            (61, "2026-01-11"), (61, "2026-01-10"), (60, "2026-02-01"),
                            (60, "2026-01-15"), (60, "2026-01-13"), (1, "2026-01-31")]
    }  # fmt: skip
    assert falls == {
        (101, "2026-02-01"): "2026-01-05",  # 60 + 40 never were more than 100
        (100, "2026-02-01"): "2026-01-11",  # 60 leave, 20 come
        (61, "2026-02-01"): "2026-01-11",
        (61, "2026-01-11"): "2026-01-11",
        (61, "2026-01-10"): "2026-01-11",  # not up to then
        (60, "2026-02-01"): "2026-01-15",  # 40 leave, 20 + 39 are left
        (60, "2026-01-15"): "2026-01-15",
        (60, "2026-01-13"): "2026-01-14",  # not up to then
        (1, "2026-01-31"): "2026-01-22",
    }


# --- holds -------------------------------------------------------------------------------


def test_a_tier_of_a_rolling_window_is_held_for_whole_days():
    assert kept_until(ROLLING, on("2026-01-01"), "UTC", 0) == start("2026-02-01")


HOLDS = {
    "year": ("year", 31, "2026-05-05", "2028-02-01"),
    "year without grace": ("year", 0, "2026-12-31", "2028-01-01"),
    "quarter": ("quarter", 14, "2026-05-05", "2026-10-15"),
    "month": ("month", 0, "2026-01-31", "2026-03-01"),
    "anniversary": ("anniversary", 10, "2026-02-27", "2027-03-10"),
}


@pytest.mark.parametrize(("window", "grace", "day", "until"), HOLDS.values(), ids=HOLDS)
def test_a_tier_is_held_over_the_period_that_follows_and_its_grace(window, grace, day, until):
    tiers = Tiers(LEVELS, window=window, grace_days=grace)
    zone = "Europe/Berlin"
    assert kept_until(tiers, on(day), zone, day_of(ENROLLED)) == start(until, zone)


def test_the_highest_of_window_hold_and_others_counts():
    silver, gold = Standing("silver", 1000, 500), Standing("gold", 900, 600)
    tiers_at = {at: standing_level(ROLLING, silver, 0, at, gold).name for at in
                (499, 500, 599, 600, 899, 900, 999, 1000)}  # fmt: skip
    assert tiers_at == {
        499: "basic", 500: "silver", 599: "silver", 600: "gold", 899: "gold", 900: "silver",
        999: "silver", 1000: "basic",
    }  # fmt: skip
    assert standing_level(ROLLING, silver, 500, 500).name == "gold"


def test_the_next_tier_is_the_one_above():
    assert [next_level(ROLLING, name) for name in ("", "basic", "silver", "gold")] == [
        LEVELS[1], LEVELS[1], LEVELS[2], None,
    ]  # fmt: skip


# --- reviews -----------------------------------------------------------------------------


def reviewed(tiers, some, tier, until, upto="2040-01-01"):
    held = Standing(tier, start(until))
    assert review_due(tiers, "UTC", some, held.until) == held.until
    after, points = review(tiers, "UTC", some, held, start(upto))
    stamp = [str(date_of(local_day(at, "UTC"))) if at else "" for at in (after.since, after.until)]
    return after.tier, *stamp, points


@pytest.mark.parametrize(
    ("points", "tier"), [(99, "basic"), (100, "silver"), (499, "silver"), (500, "gold")]
)
def test_a_calendar_review_goes_by_the_period_that_ended(points, tier):
    some = counted(d2026_12_31=points)
    until = "2028-02-01" if tier != "basic" else ""
    assert reviewed(YEAR, some, "gold", "2027-02-01") == (tier, "2027-02-01", until, points)


def test_a_calendar_review_counts_the_running_period_where_that_gives_more():
    some = counted(d2026_12_31=100, d2027_01_31=500)
    assert reviewed(YEAR, some, "gold", "2027-02-01") == ("gold", "2027-02-01", "2028-02-01", 500)


def test_a_review_with_one_step_falls_one_step_and_holds_until_the_next():
    none, some = counted(), counted(d2026_12_31=100)
    assert reviewed(YEAR_STEPS, none, "gold", "2027-02-01")[:3] == (
        "silver", "2027-02-01", "2028-02-01",
    )  # fmt: skip
    assert reviewed(YEAR_STEPS, none, "silver", "2027-02-01")[:3] == ("basic", "2027-02-01", "")
    assert reviewed(YEAR_STEPS, some, "silver", "2027-02-01")[0] == "silver"
    assert reviewed(STEPS, none, "gold", "2027-02-01")[:3] == (
        "silver", "2027-02-01", "2027-03-04",
    )  # fmt: skip


def test_a_review_every_day_confirms_up_to_the_day_that_falls():
    some = counted(d2026_01_01=500)
    last = ("gold", "2026-12-31", "2027-01-01", 500)
    assert reviewed(ROLLING, some, "gold", "2026-02-01") == last
    assert reviewed(ROLLING, some, "gold", "2027-01-01") == ("basic", "2027-01-01", "", 0)
    assert reviewed(ROLLING, some, "gold", "2026-02-01", "2026-03-01")[1:3] == (
        "2026-03-01", "2026-03-02",
    )  # fmt: skip


def test_a_straight_fall_of_a_rolling_window_is_to_what_it_gives_for_the_day():
    some = counted(d2026_01_01=400, d2026_01_02=100)
    found = reviewed(ROLLING, some, "gold", "2027-01-01")
    assert found == ("silver", "2027-01-01", "2027-01-02", 100)


def test_a_periodic_review_holds_for_as_many_days_again():
    some = counted(d2026_01_01=500)
    confirmed = reviewed(PERIODIC, some, "gold", "2026-02-01", "2026-02-01")
    assert confirmed == ("gold", "2026-02-01", "2026-03-04", 500)
    last = reviewed(PERIODIC, some, "gold", "2026-02-01")
    assert last == ("gold", "2026-12-08", "2027-01-08", 500)
    assert reviewed(PERIODIC, some, "gold", "2027-01-08") == ("basic", "2027-01-08", "", 0)


def test_a_review_may_find_more_than_was_held():
    some = counted(d2026_01_01=500)
    assert reviewed(ROLLING, some, "silver", "2026-02-01")[0] == "gold"
    assert reviewed(YEAR, some, "silver", "2027-02-01")[0] == "gold"


def test_a_hold_that_ends_within_a_period_goes_on_to_its_review():
    some = counted()
    assert review_due(YEAR, "UTC", some, start("2026-05-05")) == start("2027-02-01")
    assert review_due(YEAR, "UTC", some, start("2027-02-01")) == start("2027-02-01")
    assert review_due(YEAR, "UTC", some, start("2027-02-02")) == start("2028-02-01")


def test_a_review_of_years_of_membership_goes_by_the_day_of_enrolment():
    tiers = Tiers(LEVELS, window="anniversary", grace_days=10)
    due = review_due(tiers, "UTC", counted(), start("2026-05-05"))
    assert due == start("2027-03-10")  # 2027-02-28 begins the fourth year


def test_a_review_that_confirms_nothing_further_stands_where_the_hold_ended():
    some, ends = counted(d2026_01_01=500), start("2026-12-10") + 3_600
    after, points = review(PERIODIC, "UTC", some, Standing("gold", ends), start("2040-01-01"))
    assert (after.tier, after.since, points) == ("gold", ends, 500)


def test_a_daily_review_is_not_done_again_before_the_last_day_that_counts():
    some = counted(d2026_05_05=100)
    assert review_due(ROLLING, "UTC", some, start("2026-02-01")) == start("2026-05-05")
    assert review_due(ROLLING, "UTC", some, start("2026-06-01")) == start("2026-06-01")
    assert review_due(PERIODIC, "UTC", some, start("2026-02-01")) == start("2026-02-01")


# --- a member ----------------------------------------------------------------------------

T0 = start("2026-01-01")
DAY = 86_400


def programme(tiers, zone="UTC"):
    return Programme("test", "EUR", Earn(1, 100), time_zone=zone, tiers=tiers)


class Reigns:
    """Programmes from instants on."""

    def __init__(self, *reigns):
        self.reigns = reigns

    def at(self, instant):
        rules = [Rules(p, n) for n, (since, p) in enumerate(self.reigns, 1) if since <= instant]
        return rules[-1]

    def next_after(self, instant):
        return min((since for since, _ in self.reigns if since > instant), default=2**62)


class Shopper:
    """A member, and what the commands do to one."""

    def __init__(self, reigns, enrolled=T0):
        self.reigns = reigns
        self.member = evolve(None, e.MemberEnrolled(enrolled, "", b"", b""))
        self.changes = []

    def take(self, event):
        self.member = evolve(self.member, event)

    def review(self, now):
        found = passed(self.member, self.reigns, now)
        self.changes += found
        for event in found:
            self.take(event)
        return found

    def buy(self, now, points, at=None):
        at = now if at is None else at
        self.review(max(now, at))
        rules = Rules(*self.reigns.at(at))
        day = at // DAY
        change = tier_change(self.member, rules, day, at, points)
        award = e.Award(0, rules.number, (points,), 0, 2**31, points)
        self.take(e.ReceiptAttributed(b"", at, day, 0, award))
        if change:
            self.changes.append(change)
            self.take(change)

    def bring_back(self, now, points, day):
        self.review(now)
        self.take(e.GoodsReturned(b"", b"", now, (), (), (points,), (), 0, 0, day, 1))

    def grant(self, now, tier, until):
        self.take(e.TierGranted(now, tier, max(now, until), "why", "who", 1, "id"))

    def tier(self, at):
        stood = self.member
        for event in passed(stood, self.reigns, at):
            stood = evolve(stood, event)
        rules = self.reigns.at(at)
        return tier_at(stood, rules.programme, local_day(at, rules.programme.time_zone), at)


def shopper(tiers, **rest):
    return Shopper(Reigns((0, programme(tiers))), **rest)


MODELS = {
    "rolling": Tiers(LEVELS, 40, keep_days=10),
    "rolling, nothing kept": Tiers(LEVELS, 40),
    "rolling by steps": Tiers(LEVELS, 40, keep_days=5, downgrade="one_step"),
    "rolling by steps, nothing kept": Tiers(LEVELS, 40, downgrade="one_step"),
    "periodic": Tiers(LEVELS, 40, keep_days=6, review="periodic"),
    "periodic by steps": Tiers(LEVELS, 40, keep_days=9, review="periodic", downgrade="one_step"),
    "month": Tiers(LEVELS, window="month", grace_days=5),
    "month by steps": Tiers(LEVELS, window="month", downgrade="one_step"),
    "quarter": Tiers(LEVELS, window="quarter", grace_days=20, downgrade="one_step"),
    "year": Tiers(LEVELS, window="year", grace_days=31),
    "anniversary": Tiers(LEVELS, window="anniversary", grace_days=7),
}
each_model = pytest.mark.parametrize("tiers", MODELS.values(), ids=MODELS)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "late", "back", "grant", "review", "review"]),
        st.integers(0, 40 * DAY),
        st.integers(1, 600),
        st.integers(0, 35 * DAY),
    ),
    max_size=14,
)


def act(one, kind, now, points, span):
    if kind == "buy":
        one.buy(now, points)
    elif kind == "late":
        one.buy(now, points, at=now - span)
    elif kind == "back" and one.member.days:
        worth = dict(zip(one.member.days, one.member.qualifying, strict=True))
        day = one.member.days[points % len(worth)]
        one.bring_back(now, min(points, worth[day]), day)
    elif kind == "grant":
        one.grant(now, LEVELS[points % 3].name, now + span)
    elif kind == "review":
        one.review(now)


@each_model
@given(acts=ACTS, later=st.lists(st.integers(0, 400 * DAY), min_size=4, max_size=4))
@settings(max_examples=120, deadline=None)
def test_no_answer_depends_on_whether_a_review_was_recorded(tiers, acts, later):
    reigns = Reigns(
        (0, programme(tiers)),
        (T0 + 150 * DAY + 5_000, programme(ROLLING)),
        (T0 + 200 * DAY, programme(tiers)),
    )
    without, recorded = Shopper(reigns), Shopper(reigns)
    now = T0
    for kind, wait, points, span in acts:
        now += wait
        act(recorded, kind, now, points, span)
        if kind != "review":
            act(without, kind, now, points, span)
        for at in (now, *(now + more for more in later)):
            assert without.tier(at) == recorded.tier(at), (kind, now, at)
    without.review(now)
    recorded.review(now)
    assert without.member == recorded.member


@each_model
@given(acts=ACTS)
@settings(max_examples=60, deadline=None)
def test_a_review_recorded_twice_is_recorded_once(tiers, acts):
    one, now = shopper(tiers), T0
    for kind, wait, points, span in acts:
        now += wait
        act(one, kind, now, points, span)
        one.review(now)
        assert one.review(now) == []


@each_model
@given(
    spent=st.lists(st.tuples(st.integers(0, 30 * DAY), st.integers(0, 400)), max_size=10),
    more=st.integers(0, 9),
    extra=st.integers(0, 400),
    later=st.integers(0, 300 * DAY),
)
@settings(max_examples=80, deadline=None)
def test_more_spend_never_means_a_lower_tier(tiers, spent, more, extra, later):
    less, greater, now = shopper(tiers), shopper(tiers), T0
    ranks = [level.name for level in LEVELS]
    for index, (wait, points) in enumerate(spent):
        now += wait
        less.buy(now, points)
        greater.buy(now, points + extra * (index == more))
        for at in (now, now + later):
            assert ranks.index(less.tier(at)) <= ranks.index(greater.tier(at))


def test_a_tier_of_a_year_is_held_over_the_next_and_its_grace():
    one = shopper(YEAR)
    one.buy(start("2026-05-05"), 500)
    end = start("2028-02-01")
    assert (one.tier(end - 1), one.tier(end)) == ("gold", "basic")


def test_a_tier_is_confirmed_by_the_year_after():
    one = shopper(YEAR)
    one.buy(start("2026-05-05"), 500)
    one.buy(start("2027-12-31"), 500)
    end = start("2029-02-01")
    assert (one.tier(end - 1), one.tier(end)) == ("gold", "basic")
    (told,) = one.review(end - 1)
    assert told == e.TierChanged(start("2028-02-01"), "gold", end, 500, 1)


def test_a_tier_falls_step_by_step_from_year_to_year():
    one = shopper(YEAR_STEPS)
    one.buy(start("2026-05-05"), 500)
    ends = [start("2028-02-01"), start("2029-02-01")]
    assert [one.tier(at + d) for at in ends for d in (-1, 0)] == [
        "gold", "silver", "silver", "basic",
    ]  # fmt: skip
    assert [(c.captured_at, c.tier) for c in one.review(ends[1])] == [
        (ends[0], "silver"), (ends[1], "basic"),
    ]  # fmt: skip


def test_a_confirmation_before_a_fall_is_not_told():
    one = shopper(YEAR_STEPS)
    one.buy(start("2026-05-05"), 500)
    one.buy(start("2027-12-31"), 500)
    end = start("2029-02-01")  # confirmed a year before
    assert [(c.captured_at, c.tier) for c in one.review(end)] == [(end, "silver")]
    assert one.tier(end) == "silver"


def test_a_receipt_of_the_old_year_that_comes_in_the_new_one_still_counts_for_the_old():
    one = shopper(YEAR)
    one.buy(start("2026-12-30"), 300)
    one.buy(start("2026-12-31"), 100)
    one.buy(start("2027-01-05"), 100, at=start("2026-12-30"))
    assert one.member.tier == "gold"
    assert one.tier(start("2028-02-01") - 1) == "gold"


def test_a_late_receipt_earns_at_the_tier_before_the_review():
    one = shopper(YEAR)
    one.buy(start("2026-05-05"), 500)
    end = start("2028-02-01")
    one.review(end)
    reigning = programme(YEAR)
    assert tier_at(one.member, reigning, end // DAY - 1, end - 1) == "gold"
    assert tier_at(one.member, reigning, end // DAY, end) == "basic"


def test_a_late_receipt_never_takes_back_a_tier():
    one = shopper(YEAR)
    one.buy(start("2026-05-05"), 500)
    one.buy(start("2026-05-06"), 1, at=start("2026-05-04"))
    assert (one.member.tier, one.member.tier_since) == ("gold", start("2026-05-05"))


def test_a_late_receipt_raises_the_tier_from_what_was_recorded_last():
    one = shopper(ROLLING)
    one.buy(start("2026-05-05"), 100)
    one.buy(start("2026-05-06"), 400, at=start("2026-05-04"))
    assert (one.member.tier, one.member.tier_since) == ("gold", start("2026-05-05"))
    assert one.member.tier_until == start("2026-06-05")


def test_a_late_receipt_never_raises_the_tier_of_before_what_was_recorded():
    one = shopper(ROLLING)
    noon = start("2026-05-05") + DAY // 2
    one.buy(noon, 100)
    one.buy(noon + DAY, 400, at=start("2026-05-04"))
    assert (one.member.tier, one.member.tier_since) == ("gold", noon)


def fallen():
    """A member who was gold for a year, and fell at the end of it."""
    one = shopper(ROLLING)
    one.buy(start("2026-01-01"), 500)
    one.review(start("2027-01-02"))
    assert (one.member.tier, one.member.tier_since) == ("basic", start("2027-01-01"))
    return one


def test_a_late_receipt_brings_no_tier_back_whose_hold_would_be_over():
    one = fallen()
    one.buy(start("2027-01-02"), 99, at=start("2026-11-01"))
    assert (one.member.tier, one.member.tier_until) == ("basic", 0)
    assert one.tier(start("2027-01-02")) == "basic"


def test_the_tier_before_a_fall_is_remembered_beyond_a_raise_of_the_same_instant():
    one = fallen()
    one.buy(start("2027-01-02"), 100, at=start("2026-12-31"))
    assert (one.member.tier, one.member.tier_since) == ("gold", start("2027-01-01"))
    one = fallen()
    one.bring_back(start("2027-01-02"), 500, on("2026-01-01"))
    one.buy(start("2027-01-02"), 100, at=start("2026-12-31"))
    assert (one.member.tier, one.member.tier_since) == ("silver", start("2027-01-01"))
    day = on("2026-06-01")
    assert tier_at(one.member, programme(ROLLING), day, start("2026-06-01")) == "gold"


def test_a_confirmed_tier_stays_that_of_late_receipts_of_before():
    one = shopper(YEAR)
    one.buy(start("2026-05-05"), 500)
    one.buy(start("2027-12-31"), 500)
    one.review(start("2028-02-01"))
    day = on("2027-06-01")
    assert tier_at(one.member, programme(YEAR), day, start("2027-06-01")) == "gold"


def test_a_return_leaves_a_tier_until_its_review():
    one = shopper(YEAR)
    one.buy(start("2026-05-05"), 500)
    one.bring_back(start("2026-05-06"), 401, on("2026-05-05"))
    end = start("2028-02-01")
    assert (one.tier(end - 1), one.tier(end)) == ("gold", "basic")


def test_a_return_of_more_than_a_wait_is_judged_at_the_next_day():
    one = shopper(ROLLING)
    one.buy(start("2026-05-05"), 500)
    one.bring_back(start("2026-07-01"), 1, on("2026-05-05"))
    assert one.tier(start("2026-07-01")) == "silver"


# --- grants ------------------------------------------------------------------------------


def test_a_granted_tier_counts_until_its_end():
    one = shopper(ROLLING)
    one.grant(T0, "gold", T0 + 10 * DAY)
    assert [one.tier(T0 + s) for s in (0, 10 * DAY - 1, 10 * DAY)] == ["gold", "gold", "basic"]


def test_an_earned_tier_counts_where_it_is_higher_than_the_granted():
    one = shopper(ROLLING)
    one.grant(T0, "silver", T0 + 10 * DAY)
    one.buy(T0, 500)
    assert one.tier(T0) == "gold"
    assert one.member.tier == "gold"


def test_what_is_granted_is_not_earned():
    one = shopper(ROLLING)
    one.grant(T0, "gold", T0 + 10 * DAY)
    one.buy(T0, 100)
    assert (one.tier(T0), one.member.tier) == ("gold", "silver")
    assert one.tier(T0 + 10 * DAY) == "silver"


def test_a_grant_that_is_ended_still_counts_for_receipts_of_its_time():
    one = shopper(ROLLING)
    one.grant(T0, "gold", T0 + 10 * DAY)
    one.grant(T0 + 5 * DAY, "gold", 0)
    at = [T0, T0 + 5 * DAY - 1, T0 + 5 * DAY]
    assert [one.tier(t) for t in at] == ["gold", "gold", "basic"]


def test_a_grant_that_is_given_again_leaves_a_gap():
    one = shopper(ROLLING)
    one.grant(T0, "silver", T0 + DAY)
    one.grant(T0 + 5 * DAY, "silver", T0 + 10 * DAY)
    day = T0 // DAY + 3
    assert tier_at(one.member, programme(ROLLING), day, T0 + 3 * DAY) == "basic"
    assert one.tier(T0 + 5 * DAY) == "silver"


def test_a_later_grant_takes_the_place_of_an_earlier():
    one = shopper(ROLLING)
    one.grant(T0, "gold", T0 + 10 * DAY)
    one.grant(T0 + DAY, "silver", T0 + 10 * DAY)
    assert [one.tier(T0 + s) for s in (DAY, 10 * DAY - 1, 10 * DAY)] == [
        "silver", "silver", "basic",
    ]  # fmt: skip


# --- programmes that follow each other -----------------------------------------------------

OTHERS = Tiers((Level("member", 0), Level("vip", 1000)), window="year")


def test_a_tier_that_the_new_programme_does_not_have_counts_as_its_first():
    change = start("2026-06-01")
    one = Shopper(Reigns((0, programme(YEAR)), (change, programme(OTHERS))))
    one.buy(start("2026-05-05"), 500)
    assert (one.tier(change - 1), one.tier(change)) == ("gold", "member")
    one.buy(change, 500)
    assert one.tier(change) == one.member.tier == "vip"


def test_a_receipt_of_the_old_programme_leaves_a_tier_of_the_new():
    change = start("2026-06-01")
    one = Shopper(Reigns((0, programme(YEAR)), (change, programme(OTHERS))))
    one.buy(change, 1000)
    one.buy(change + DAY, 500, at=change - DAY)
    assert one.member.tier == "vip"


def test_a_tier_of_the_same_name_is_held_to_the_next_review_of_the_new_programme():
    change = start("2026-05-20")
    one = Shopper(Reigns((0, programme(ROLLING)), (change, programme(YEAR))))
    one.buy(start("2026-05-05"), 500)
    assert one.member.tier_until == start("2026-06-05")
    end = start("2027-02-01")
    assert (one.tier(end - 1), one.tier(end)) == ("gold", "gold")
    assert (one.tier(start("2028-02-01") - 1), one.tier(start("2028-02-01"))) == ("gold", "basic")


def test_no_review_happens_while_a_programme_has_no_tiers():
    away, back = start("2027-02-01"), start("2028-01-01")
    one = Shopper(Reigns((0, programme(ROLLING)), (away, programme(None)), (back, programme(YEAR))))
    one.buy(start("2027-01-20"), 500)
    assert [one.tier(at) for at in (away - 1, away, back, start("2028-02-01"))] == [
        "gold", "", "gold", "gold",
    ]  # fmt: skip


def test_higher_thresholds_hold_from_the_next_review_on():
    raised = Tiers((Level("basic", 0), Level("gold", 501)), window="year", grace_days=31)
    change = start("2027-06-01")
    one = Shopper(Reigns((0, programme(YEAR)), (change, programme(raised))))
    one.buy(start("2026-05-05"), 500)
    one.buy(start("2027-05-05"), 500)
    end = start("2028-02-01")
    assert (one.tier(end - 1), one.tier(end)) == ("gold", "basic")


def test_a_periodic_review_goes_by_the_programme_of_its_own_day():
    raised = Tiers((Level("basic", 0), Level("gold", 501)), 365, keep_days=30, review="periodic")
    change = start("2026-02-10")
    one = Shopper(Reigns((0, programme(PERIODIC)), (change, programme(raised))))
    one.buy(T0, 500)
    end = start("2026-03-04")  # confirmed on 1 February, 31 days before
    assert (one.tier(change), one.tier(end - 1), one.tier(end)) == ("gold", "gold", "basic")


# --- what counts, and what the next tier needs ------------------------------------------------


def test_points_or_spend_count():
    by_spend = Tiers(LEVELS, 365, measure="spend")
    assert counts(programme(ROLLING), 7, [200, 150]) == 7
    assert counts(programme(None), 7, [200, 150]) == 7
    assert counts(programme(by_spend), 7, [200, 150]) == 350


def test_the_next_tier_needs_what_the_window_lacks():
    one = shopper(YEAR)
    day = on("2026-05-05")
    assert next_tier(one.member, programme(YEAR), day, T0) == (
        "basic", "silver", 100, "points", start("2027-01-01"),
    )  # fmt: skip
    one.buy(start("2026-05-05"), 99)
    assert next_tier(one.member, programme(YEAR), day, T0)[:3] == ("basic", "silver", 1)
    one.buy(start("2026-05-05"), 1)
    assert next_tier(one.member, programme(YEAR), day, start("2026-05-05"))[:3] == (
        "silver", "gold", 400,
    )  # fmt: skip
    one.buy(start("2026-05-05"), 400)
    assert next_tier(one.member, programme(YEAR), day, start("2026-05-05")) == (
        "gold", "", 0, "points", None,
    )  # fmt: skip
    assert next_tier(one.member, programme(None), day, T0) is None


def test_a_rolling_window_says_when_it_begins_to_lose():
    one = shopper(ROLLING)
    day = on("2026-05-05")
    assert next_tier(one.member, programme(ROLLING), day, T0).by is None
    one.buy(start("2026-05-05"), 10)
    one.buy(start("2026-05-06"), 10)
    assert next_tier(one.member, programme(ROLLING), day, T0)[2:] == (
        90, "points", start("2027-05-05"),
    )  # fmt: skip
    later = on("2027-05-05")
    assert next_tier(one.member, programme(ROLLING), later, T0).by == start("2027-05-06")
    assert next_tier(one.member, programme(ROLLING), later + 1, T0).by is None


# --- the file --------------------------------------------------------------------------------

FILE = """
name = "test"
currency = "EUR"
[earn]
points = 1
per_minor = 100
[tiers]
{keys}
[[tiers.level]]
name = "basic"
from_points = 0
"""
WRONG = {
    "rolling without its days": ("keep_days = 3", "window_days"),
    "rolling with grace": ("window_days = 30\ngrace_days = 1", "grace_days"),
    "a year with days": ('window = "year"\nwindow_days = 30', "window_days"),
    "a year that keeps": ('window = "year"\nkeep_days = 30', "keep_days"),
    "a year with other reviews": ('window = "year"\nreview = "periodic"', "review"),
    "as much grace as a month": ('window = "month"\ngrace_days = 28', "grace_days"),
    "as much grace as a quarter": ('window = "quarter"\ngrace_days = 90', "grace_days"),
    "as much grace as a year": ('window = "anniversary"\ngrace_days = 365', "grace_days"),
    "another measure": ('window_days = 30\nmeasure = "visits"', "measure"),
    "another window": ('window = "week"', "window"),
}


@pytest.mark.parametrize(("keys", "field"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_names_the_key(keys, field):
    with pytest.raises(Exception, match="programme file is wrong") as refusal:
        load(FILE.format(keys=keys))
    assert refusal.value.field == f"tiers.{field}"


@pytest.mark.parametrize("keys", ['window = "month"\ngrace_days = 27', "window_days = 1"])
def test_the_most_a_file_may_say_is_taken(keys):
    assert load(FILE.format(keys=keys)).tiers


def test_the_next_programme_is_the_earliest_to_come():
    known = Programmes((Version(1, 0, ""), Version(2, 300, ""), Version(3, 200, "")))
    assert [known.next_after(t) for t in (0, 199, 200, 299)] == [200, 200, 300, 300]
    assert known.next_after(300) > 10**12
