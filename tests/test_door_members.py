"""The door, members: enrolling, cards, publishing, and refusals of every one of them."""

import datetime as dt

import pytest

from ledger.application import LoyaltyLedger
from ledger.errors import (
    CardBlocked,
    CardTaken,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    LogExists,
    LogMissing,
    MemberUnknown,
    ProgrammeInvalid,
    ProgrammeTooSoon,
)
from ledger.types import Personal
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, points_of, receipt

ADA = Personal(name="Ada", email="ada@example.org", phone="1", birthday=dt.date(1990, 1, 1))


# --- the log -----------------------------------------------------------------------------


def test_a_ledger_is_made_once(db, clock):
    LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock).close()
    with pytest.raises(LogExists):
        LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock)


def test_a_ledger_that_was_never_made_is_missing(db):
    with pytest.raises(LogMissing):
        LoyaltyLedger.open(db)


def test_a_ledger_with_a_wrong_programme_is_not_made(db):
    with pytest.raises(ProgrammeInvalid):
        LoyaltyLedger.create(db, "name = 1")
    LoyaltyLedger.create(db, PROGRAMME).close()


def test_what_was_recorded_is_there_after_reopening(db, clock):
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as ledger:
        ledger.enrol("c1", ADA)
        ledger.record(receipt(card="c1"))
    with LoyaltyLedger.open(db, clock=clock) as ledger:
        assert points_of(ledger, "c1") == 10
        personal = ledger.member("c1").personal
        assert (personal.card, personal.name, personal.birthday) == ("c1", "Ada", ADA.birthday)


# --- enrol -------------------------------------------------------------------------------


def test_a_member_enrols_with_a_card(ledger):
    outcome = ledger.enrol("c1", ADA, store="s1")
    assert not outcome.repeat
    view = ledger.member("c1")
    assert (view.cards, view.row.enrolled_at, view.balance.available) == (1, NOW, 0)
    assert ledger.member_of(view.member_id) == outcome.stream


def test_enrolling_twice_is_once(ledger):
    first = ledger.enrol("c1", ADA)
    again = ledger.enrol("c1", ADA)
    assert again == first._replace(repeat=True)


@pytest.mark.parametrize("first", [Personal(), Personal(name="Bo")], ids=["card", "name"])
def test_enrolling_as_at_first_is_a_repeat_whatever_is_known_by_now(ledger, first):
    enrolled = ledger.enrol("c1", first)
    if first == Personal():
        completed = ledger.complete("c1", Personal(name="Bo"))
        assert ledger.enrol("c1", Personal(name="Bo")) == completed._replace(repeat=True)
    ledger.change_personal("c1", ADA, "Ada", "p1")
    head = ledger.log.head()
    assert ledger.enrol("c1", first) == enrolled._replace(repeat=True)
    assert ledger.enrol("c1", ADA).repeat
    with pytest.raises(KeyConflict):
        ledger.enrol("c1", Personal(name="Eve"))
    assert ledger.log.head() == head


@pytest.mark.parametrize(
    "other",
    [
        Personal(),
        Personal(name="Eve", email=ADA.email, phone=ADA.phone, birthday=ADA.birthday),
        Personal(name=ADA.name, email="eve@x.org", phone=ADA.phone, birthday=ADA.birthday),
        Personal(name=ADA.name, email=ADA.email, phone="2", birthday=ADA.birthday),
        Personal(name=ADA.name, email=ADA.email, phone=ADA.phone, birthday=dt.date(1990, 1, 2)),
    ],
    ids=["none", "name", "email", "phone", "birthday"],
)
def test_enrolling_with_other_data_is_a_conflict(ledger, other):
    ledger.enrol("c1", ADA)
    with pytest.raises(KeyConflict) as refused:
        ledger.enrol("c1", other)
    assert refused.value.field == "personal"


