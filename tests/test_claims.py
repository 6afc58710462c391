"""A member's receipt is one row, which is also the first event of the receipt's own stream."""

import pytest
from eventsourcing.persistence import IntegrityError
from msgspec.structs import replace

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.commands.record_receipt import RecordReceipt
from ledger.errors import KeyConflict, ReturnTooLarge
from ledger.store import writer
from ledger.store.keys import RECEIPT
from ledger.store.leaf import leaf_hash
from ledger.store.log import Row
from tests.shop import back, conserved, key, points_of, receipt


@pytest.fixture
def other(ledger, db, clock):
    with LoyaltyLedger.open(db, clock=clock) as opened:
        yield opened


@pytest.fixture
def bought(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=0))  # the first brings a tier, too
    return receipt(card="c1")


def stream_of(ledger, bought):
    return ledger.keys.receipt(key(bought))


def begun(ledger):
    return ledger.log.receipts(bytes([RECEIPT]).ljust(16, b"\0"), 10)


def unclaimed(ledger, bought):
    """The row of the same receipt without a member."""
    event = e.ReceiptUnclaimed(
        e.Scan("s1", "1", 20_454, "1", 1, 60, e.Goods((), (), ())), b"f", e.UNATTRIBUTED_ANONYMOUS
    )
    return Row(stream_of(ledger, bought), 1, "unclaimed", ledger.codec.encode(event), 1)


def scanned(ledger, bought, version=9):
    """A row that claims the receipt for another member."""
    member = bytes([1]) + bytes(15)
    event = e.ReceiptScanned(
        e.Scan("s1", "1", 20_454, "1", 1, 60, e.Goods((), (), ())),
        e.Award(0, 1, (), 0, 0, 0),
        b"fingerprint",
    )
    claims = stream_of(ledger, bought)
    return Row(member, version, "scan", ledger.codec.encode(event), 1, claims)


def renewed(ledger, position):
    """Give a row that was changed a leaf hash that fits."""
    (row,) = ledger.log.read(position - 1, 1)
    leaf = leaf_hash(
        row.position, row.stream, row.version, row.topic, row.recorded_at, row.written_at,
        row.state, row.claims or b"",
    )  # fmt: skip
    change(ledger, "UPDATE {e} SET leaf_hash = {v} WHERE notification_id = {v}", leaf, position)


def change(ledger, statement, *values):
    postgres = ledger.log.is_postgres
    table = "loyalty.stored_events" if postgres else "stored_events"
    with ledger.log.transaction(commit=True) as cursor:
        cursor.execute(statement.format(e=table, v="%s" if postgres else "?"), values)


def test_a_receipt_is_one_row_and_its_stream_has_begun(ledger, bought):
    head = ledger.log.head()
    outcome = ledger.record(bought)
    (row,) = ledger.log.read(head, 10)
    assert (row.stream, row.claims) == (outcome.stream, stream_of(ledger, bought))
    assert row.claims in begun(ledger)
    assert ledger.log.broken_streams(10) == []
    ledger.catch_up()
    assert ledger.verify().clean


def test_who_has_not_seen_it_finds_it(ledger, other, bought):
    outcome = ledger.record(bought)
    assert other.record(bought) == outcome._replace(repeat=True)
    with pytest.raises(KeyConflict):
        other.record(replace(bought, cashier="another"))
    anonymous = replace(bought, card=None)
    assert other.record(anonymous) == outcome._replace(repeat=True)
    assert ledger.log.head() == other.log.head()


def test_goods_that_come_back_are_the_second_event_of_its_stream(ledger, other, bought):
    ledger.record(bought)
    other.record(receipt(back(bought), card="c1"))
    rows = ledger.log.streams(RECEIPT, (stream_of(ledger, bought), 0), 1)
    assert [(row[0], row[1]) for row in rows] == [(stream_of(ledger, bought), 2)]
    assert points_of(ledger, "c1") == 0
    assert ledger.log.broken_streams(10) == []
    conserved(ledger, "c1")
    ledger.catch_up()
    assert ledger.verify().clean


def test_a_receipt_that_goods_came_back_of_before_has_a_claim_of_its_own(ledger, bought):
    ledger.record(receipt(back(bought), card="c1"))
    ledger.record(bought)
    rows = ledger.log.streams(RECEIPT, (stream_of(ledger, bought), 0), 5)
    topics = [row[3] for row in rows if row[0] == stream_of(ledger, bought)]
    assert topics[:2] == ["return-waits", "claim"]
    assert ledger.log.broken_streams(10) == []
    ledger.catch_up()
    assert ledger.verify().clean


@pytest.mark.parametrize("first", [scanned, unclaimed])
@pytest.mark.parametrize("second", [scanned, unclaimed])
def test_the_database_refuses_a_second_beginning(ledger, bought, first, second):
    ledger.log.append([first(ledger, bought)], 1)
    row = second(ledger, bought)
    with pytest.raises(IntegrityError):
        ledger.log.append([row._replace(version=10) if row.claims else row], 1)
    assert begun(ledger).count(stream_of(ledger, bought)) == 1


