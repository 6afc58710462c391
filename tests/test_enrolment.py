"""Becoming a member: at the till by a card number, completed later, by one identity once."""

import datetime as dt
import json
import subprocess
import sys

import pytest

from ledger.application import LoyaltyLedger
from ledger.errors import (
    CardTaken,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberClosed,
    MemberUnknown,
    PersonalDataUnavailable,
)
from ledger.projections.membership import DIM_STANDING
from ledger.types import Personal
from tests.shop import DAY, NOW, back, conserved, line, points_of, receipt
from tests.test_concurrency import ROOT, at_once

ADA = Personal(name="Ada", email="ada@example.org", phone="1", birthday=dt.date(1990, 1, 1))
EVE = Personal(name="Eve")
AT_TILL = "[enrolment]\nfrom_minor = 2000\n"


def topics(ledger):
    return [row[3] for row in ledger.log.page(0, 1000)]


# --- at the till -------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "member"), [(1999, False), (2000, True), (2001, True)])
def test_a_first_purchase_from_an_amount_on_makes_a_member(ledger_under, amount, member):
    ledger = ledger_under(AT_TILL)
    ledger.record(receipt(card="c1", amount=amount))
    if member:
        assert points_of(ledger, "c1") == amount // 100
    else:
        with pytest.raises(MemberUnknown):
            ledger.member_of("c1")


def test_without_the_key_nobody_is_enrolled_by_a_purchase(ledger):
    ledger.record(receipt(card="c1", amount=1_000_000))
    with pytest.raises(MemberUnknown):
        ledger.member_of("c1")


def test_the_member_and_the_receipt_are_one_transaction(ledger_under):
    ledger = ledger_under(AT_TILL)
    first = ledger.record(receipt(card="c1", amount=2000))
    assert topics(ledger)[1:] == ["enrolled", "card-linked", "card-owned", "scan", "tier"]
    assert first.stream == ledger.member_of("c1")


def test_a_receipt_that_enrolled_is_a_repeat_when_sent_again(ledger_under):
    ledger = ledger_under(AT_TILL)
    bought = receipt(card="c1", amount=2000)
    first = ledger.record(bought)
    assert ledger.record(bought) == first._replace(repeat=True)
    assert topics(ledger).count("enrolled") == 1


def test_smaller_receipts_before_follow_the_new_member(ledger_under):
    ledger = ledger_under(AT_TILL)
    ledger.record(receipt(card="c1", amount=500))
    ledger.record(receipt(card="c1", amount=2000))
    assert points_of(ledger, "c1") == 25
    conserved(ledger, "c1")


def test_voided_lines_and_goods_brought_back_do_not_count_to_the_amount(ledger_under):
    ledger = ledger_under(AT_TILL)
    earlier = receipt(amount=100)
    ledger.record(earlier)
    ledger.record(receipt(line(1999), line(500, voided=True), back(earlier), card="c1"))
    with pytest.raises(MemberUnknown):
        ledger.member_of("c1")
    ledger.record(receipt(line(2000), card="c2"))
    assert points_of(ledger, "c2") == 20


@pytest.mark.parametrize(("days", "member"), [(30, True), (31, False)])
def test_a_receipt_past_the_late_limit_enrols_nobody(ledger_under, clock, days, member):
    ledger = ledger_under(AT_TILL)
    clock.now = NOW + days * DAY
    ledger.record(receipt(card="c1", amount=2000, at=NOW))
    assert ("enrolled" in topics(ledger)) is member


def test_a_receipt_without_a_card_enrols_nobody(ledger_under):
    ledger = ledger_under(AT_TILL)
    ledger.record(receipt(amount=2000))
    assert "enrolled" not in topics(ledger)


def test_one_first_purchase_from_many_tills_makes_one_member(ledger_under):
    ledger = ledger_under(AT_TILL)
    answers = at_once(16, lambda n: ledger.record(receipt(card="c1", amount=2000, lane=str(n))))
    assert len({a.stream for a in answers}) == 1
    assert topics(ledger).count("enrolled") == 1
    assert ledger.member("c1").row.receipts == 16
    conserved(ledger, "c1")


# --- completed later -----------------------------------------------------------------------


@pytest.fixture
def shopper(ledger):
    """c1 was enrolled by a purchase: nothing personal is known."""
    ledger.record(receipt(card="c1"), enrol=True)
    return ledger