def test_a_card_of_another_member_cannot_enrol(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    with pytest.raises(CardTaken):
        ledger.enrol("c2")


def test_a_member_needs_a_card(ledger):
    with pytest.raises(InputInvalid) as refused:
        ledger.enrol("")
    assert refused.value.field == "card"


def test_personal_data_are_not_in_the_log(ledger):
    ledger.enrol("4006381333931", ADA)
    stored = b"".join(event.state for event in ledger.log.read(0, 100))
    for secret in (b"4006381333931", b"Ada", b"ada@example.org"):
        assert secret not in stored


def test_who_never_enrolled_is_unknown(ledger):
    for nobody in ("c9", "01" * 16, "zz", "\u00e4"):
        with pytest.raises(MemberUnknown):
            ledger.balance(nobody)


# --- cards -------------------------------------------------------------------------------


def test_a_linked_card_earns_for_the_same_member(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    ledger.record(receipt(card="c2"))
    assert points_of(ledger, "c1") == points_of(ledger, "c2") == 10


def test_linking_twice_is_once(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    assert ledger.link_card("c1", "c2").repeat
    assert ledger.member("c1").cards == 2


def test_a_card_is_linked_to_a_member_only(ledger):
    with pytest.raises(CardUnknown):
        ledger.link_card("c1", "c2")


@pytest.mark.parametrize("replace", [False, True])
def test_a_card_of_another_member_cannot_be_linked(ledger, replace):
    ledger.enrol("c1")
    ledger.enrol("c2")
    with pytest.raises(CardTaken):
        (ledger.replace_card if replace else ledger.link_card)("c1", "c2")


@pytest.mark.parametrize("replace", [False, True])
def test_a_card_needs_a_number(ledger, replace):
    ledger.enrol("c1")
    with pytest.raises(InputInvalid):
        (ledger.replace_card if replace else ledger.link_card)("c1", "")


def test_a_replaced_card_pays_no_more_and_the_new_one_does(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))
    ledger.replace_card("c1", "c2")
    with pytest.raises(CardBlocked):
        ledger.redeem("c1", "r1", points=1)
    ledger.redeem("c2", "r2", points=1)
    assert points_of(ledger, "c2") == 9


def test_replacing_twice_is_once(ledger):
    ledger.enrol("c1")
    ledger.replace_card("c1", "c2")
    assert ledger.replace_card("c1", "c2").repeat
    assert ledger.member("c2").cards == 2


def test_a_replaced_card_cannot_be_replaced_by_a_third(ledger):
    ledger.enrol("c1")
    ledger.replace_card("c1", "c2")
    with pytest.raises(CardBlocked):
        ledger.replace_card("c1", "c3")


def test_a_card_that_is_linked_already_cannot_replace_another(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    with pytest.raises(KeyConflict):
        ledger.replace_card("c1", "c2")


def test_a_card_cannot_replace_itself(ledger):
    ledger.enrol("c1")
    with pytest.raises(KeyConflict):
        ledger.replace_card("c1", "c1")


def test_a_card_that_nobody_holds_cannot_be_replaced_or_blocked(ledger):
    with pytest.raises(CardUnknown):
        ledger.replace_card("c1", "c2")
    with pytest.raises(CardUnknown):
        ledger.block_card("c1", "lost")


def test_blocking_twice_is_once(ledger):
    ledger.enrol("c1")
    ledger.block_card("c1", "lost")
    assert ledger.block_card("c1", "stolen").repeat
    topics = [row[3] for row in ledger.log.page(0, 100)]
    assert topics.count("card-blocked") == 1


def test_a_blocked_card_leaves_the_members_other_cards_alone(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    ledger.block_card("c1", "lost")
    ledger.record(receipt(card="c2"))
    assert points_of(ledger, "c2") == 10


# --- programmes --------------------------------------------------------------------------

DOUBLE = PROGRAMME.replace("points = 1\nper_minor = 100", "points = 2\nper_minor = 100")


def test_a_later_programme_holds_only_from_its_instant(ledger, clock):
    ledger.enrol("c1")
    ledger.publish(DOUBLE, NOW + DAY)
    before = ledger.record(receipt(card="c1"))
    clock.now = NOW + 2 * DAY
    late = ledger.record(receipt(card="c1", at=NOW + DAY - 1))
    after = ledger.record(receipt(card="c1", at=NOW + DAY))
    awards = [ledger.event(outcome).award for outcome in (before, late, after)]
    assert [(sum(a.points), a.programme) for a in awards] == [(10, 1), (10, 1), (20, 2)]


@pytest.mark.parametrize("offset", [-1, 0])
def test_a_programme_cannot_take_effect_now_or_earlier(ledger, offset):
    with pytest.raises(ProgrammeTooSoon):
        ledger.publish(DOUBLE, NOW + offset)


def test_publishing_the_same_twice_is_once(ledger, clock):
    first = ledger.publish(DOUBLE, NOW + DAY)
    clock.now = NOW + 2 * DAY
    assert ledger.publish(DOUBLE, NOW + DAY) == first._replace(repeat=True)


def test_the_same_text_for_another_instant_is_another_programme(ledger):
    assert not ledger.publish(DOUBLE, NOW + DAY).repeat
    assert not ledger.publish(DOUBLE, NOW + 2 * DAY).repeat
    assert ledger.programme_at(NOW + 3 * DAY).number == 3


def test_of_two_programmes_in_force_the_one_published_last_holds(ledger):
    ledger.publish(DOUBLE, NOW + 2 * DAY)
    ledger.publish(PROGRAMME, NOW + DAY)
    assert ledger.programme_at(NOW + 3 * DAY).number == 3


def test_a_programme_keeps_the_logs_currency(ledger):
    with pytest.raises(ProgrammeInvalid) as refused:
        ledger.publish(PROGRAMME.replace("EUR", "GBP"), NOW + DAY)
    assert refused.value.field == "currency"


def test_a_wrong_programme_is_not_published(ledger):
    with pytest.raises(ProgrammeInvalid):
        ledger.publish("name = 1", NOW + DAY)
    assert ledger.log.head() == 1
