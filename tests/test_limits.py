"""The fraud limits and the limits of roles as pure functions: at, below and above each."""

import pytest

from ledger.aggregates.member.reviews import ReviewPart, reverse_review
from ledger.aggregates.member.seen import (
    KEPT_DAYS,
    MOST_COUNTS,
    MOST_VISITS,
    DayCount,
    Visit,
    counted,
    visited,
)
from ledger.errors import RoleLimit, RoleUnknown, SecondPersonNeeded
from ledger.events import DECISION_APPROVED, DECISION_DENIED, DECISION_NONE, Award
from ledger.policies.authority import Signature, authorise
from ledger.policies.limits import Breach, Facts, breaches, late_days, stores_within
from ledger.programme import Fraud, FraudLimit, OwnCard, Role, Staff, Velocity

DAY = 86_400
NONE = Facts(receipts=0, points=0, late_days=0, stores=0, own_card=False)
COUNTED = [
    ("receipts_per_card_day", "receipts"), ("points_per_day", "points"),
    ("late_days", "late_days"), ("stores", "stores"),
]  # fmt: skip


def limited(name, limit, action="flag"):
    made = Velocity(limit, 10, action) if name == "stores" else FraudLimit(limit, action)
    return Fraud(**{name: made})


@pytest.mark.parametrize(("name", "fact"), COUNTED)
@pytest.mark.parametrize("value", [6, 7])
def test_a_value_up_to_the_limit_is_no_breach(name, fact, value):
    assert breaches(limited(name, 7), NONE._replace(**{fact: value})) == ()


@pytest.mark.parametrize(("name", "fact"), COUNTED)
@pytest.mark.parametrize("action", ["flag", "review"])
def test_a_value_above_the_limit_is_a_breach_that_says_the_value(name, fact, action):
    found = breaches(limited(name, 7, action), NONE._replace(**{fact: 8}))
    assert found == (Breach(name, 8, action == "review"),)


@pytest.mark.parametrize("action", ["flag", "review"])
def test_the_cashiers_own_card_is_a_breach_only_where_it_is_looked_at(action):
    own = NONE._replace(own_card=True)
    assert breaches(Fraud(own_card=OwnCard(action)), own) == (
        Breach("own_card", 1, action == "review"),
    )
    assert breaches(Fraud(own_card=OwnCard(action)), NONE) == ()
    assert breaches(Fraud(late_days=FraudLimit(1)), own) == ()


def test_every_limit_that_is_passed_is_named_in_order_each_with_its_own_action():
    fraud = Fraud(
        FraudLimit(1, "review"), FraudLimit(2), FraudLimit(3, "review"), Velocity(4, 5),
        OwnCard("review"),
    )  # fmt: skip
    assert breaches(fraud, Facts(2, 3, 4, 5, own_card=True)) == (
        Breach("receipts_per_card_day", 2, True), Breach("points_per_day", 3, False),
        Breach("late_days", 4, True), Breach("stores", 5, False), Breach("own_card", 1, True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(-1, 0), (0, 0), (1, 1), (DAY - 1, 1), (DAY, 1), (DAY + 1, 2), (7 * DAY, 7), (7 * DAY + 1, 8)],
)
def test_a_begun_day_is_a_whole_day_late(seconds, days):
    assert late_days(1000, 1000 + seconds) == days


@pytest.mark.parametrize(
    ("others", "stores"),
    [
        ([], 1),
        ([(1000, "a")], 1),  # the same store
        ([(1000 - 600, "b")], 2),  # ten minutes before: both ends belong
        ([(1000 - 601, "b")], 1),
        ([(1000 + 600, "b")], 2),  # it came in late
        ([(1000 + 601, "b")], 1),
        ([(1000 - 400, "b"), (1000 + 200, "c")], 3),  # 600 seconds from b to c
        ([(1000 - 400, "b"), (1000 + 201, "c")], 2),  # 601: no stretch holds both
        ([(1000 - 400, "b"), (1000 - 300, "b")], 2),
        ([(1000, "b"), (1000, "c")], 3),
        ([(1000 - 500, "b"), (1000 - 500, "c"), (1000 + 400, "d")], 3),  # the better of two
    ],
)
def test_stores_are_counted_in_the_best_stretch_that_holds_the_visit(others, stores):
    assert stores_within(others, 1000, "a", 10) == stores


def test_receipts_are_counted_by_day_and_card_with_their_points():
    counts = ()
    for day, card, points in [(10, 0, 5), (10, 1, 7), (9, 0, 1), (10, 0, 6)]:
        counts = counted(counts, day, card, points)
    assert counts == (DayCount(9, 0, 1, 1), DayCount(10, 0, 2, 11), DayCount(10, 1, 1, 7))


def test_days_are_let_go_when_nothing_can_be_claimed_for_them():
    counts = counted(counted((), 100, 0, 5), 99 + KEPT_DAYS, 0, 6)
    assert [c.day for c in counts] == [100, 99 + KEPT_DAYS]
    assert [c.day for c in counted(counts, 100 + KEPT_DAYS, 0, 7)] == [
        99 + KEPT_DAYS, 100 + KEPT_DAYS,
    ]  # fmt: skip
    assert counted(counts, 98, 0, 1) == counts  # older than what is kept