def test_a_member_enrolled_by_a_purchase_is_completed(shopper):
    outcome = shopper.complete("c1", ADA)
    assert not outcome.repeat
    personal = shopper.member("c1").personal
    assert (personal.card, personal.name, personal.birthday) == ("c1", "Ada", ADA.birthday)
    with shopper.reading() as reader:
        assert reader._rows("SELECT completed_at FROM {t}", DIM_STANDING)[0][0] == NOW


def test_completing_twice_is_once(shopper):
    first = shopper.complete("c1", ADA)
    shopper.adjust("c1", 1, "a", "b", "s1")
    assert shopper.complete("c1", ADA) == first._replace(repeat=True)
    assert topics(shopper).count("completed") == 1


def test_completing_by_another_card_of_the_member_is_the_same(shopper):
    first = shopper.complete("c1", ADA)
    shopper.link_card("c1", "c2")
    assert shopper.complete("c2", ADA) == first._replace(repeat=True)


def test_other_data_for_a_complete_member_are_a_conflict(shopper):
    shopper.complete("c1", ADA)
    with pytest.raises(KeyConflict):
        shopper.complete("c1", EVE)


def test_who_enrolled_with_data_is_complete(ledger):
    first = ledger.enrol("c1", ADA)
    assert ledger.complete("c1", ADA) == first._replace(repeat=True)
    with pytest.raises(KeyConflict):
        ledger.complete("c1", EVE)


def test_enrolling_with_data_completes_who_was_enrolled_by_a_purchase(shopper):
    outcome = shopper.enrol("c1", ADA)
    assert not outcome.repeat
    assert shopper.member("c1").personal.name == "Ada"
    assert shopper.enrol("c1", ADA).repeat
    assert shopper.complete("c1", ADA) == outcome._replace(repeat=True)
    with pytest.raises(KeyConflict):
        shopper.enrol("c1", EVE)


def test_there_is_nothing_to_complete_with(shopper):
    with pytest.raises(InputInvalid):
        shopper.complete("c1", Personal())


def test_a_card_that_nobody_holds_is_not_completed(ledger):
    with pytest.raises(CardUnknown):
        ledger.complete("c1", ADA)


def test_without_the_extra_nobody_is_completed(shopper):
    shopper.vault._cipher = None
    with pytest.raises(PersonalDataUnavailable):
        shopper.complete("c1", ADA)


def test_who_was_enrolled_without_the_extra_is_completed_with_it(ledger):
    cipher = ledger.vault._cipher
    ledger.vault._cipher = None
    ledger.record(receipt(card="c1"), enrol=True)
    ledger.vault._cipher = cipher
    ledger.complete("c1", ADA)
    assert ledger.member("c1").personal.name == "Ada"


def test_of_different_completions_at_once_one_holds(shopper):
    answers = at_once(8, lambda n: shopper.complete("c1", Personal(name=f"n{n}")))
    done = [a for a in answers if not isinstance(a, Exception)]
    assert len(done) == 1
    assert [type(a) for a in answers if isinstance(a, Exception)] == [KeyConflict] * 7


# --- put right -------------------------------------------------------------------------------


def test_personal_data_are_put_right(ledger):
    ledger.enrol("c1", ADA)
    ledger.change_personal("c1", EVE, "Bob", "p1")
    personal = ledger.member("c1").personal
    assert (personal.card, personal.name, personal.email) == ("c1", "Eve", "")
    assert b"Eve" not in b"".join(event.state for event in ledger.log.read(0, 100))


def test_putting_right_twice_is_once(ledger):
    ledger.enrol("c1", ADA)
    first = ledger.change_personal("c1", EVE, "Bob", "p1")
    assert ledger.change_personal("c1", EVE, "Bob", "p1") == first._replace(repeat=True)


@pytest.mark.parametrize(("personal", "author"), [(ADA, "Bob"), (EVE, "Eve")])
def test_one_command_id_for_other_data_is_a_conflict(ledger, personal, author):
    ledger.enrol("c1", ADA)
    ledger.change_personal("c1", EVE, "Bob", "p1")
    with pytest.raises(KeyConflict):
        ledger.change_personal("c1", personal, author, "p1")


def test_putting_right_says_who(ledger):
    ledger.enrol("c1", ADA)
    with pytest.raises(InputInvalid):
        ledger.change_personal("c1", EVE, "", "p1")


# --- kinds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["person", "household", "organisation"])
def test_a_member_is_of_a_kind(ledger, kind):
    ledger.enrol("c1", kind=kind)
    assert ledger.member("c1").kind == kind
    assert ledger.enrol("c1", kind=kind).repeat


