"""What somebody who wants to break the ledger tried; each of these once worked."""

import datetime as dt

import msgspec
import pytest
from msgspec.structs import replace

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import AmountInvalid, InputInvalid, MemberConflict, ProgrammeInvalid
from ledger.programme import load
from ledger.store.keys import PROGRAMME_STREAM
from ledger.types import Personal
from tests.conftest import NOW, PROGRAMME
from tests.shop import DAY, back, conserved, line, points_of, receipt

YEAR = 365 * DAY


def holds(ledger):
    """Verify, and rebuild to the same digests."""
    ledger.catch_up()
    verdict = ledger.verify()
    assert verdict.clean, verdict.findings
    before = ledger.digests()
    ledger.rebuild()
    assert ledger.digests() == before


def test_history_that_comes_in_long_after_its_lot_was_let_go_verifies(ledger):
    for at in (NOW - 6 * YEAR, NOW - YEAR, NOW - 6 * YEAR + DAY):
        ledger.record(receipt(card="c1", at=at), history=True, enrol=True)
    holds(ledger)


def test_a_return_of_points_long_expired_takes_none_of_another_year(ledger):
    bought = receipt(card="c1", at=NOW - 6 * YEAR)
    ledger.record(bought, history=True, enrol=True)
    ledger.record(receipt(card="c1", at=NOW - DAY), history=True)
    ledger.record(receipt(back(bought), card="c1", at=NOW - 6 * YEAR + DAY), history=True)
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")
    holds(ledger)


def test_a_voided_line_brings_nothing_back(ledger):
    ledger.enrol("c1")
    bought = receipt(card="c1")
    ledger.record(bought)
    ledger.record(receipt(line(500), back(bought, voided=True), card="c1"))
    assert points_of(ledger, "c1") == 15
    holds(ledger)


def test_an_award_that_no_report_could_hold_is_refused_and_its_neighbour_is_not(ledger, clock):
    text = PROGRAMME.replace("points = 1\nper_minor = 100", "points = 10000000\nper_minor = 1")
    ledger.publish(text, NOW + 1)
    clock.now = NOW + 10
    ledger.enrol("c1")
    at = NOW + 5
    big, small = ledger.record_all(
        [receipt(card="c1", at=at, amount=10**10), receipt(card="c1", at=at, amount=10)]
    )
    assert isinstance(big, AmountInvalid)
    assert not small.repeat
    holds(ledger)


@pytest.mark.parametrize("name", ["gold", "mug"])
def test_a_name_that_postgresql_could_not_keep_is_no_name_in_a_programme(name):
    with pytest.raises(ProgrammeInvalid):
        load(PROGRAMME.replace(f'"{name}"', f'"{name}\\u0000"'))


def plant(ledger, position, stream, version, topic, event):
    """Put a forged row into the log, behind the back of the ledger and of its checks."""
    state = msgspec.msgpack.encode(event)
    with ledger.log.transaction(commit=True) as cursor:
        if ledger.log.is_postgres:
            cursor.execute(
                "ALTER TABLE loyalty.stored_events"
                " DROP CONSTRAINT IF EXISTS stored_events_notification_id_check"
            )
            cursor.execute(
                "INSERT INTO loyalty.stored_events VALUES"
                " (%s, 1, 1, %s, encode(%s, 'hex')::uuid, %s, 'x', %s)",
                (position, version, stream, topic, state),
            )
        else:
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            cursor.execute(
                "INSERT INTO stored_events VALUES (?, ?, ?, ?, 1, 1, ?, ?, NULL)",
                (position, stream, version, topic, b"x", state),
            )


@pytest.mark.parametrize("position", [0, -7])
def test_a_forged_event_before_the_first_position_is_found(ledger, position):
    ledger.enrol("c1")
    ledger.catch_up()
    generous = PROGRAMME.replace("per_minor = 100", "per_minor = 1")
    forged = e.ProgrammePublished(0, generous, b"x")
    plant(ledger, position, PROGRAMME_STREAM, 2, "programme", forged)
    assert not ledger.verify().clean


def test_a_forged_snapshot_of_a_card_is_found(ledger):
    ledger.enrol("c1")
    ledger.catch_up()
    card, shape = ledger.keys.card("c1"), ledger.codec.shape
    with ledger.log.transaction(commit=True) as cursor:
        if ledger.log.is_postgres:
            cursor.execute(
                "INSERT INTO loyalty.stored_snapshots VALUES (encode(%s, 'hex')::uuid, 1, %s, 'x')",
                (card, shape),
            )
        else:
            cursor.execute("INSERT INTO stored_snapshots VALUES (?, 1, ?, 'x')", (card, shape))
    findings = ledger.verify().findings
    assert [f.check for f in findings] == ["snapshot"]


def test_tracking_that_was_set_back_is_found_before_it_does_harm(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))
    ledger.catch_up()
    table = "loyalty.stored_tracking" if ledger.log.is_postgres else "tracking"
    with ledger.log.transaction(commit=True) as cursor:
        cursor.execute(
            f"UPDATE {table} SET notification_id = 3 WHERE application_name LIKE 'balance.%'"
        )
    findings = ledger.verify().findings
    assert any("balance" in f.place and "tracking" in f.detail for f in findings)


def test_text_that_is_not_unicode_is_refused_and_its_neighbour_is_not(ledger):
    ledger.enrol("c1")
    wrong, right = ledger.record_all(
        [receipt(line(product="\ud800"), card="c1"), receipt(card="c1")]
    )
    assert isinstance(wrong, InputInvalid)
    assert not right.repeat


def test_a_key_that_is_not_the_member_s_costs_the_birthday_and_not_the_receipt(ledger, clock):
    ledger.enrol("c1", Personal(name="J", birthday=dt.date(1990, 1, 1)))
    birthday = "per_minor = 100\n[earn.birthday]\npoints = 5"
    ledger.publish(PROGRAMME.replace("per_minor = 100", birthday), NOW + 1)
    clock.now = NOW + 5
    with ledger.log.transaction(commit=True) as cursor:
        if ledger.log.is_postgres:
            cursor.execute("UPDATE loyalty.personal_keys SET key = decode(repeat('00', 32), 'hex')")
        else:
            cursor.execute("UPDATE personal_keys SET key = zeroblob(32)")
    ledger.vault._plain.clear()
    ledger.record(receipt(card="c1", at=NOW + 2))
    assert points_of(ledger, "c1") == 10


def test_a_receipt_of_an_unknown_card_is_not_taken_for_another_card_s(ledger):
    ledger.enrol("c2")
    bought = receipt(card="c9")
    ledger.record(bought)
    with pytest.raises(MemberConflict):
        ledger.record(replace(bought, card="c2"))
    ledger.enrol("c9")
    assert (points_of(ledger, "c9"), points_of(ledger, "c2")) == (10, 0)


@pytest.mark.parametrize("name", ["", ":memory:", "file:z.db", "file:z?mode=memory"])
def test_a_database_that_would_not_last_is_no_database(name):
    with pytest.raises(InputInvalid):
        LoyaltyLedger.create(name, PROGRAMME)