def test_counts_and_visits_stay_bounded_however_many_receipts():
    counts, visits = (), ()
    for number in range(1000):
        counts = counted(counts, 5, number, 1)
        visits = visited(visits, 1000 + number, f"s{number}")
    assert (len(counts), counts[-1].card) == (MOST_COUNTS, 999)
    assert (len(visits), visits[-1].store) == (MOST_VISITS, "s999")


def test_visits_a_day_before_the_newest_are_let_go():
    visits = visited(visited((), 0, "a"), DAY, "b")
    assert visits == (Visit(0, "a"), Visit(DAY, "b"))
    assert visited(visits, DAY + 1, "c") == (Visit(DAY, "b"), Visit(DAY + 1, "c"))
    assert visited(visits, -1, "c") == visits  # it came in late, a day and a second before
    assert visited(visits, 2 * DAY, "") == visits


AWARD = Award(0, 1, (30, 10), 0, 99, 0, review=40)


@pytest.mark.parametrize(
    ("award", "decision", "reduced", "parts"),
    [
        (AWARD, DECISION_NONE, 0, (15, 0, 0)),
        (AWARD, DECISION_NONE, 25, (15, 0, 0)),
        (AWARD, DECISION_NONE, 26, (14, 0, 1)),
        (AWARD, DECISION_APPROVED, 5, (0, 0, 15)),
        (AWARD, DECISION_DENIED, 5, (0, 15, 0)),
        (Award(0, 1, (40,), 0, 99, 40), DECISION_NONE, 0, (0, 0, 15)),
        (Award(0, 1, (40,), 0, 99, 40), DECISION_APPROVED, 0, (0, 0, 15)),
    ],
)
def test_points_of_returned_goods_come_from_where_they_are(award, decision, reduced, parts):
    assert reverse_review(award, decision, reduced, 15) == ReviewPart(*parts)


# --- roles -----------------------------------------------------------------------------

STAFF = Staff((Role("clerk", 100, 50, 40), Role("boss", 1000, 500), Role("guest")))


def may(points, role="boss", act="adjust", author="Ann", by="", by_role=""):
    authorise(STAFF, act, points, Signature(author, role, by, by_role))


@pytest.mark.parametrize("points", [999, 1000, -999, -1000])
def test_a_role_may_give_and_take_up_to_its_limit(points):
    may(points)


@pytest.mark.parametrize("points", [1001, -1001])
def test_above_its_limit_a_role_may_not_and_is_told_the_limit(points):
    with pytest.raises(RoleLimit) as refusal:
        may(points)
    assert "1001 asked, 1000 allowed for `boss`." in str(refusal.value)
    assert refusal.value.field == "role"


def test_compensation_has_a_limit_of_its_own():
    may(500, act="compensate")
    with pytest.raises(RoleLimit, match="501 asked, 500 allowed"):
        may(501, act="compensate")


def test_a_role_without_limits_may_give_nothing():
    with pytest.raises(RoleLimit, match="1 asked, 0 allowed"):
        may(1, "guest")


@pytest.mark.parametrize("role", ["", "king", "Boss"])
def test_a_role_has_to_be_one_of_the_programme(role):
    with pytest.raises(RoleUnknown, match="there are clerk, boss, guest") as refusal:
        may(1, role)
    assert refusal.value.field == "role"


@pytest.mark.parametrize("points", [39, 40, -40])
def test_up_to_the_threshold_one_person_is_enough(points):
    may(points, "clerk")


@pytest.mark.parametrize("points", [41, -41])
def test_above_the_threshold_a_second_person_is_needed(points):
    with pytest.raises(SecondPersonNeeded, match="41 asked, 40 allowed alone") as refusal:
        may(points, "clerk")
    assert refusal.value.field == "approved_by"
    may(points, "clerk", by="Bob", by_role="boss")


@pytest.mark.parametrize("by", ["Ann", " ann ", "ANN", "\uff21nn", " "])  # a wide letter A
def test_the_second_person_is_never_the_author(by):
    with pytest.raises(SecondPersonNeeded, match="somebody else"):
        may(41, "clerk", by=by, by_role="boss")


def test_blanks_inside_a_name_are_one():
    with pytest.raises(SecondPersonNeeded):
        may(41, "clerk", author="Ann  Lee", by="ann lee", by_role="boss")
    may(41, "clerk", author="Ann Lee", by="annlee", by_role="boss")


def test_the_second_person_needs_a_role_with_a_sufficient_limit():
    may(100, "clerk", by="Bob", by_role="clerk")
    with pytest.raises(RoleUnknown) as refusal:
        may(41, "clerk", by="Bob")
    assert refusal.value.field == "approver_role"
    with pytest.raises(RoleLimit, match="200 asked, 100 allowed for `clerk`") as limit:
        may(200, "boss", by="Bob", by_role="clerk")
    assert limit.value.field == "approver_role"


def test_the_authors_own_limit_holds_even_with_a_second_person():
    with pytest.raises(RoleLimit, match="101 asked, 100 allowed for `clerk`"):
        may(101, "clerk", by="Bob", by_role="boss")


def test_a_second_persons_role_alone_is_no_person():
    with pytest.raises(SecondPersonNeeded, match="somebody else"):
        may(10, "clerk", by_role="boss")


def test_without_roles_or_without_points_anybody_may():
    authorise(Staff(), "adjust", 10**9, Signature("Ann"))
    may(0, "")