def test_another_kind_is_a_conflict_and_an_unknown_one_is_refused(ledger):
    ledger.enrol("c1")
    with pytest.raises(KeyConflict) as refused:
        ledger.enrol("c1", kind="household")
    assert refused.value.field == "kind"
    with pytest.raises(InputInvalid):
        ledger.enrol("c2", kind="tribe")


# --- identities --------------------------------------------------------------------------------


def test_two_channels_with_one_identity_make_one_member(ledger):
    web = ledger.enrol("w1", ADA, identity="Ada@Example.org")
    till = ledger.enrol("t1", identity=" ada@example.org ")
    assert (till.stream, till.repeat) == (web.stream, False)
    ledger.record(receipt(card="t1"))
    assert points_of(ledger, "w1") == 10
    assert topics(ledger).count("enrolled") == 1


def test_enrolling_a_second_card_by_identity_twice_is_once(ledger):
    ledger.enrol("w1", identity="+49 30 1234567")
    ledger.enrol("t1", identity="+49301234567")
    assert ledger.enrol("t1", identity="0049 30 1234567").repeat
    assert ledger.enrol("w1", identity="+49301234567").repeat
    assert ledger.member("w1").cards == 2


def test_receipts_that_waited_for_the_card_follow_the_identity(ledger):
    ledger.enrol("w1", identity="ada@example.org")
    ledger.record(receipt(card="t1"))
    ledger.enrol("t1", identity="ada@example.org")
    assert points_of(ledger, "w1") == 10


def test_an_identity_is_taken_up_by_who_is_a_member_already(ledger):
    ledger.enrol("c1", ADA)
    assert not ledger.enrol("c1", ADA, identity="ada@example.org").repeat
    assert ledger.enrol("c1", ADA, identity="ada@example.org").repeat
    ledger.enrol("c2", identity="ada@example.org")
    assert ledger.member_of("c1") == ledger.member_of("c2")


def test_the_identity_of_another_member_is_a_conflict_for_who_is_one_already(ledger):
    ledger.enrol("c1", identity="ada@example.org")
    ledger.enrol("c2")
    with pytest.raises(KeyConflict) as refused:
        ledger.enrol("c2", identity="ada@example.org")
    assert refused.value.field == "identity"


def test_a_linked_card_cannot_enrol_without_the_identity(ledger):
    ledger.enrol("c1", identity="ada@example.org")
    ledger.enrol("c2", identity="ada@example.org")
    with pytest.raises(CardTaken):
        ledger.enrol("c2")


def test_an_identity_leads_to_whom_its_member_was_merged_into(ledger):
    ledger.enrol("c1", identity="ada@example.org")
    ledger.enrol("c2")
    ledger.merge("c1", "c2", "twins", "Ada", "m1")
    ledger.enrol("c3", identity="ada@example.org")
    assert ledger.member_of("c3") == ledger.member_of("c2")


def test_who_left_is_not_joined_by_identity(ledger):
    ledger.enrol("c1", identity="ada@example.org")
    ledger.close_member("c1", "asked", "Ada", "x1")
    with pytest.raises(MemberClosed):
        ledger.enrol("c2", identity="ada@example.org")


def test_identities_are_not_in_the_log_in_clear(ledger):
    ledger.enrol("c1", identity="ada@example.org")
    assert b"ada@" not in b"".join(event.state for event in ledger.log.read(0, 100))


def test_one_identity_from_many_channels_at_once_makes_one_member(ledger):
    answers = at_once(16, lambda n: ledger.enrol(f"c{n}", identity="ada@example.org"))
    assert len({a.stream for a in answers}) == 1
    assert topics(ledger).count("enrolled") == 1
    assert ledger.member("c0").cards == 16


CHANNEL = """
import json, sys
from ledger.application import LoyaltyLedger
db, who, now = sys.argv[1], sys.argv[2], int(sys.argv[3])
with LoyaltyLedger.open(db, clock=lambda: now) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    members = [
        ledger.enrol(f"{who}{n}", identity=f"shopper{n}@example.org").stream.hex()
        for n in range(20)
    ]
print(json.dumps(members))
"""


def test_one_identity_from_two_processes_makes_one_member(ledger, db, clock):
    channels = [
        subprocess.Popen(
            [sys.executable, "-c", CHANNEL, db, who, str(NOW)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in ("web", "till")
    ]  # fmt: skip
    for channel in channels:
        assert channel.stdout.readline() == "ready\n"
    for channel in channels:
        channel.stdin.write("go\n")
        channel.stdin.flush()
    web, till = (json.loads(channel.communicate(timeout=120)[0]) for channel in channels)
    assert web == till
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert topics(again).count("enrolled") == 20
        assert again.verify().findings == []