@pytest.mark.parametrize("card", ["c1", None])
def test_a_receipt_that_another_process_took_meanwhile_is_decided_again(
    ledger, other, bought, card, monkeypatch
):
    """It was believed to be new: the index refuses it, whichever way the other recorded it."""
    monkeypatch.setattr(writer, "BELIEVED_US", 10**12)
    ledger.record(receipt(card="c1"))  # the member is at hand
    first = other.record(replace(bought, card=card))
    again = ledger.record(bought)
    assert again.repeat is (card == "c1")
    if card:
        assert again == first._replace(repeat=True)
    assert points_of(ledger, "c1") == 20
    conserved(ledger, "c1")
    assert ledger.log.broken_streams(10) == []


def test_the_same_receipt_twice_in_one_batch_is_a_repeat(ledger, bought):
    later = receipt(card="c1")
    once, twice, last, again = ledger.record_all([bought, bought, later, later])
    assert (once.repeat, twice.repeat, last.repeat, again.repeat) == (False, True, False, True)
    assert points_of(ledger, "c1") == 20


def test_a_receipt_that_is_refused_after_all_has_not_begun(ledger, bought):
    sold = receipt(card="c1")
    ledger.record(sold)
    wrong = receipt(*bought.lines, back(sold, quantity=9), card="c1", number="once")
    right = receipt(*bought.lines, card="c1", number="once")
    refused, recorded = ledger.record_all([wrong, right])
    assert isinstance(refused, ReturnTooLarge)
    assert not recorded.repeat
    assert points_of(ledger, "c1") == 20


def test_a_receipt_in_flight_is_known_to_the_next_batch(ledger, bought):
    ledger.record(receipt(card="c1"))
    working = ledger._writer._working
    working.begin(ledger.clock())
    outcome = RecordReceipt(bought).decide(working)
    working.go_on_after(working.batch())
    working.begin(ledger.clock())
    assert RecordReceipt(bought).decide(working) == outcome._replace(repeat=True)


def test_a_claim_that_is_cut_off_or_bent_is_found(ledger, bought):
    ledger.record(bought)
    ledger.catch_up()
    place = ledger.log.head()
    change(ledger, "UPDATE {e} SET claims = NULL WHERE notification_id = {v}", place)
    renewed(ledger, place)
    (finding,) = ledger.verify().findings
    assert "claim" in finding.detail
    another = ledger.keys.receipt(key(receipt(card="c1")))
    if ledger.log.is_postgres:
        change(
            ledger,
            "UPDATE {e} SET claims = encode({v}, 'hex')::uuid WHERE notification_id = {v}",
            another,
            place,
        )
    else:
        change(ledger, "UPDATE {e} SET claims = {v} WHERE notification_id = {v}", another, place)
    renewed(ledger, place)
    (finding,) = ledger.verify().findings
    assert "claim" in finding.detail


def test_a_stream_that_begins_twice_is_found_where_the_index_was_dropped(ledger, bought):
    ledger.record(bought)
    ledger.catch_up()
    schema = "loyalty." if ledger.log.is_postgres else ""
    change(ledger, f"DROP INDEX {schema}stored_events_begins")
    ledger.log.append([unclaimed(ledger, bought)], 1)
    assert ledger.log.broken_streams(10) == [stream_of(ledger, bought)]
    (finding,) = [f for f in ledger.verify().findings if f.check == "stream"]
    assert stream_of(ledger, bought).hex() in finding.place


def as_it_was(ledger):
    """Make of an empty ledger one from before rows could claim streams."""
    schema = "loyalty." if ledger.log.is_postgres else ""
    change(ledger, f"DROP INDEX {schema}stored_events_begins")
    change(ledger, "ALTER TABLE {e} DROP COLUMN claims")


def as_written(ledger, row):
    """The rows of an event as they were then: a scan and the claim beside it."""
    if not row.claims:
        return [Row(row.stream, row.version, row.topic.decode(), row.state, row.recorded_at)]
    scan = ledger.codec.decode["scan"](row.state)
    claim = e.ReceiptClaimed(row.stream, row.version, scan.fingerprint)
    plain = ledger.codec.encode(replace(scan, fingerprint=b""))
    return [
        Row(row.stream, row.version, "scan", plain, row.recorded_at),
        Row(row.claims, 1, "claim", ledger.codec.encode(claim), row.recorded_at),
    ]


def test_a_ledger_from_before_goes_on(ledger, db, clock, bought):
    """What it holds is read as it was written; what is new claims its stream."""
    ledger.record(bought)
    ledger.record(receipt(card="c1"))
    rows = ledger.log.read(0, 1_000)
    begins = next(row.position for row in rows if row.claims)
    change(ledger, "DELETE FROM {e} WHERE notification_id >= {v}", begins)
    as_it_was(ledger)
    ledger.close()
    with LoyaltyLedger.open(db, clock=clock) as opened:
        told = [as_written(opened, row) for row in rows[begins - 1 :]]
        opened.log.append([row for some in told for row in some], 1)
        opened.rebuild()
        assert opened.verify().clean
        assert opened.record(bought).repeat
        with pytest.raises(IntegrityError):
            opened.log.append([scanned(opened, bought)], 1)
        opened.record(receipt(back(bought), card="c1"))
        fresh = opened.record(receipt(card="c1"))
        assert opened.log.read(opened.log.head() - 1, 1)[0].claims
        assert not fresh.repeat
        assert points_of(opened, "c1") == 20
        conserved(opened, "c1")
        opened.catch_up()
        assert opened.verify().clean
