"""Consent to be told offers: who took it in and when, and that it can be taken back."""

import pytest
from shop import DAY, NOW
from till import Till

from ledger.errors import CardUnknown, InputInvalid, KeyConflict, MemberClosed
from ledger.projections.consent import Consent


def test_nobody_has_consented_until_asked_and_the_last_word_holds(ledger, clock):
    ledger.enrol("c1")
    assert ledger.member("c1").consent is None
    ledger.set_consent("c1", "Ada", "k1", given=True)
    clock.now += DAY
    ledger.set_consent("c1", "Bob", "k2", given=False)
    assert ledger.member("c1").consent == Consent(False, "Bob", NOW + DAY)
    assert ledger.member("c1", NOW).consent == Consent(True, "Ada", NOW)
    assert ledger.member("c1", NOW - 1).consent is None
    assert ledger.verify().clean


def test_the_same_again_is_done_once_even_when_the_account_is_closed_by_then(ledger):
    ledger.enrol("c1")
    first = ledger.set_consent("c1", "Ada", "k1", given=True)
    ledger.close_member("c1", "moved", "Ada", "x1")
    again = ledger.set_consent("c1", "Ada", "k1", given=True)
    assert again == first._replace(repeat=True)


@pytest.mark.parametrize(("author", "given"), [("Bob", True), ("Ada", False)])
def test_the_same_id_for_something_else_is_refused(ledger, author, given):
    ledger.enrol("c1")
    ledger.set_consent("c1", "Ada", "k1", given=True)
    with pytest.raises(KeyConflict):
        ledger.set_consent("c1", author, "k1", given=given)


def test_it_needs_an_author_a_card_and_an_open_account(ledger):
    ledger.enrol("c1")
    for author in ("", "A\0da"):
        with pytest.raises(InputInvalid) as refused:
            ledger.set_consent("c1", author, "k1", given=True)
        assert refused.value.field == "author"
    with pytest.raises(CardUnknown):
        ledger.set_consent("c2", "Ada", "k1", given=True)
    ledger.close_member("c1", "moved", "Ada", "x1")
    with pytest.raises(MemberClosed):
        ledger.set_consent("c1", "Ada", "k1", given=True)


def test_a_merge_does_not_carry_it_over(ledger):
    ledger.enrol("c1")
    ledger.enrol("c2")
    ledger.set_consent("c1", "Ada", "k1", given=True)
    ledger.merge("c1", "c2", "twins", "Ada", "m1")
    assert ledger.member("c2").consent is None
    assert ledger.set_consent("c1", "Ada", "k1", given=True).repeat, "it was for the other"
    ledger.set_consent("c1", "Ada", "k2", given=True)
    assert ledger.member("c2").consent.given
    assert ledger.verify().clean


def test_the_report_is_the_same_rebuilt(ledger):
    ledger.enrol("c1")
    for number in range(3):
        ledger.set_consent("c1", "Ada", f"k{number}", given=number % 2 == 0)
    live = ledger.digests()["consent"]
    ledger.rebuild(["consent"])
    assert ledger.digests()["consent"] == live


def test_the_command_line_records_and_shows_it(capsys, db):
    till = Till(capsys, db)
    till("init", "points_as_cash")
    till("enrol", "c1")
    assert till("member", "c1")["consent"] is None
    assert "offers" not in till("member", "c1", json_=False)
    told = till("consent", "give", "c1", "--author", "desk-2", "--command-id", "k1")
    assert (told["given"], told["repeat"]) == (True, False)
    assert till("consent", "give", "c1", "--author", "desk-2", "--command-id", "k1")["repeat"]
    shown = till("member", "c1")["consent"]
    assert (shown["given"], shown["author"]) == (True, "desk-2")
    assert "\n  offers     consents, since 2" in till("member", "c1", json_=False)
    text = till("consent", "revoke", "c1", "--author", "desk-2", json_=False)
    assert text == "Does not consent to be told offers any more.\n"
    assert "\n  offers     does not consent, since 2" in till("member", "c1", json_=False)
