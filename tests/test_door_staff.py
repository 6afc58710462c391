"""Adjustments and compensation within the limits of roles, through the door."""

import pytest
from shop import conserved, key, points_of, receipt

from ledger.errors import (
    CompensationTooLarge,
    InputInvalid,
    KeyConflict,
    ProgrammeInvalid,
    RoleLimit,
    RoleUnknown,
    SecondPersonNeeded,
)
from ledger.programme import load
from tests.conftest import PROGRAMME

ROLES = """
[[staff.role]]
name = "clerk"
adjust_points = 100
compensate_points = 50
second_person_from = 40
[[staff.role]]
name = "boss"
adjust_points = 1000
compensate_points = 1000
"""
CLERK = {"role": "clerk"}
SIGNED = {"role": "clerk", "approved_by": "Bob", "approver_role": "boss"}


@pytest.fixture
def staffed(ledger_under):
    ledger = ledger_under(ROLES)
    ledger.enrol("c1")
    return ledger


@pytest.fixture
def complained(staffed):
    made = receipt(card="c1")
    staffed.record(made)
    staffed.open_complaint("c1", key(made), 1, "sour", "Ann", "k1")
    return staffed, staffed.complaint_id("k1")


def test_within_the_role_points_are_given_and_the_event_says_the_role(staffed):
    event = staffed.event(staffed.adjust("c1", 40, "sorry", "Ann", "a1", **CLERK))
    assert (event.points, event.author, event.role) == (40, "Ann", "clerk")
    assert (event.approved_by, event.approver_role) == ("", "")
    conserved(staffed, "c1")


def test_a_second_person_is_recorded(staffed):
    event = staffed.event(staffed.adjust("c1", 100, "sorry", "Ann", "a1", **SIGNED))
    assert (event.role, event.approved_by, event.approver_role) == ("clerk", "Bob", "boss")
    assert points_of(staffed, "c1") == 100


@pytest.mark.parametrize(
    ("points", "by", "refusal"),
    [
        (1, {}, RoleUnknown),
        (1, {"role": "king"}, RoleUnknown),
        (101, SIGNED, RoleLimit),
        (-101, SIGNED, RoleLimit),
        (41, CLERK, SecondPersonNeeded),
        (41, {**SIGNED, "approved_by": "ANN "}, SecondPersonNeeded),
        (41, {**SIGNED, "approver_role": ""}, RoleUnknown),
    ],
)
def test_a_refused_adjustment_records_nothing(staffed, points, by, refusal):
    head = staffed.log.head()
    with pytest.raises(refusal):
        staffed.adjust("c1", points, "sorry", "Ann", "a1", **by)
    assert staffed.log.head() == head
    staffed.adjust("c1", 5, "sorry", "Ann", "a1", **CLERK)  # the id is not used up


def test_the_same_signed_adjustment_again_is_a_repeat(staffed):
    first = staffed.adjust("c1", 100, "sorry", "Ann", "a1", **SIGNED)
    again = staffed.adjust("c1", 100, "sorry", "Ann", "a1", **SIGNED)
    assert again == first._replace(repeat=True)
    assert points_of(staffed, "c1") == 100


@pytest.mark.parametrize("changed", ["role", "approved_by", "approver_role"])
def test_the_same_id_with_another_signature_is_a_conflict(staffed, changed):
    staffed.adjust("c1", 30, "sorry", "Ann", "a1", **SIGNED)
    with pytest.raises(KeyConflict):
        staffed.adjust("c1", 30, "sorry", "Ann", "a1", **{**SIGNED, changed: "other"})


def test_a_repeat_is_answered_though_the_programme_has_roles_by_now(ledger, clock):
    ledger.enrol("c1")
    first = ledger.adjust("c1", 30, "sorry", "Ann", "a1")
    ledger.publish(PROGRAMME + ROLES, clock.now + 1)
    clock.now += 1
    assert ledger.adjust("c1", 30, "sorry", "Ann", "a1") == first._replace(repeat=True)
    with pytest.raises(RoleUnknown):
        ledger.adjust("c1", 30, "sorry", "Ann", "a2")


@pytest.mark.parametrize("field", ["role", "approved_by", "approver_role"])
def test_a_signature_with_a_nul_is_refused(staffed, field):
    with pytest.raises(InputInvalid) as refusal:
        staffed.adjust("c1", 30, "sorry", "Ann", "a1", **{**SIGNED, field: "a\0"})
    assert refusal.value.field == field


def test_compensation_within_the_role_is_given_and_signed(complained):
    ledger, complaint = complained
    done = ledger.resolve_complaint("c1", complaint, "sorry", 50, "Ann", "k2", **SIGNED)
    event = ledger.event(done)
    assert (event.points, event.role, event.approved_by, event.approver_role) == (
        50, "clerk", "Bob", "boss",
    )  # fmt: skip
    assert points_of(ledger, "c1") == 60
    conserved(ledger, "c1")


@pytest.mark.parametrize(
    ("points", "by", "refusal"),
    [
        (1, {}, RoleUnknown),
        (41, CLERK, SecondPersonNeeded),
        (51, SIGNED, RoleLimit),
        (501, {"role": "boss"}, CompensationTooLarge),  # the limit of all complaints holds too
    ],
)
def test_a_refused_compensation_leaves_the_complaint_open(complained, points, by, refusal):
    ledger, complaint = complained
    with pytest.raises(refusal):
        ledger.resolve_complaint("c1", complaint, "sorry", points, "Ann", "k2", **by)
    ledger.resolve_complaint("c1", complaint, "sorry", 40, "Ann", "k2", **CLERK)
    assert points_of(ledger, "c1") == 50


def test_a_complaint_is_closed_without_points_by_anybody(complained):
    ledger, complaint = complained
    ledger.resolve_complaint("c1", complaint, "explained", 0, "Ann", "k2")
    assert points_of(ledger, "c1") == 10


def test_without_roles_in_the_programme_a_signature_is_only_recorded(ledger):
    ledger.enrol("c1")
    event = ledger.event(ledger.adjust("c1", 10**6, "sorry", "Ann", "a1", role="any"))
    assert (event.points, event.role) == (10**6, "any")


# --- what the programme may not say ----------------------------------------------------


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        (ROLES + ROLES, "staff.role[2].name", "`clerk` stands twice"),
        ('[[staff.role]]\nname = "a"\nadjust_points = 9\ncompensate_points = 5\n'
         "second_person_from = 9", "staff.role[0].second_person_from", "never passed"),
        ("[fraud.late_days]\nlimit = 30", "fraud.late_days.limit", "below late_scan_days (30)"),
        ("[fraud.stores]\nlimit = 41\nminutes = 5", "fraud.stores.limit", "<= 40"),
        ("[fraud.stores]\nlimit = 2\nminutes = 1441", "fraud.stores.minutes", "<= 1440"),
        ("[fraud.stores]\nlimit = 2", "fraud.stores.minutes", "missing"),
        ("[fraud.points_per_day]\nlimit = 0", "fraud.points_per_day.limit", ">= 1"),
        ('[fraud.own_card]\naction = "shout"', "fraud.own_card.action", "shout"),
    ],
)  # fmt: skip
def test_a_contradiction_is_named_by_its_key(more, key, said):
    with pytest.raises(ProgrammeInvalid) as refusal:
        load(PROGRAMME + more)
    assert refusal.value.field == key
    assert said in str(refusal.value)


@pytest.mark.parametrize("limit", ["receipts_per_card_day", "points_per_day"])
def test_a_late_limit_beyond_the_days_that_stay_counted_is_a_contradiction(limit):
    more = f"[fraud.{limit}]\nlimit = 3\n"
    load("late_scan_days = 62\n" + PROGRAMME + more)
    load("late_scan_days = 63\n" + PROGRAMME)
    with pytest.raises(ProgrammeInvalid) as refusal:
        load("late_scan_days = 63\n" + PROGRAMME + more)
    assert refusal.value.field == "late_scan_days"


@pytest.mark.parametrize(
    "more",
    [
        "[fraud.late_days]\nlimit = 29",
        '[[staff.role]]\nname = "a"\nadjust_points = 9\nsecond_person_from = 8',
        '[[staff.role]]\nname = "a"\ncompensate_points = 9\nsecond_person_from = 8',
        '[[staff.role]]\nname = "a"',
    ],
)
def test_what_is_just_within_is_no_contradiction(more):
    load(PROGRAMME + more)
