"""Deciding without looking: what is at hand is believed for a moment, and the log has the last word."""

import itertools
import sqlite3

import pytest

from ledger.application import LoyaltyLedger
from ledger.commands.attribution import Attribute
from ledger.commands.record_receipt import RecordReceipt
from ledger.commands.redeem import Redeem
from ledger.errors import KeyConflict, PointsShort, PointsSpent
from ledger.store import latest, sqlite, waiting, writer
from ledger.store.keys import CARD, MEMBER
from tests.conftest import PROGRAMME
from tests.shop import NOW, back, conserved, key, line, points_of, receipt
from tests.test_door_earning import BONUS


@pytest.fixture
def looks(ledger, monkeypatch):
    """How often the writer asked the log; what is at hand is believed for ever."""
    monkeypatch.setattr(writer, "BELIEVED_US", 10**12)
    asked, load = [], ledger.log.load

    def told(*args):
        asked.append(args)
        return load(*args)

    monkeypatch.setattr(ledger.log, "load", told)
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))  # card and member are at hand from now on
    asked.clear()
    return asked


@pytest.fixture
def other(ledger, db, clock):
    with LoyaltyLedger.open(db, clock=clock) as opened:
        yield opened


def test_receipts_of_members_at_hand_need_no_look(ledger, looks):
    for _ in range(5):
        ledger.record(receipt(card="c1", amount=100))
    assert looks == []
    assert points_of(ledger, "c1") == 15
    conserved(ledger, "c1")


def test_only_what_is_not_at_hand_is_looked_up(ledger, other, looks):
    """The log has the last word on a receipt; that there is no other is not asked first."""
    other.enrol("c2")
    ledger.record_all([receipt(card="c1", amount=100), receipt(card="c2", amount=100)])
    asked = {stream[0] for streams, *_ in looks for stream in streams}
    assert asked == {CARD, MEMBER}
    assert (points_of(ledger, "c1"), points_of(ledger, "c2")) == (11, 1)


def test_a_stream_that_many_of_a_batch_ask_for_is_looked_up_once(ledger, other, looks):
    """Asked for in two statements, its events would count twice."""
    other.enrol("c2")
    many = sqlite.MAX_VARIABLES + 100
    ledger.record_all([receipt(card="c2", amount=100) for _ in range(many)])
    assert [len(streams) for streams, *_ in looks] == [2]  # the card and who would hold it
    conserved(ledger, "c2")
    assert ledger.verify().clean  # the member is what its events say


def test_a_repeat_of_a_member_who_is_not_at_hand_is_one(ledger, other, looks):
    other.enrol("c2")
    bought = receipt(card="c2")
    first = other.record(bought)
    assert ledger.record(bought) == first._replace(repeat=True)
    assert points_of(ledger, "c2") == 10
    conserved(ledger, "c2")


def test_what_brought_the_goods_back_first_counts(ledger, other, looks):
    bought = receipt(card="c1", amount=500)
    other.record(receipt(back(bought), card="c1"))  # the sale itself is not known yet
    ledger.record(bought)
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")


def test_a_refusal_that_rests_on_nothing_new_is_final(ledger, looks, monkeypatch):
    """Its neighbour's receipt is taken for new, and nobody decides again for that."""
    decided, decide = [], RecordReceipt.decide
    monkeypatch.setattr(
        RecordReceipt, "decide", lambda *of: (decided.append(1), decide(*of))[1]
    )  # fmt: skip
    commands = [Redeem("c1", "r1", points=10_000), RecordReceipt(receipt(card="c1"))]
    refused, recorded = ledger._writer.submit_all(commands).result()
    assert isinstance(refused, PointsShort)
    assert not recorded.repeat
    assert decided == [1]


def test_a_refusal_is_none_where_it_was_recorded_before(ledger, other, looks, clock):
    bought = receipt(card="c1", at=NOW)
    first = other.record(bought)
    clock.now -= 3_600  # put back: the receipt would be of the future
    assert ledger.record(bought) == first._replace(repeat=True)


def test_of_many_all_but_the_receipts_is_looked_up(ledger, other, looks, monkeypatch):
    monkeypatch.setattr(writer, "BELIEVED_US", -1)
    other.block_card("c1", "lost")
    other.enrol("c2")
    many = [receipt(card=card, amount=50) for card in ("c1", "c2") * waiting.MANY]
    outcomes = ledger.record_all(many)
    assert {stream[0] for streams, *_ in looks for stream in streams} == {CARD, MEMBER}
    assert not any(outcome.repeat for outcome in outcomes)
    assert len({outcome.stream for outcome in outcomes}) == 1 + waiting.MANY  # in review, or c2's
    looks.clear()
    ledger.record_all([receipt(card="c2") for _ in range(waiting.MANY)])
    assert looks  # at least for what has changed


def test_once_one_is_sent_again_others_are_looked_up(ledger, looks):
    bought = receipt(card="c1")
    ledger.record_all([bought, bought])
    assert looks == []
    ledger.record(receipt(card="c1"))
    assert looks
    for _ in range(writer.BATCHES_IN_DOUBT):
        ledger.record(receipt(card="c1"))
    looks.clear()
    ledger.record(receipt(card="c1"))
    assert looks == []


def test_who_decided_on_one_as_if_it_were_new_decides_again(new_db, clock, monkeypatch):
    """It is refused as a new one, because its points are spent by now, and so writes nothing."""
    monkeypatch.setattr(writer, "BELIEVED_US", 10**12)
    text = PROGRAMME + '[returns]\nwhen_spent = "refuse"\n'
    with LoyaltyLedger.create(new_db(), text, clock=clock) as ledger:
        ledger.enrol("c1")
        ledger.record(receipt(card="c1"))
        bought = receipt(line(100), line(-300, quantity=-1, kind="return"), card="c1")
        first = ledger.record(bought)
        ledger.redeem("c1", "r1", points=points_of(ledger, "c1"))
        commands = [Attribute(key(bought), "c1"), RecordReceipt(bought)]
        attributed, again = ledger._writer.submit_all(commands).result()
        assert attributed.stream == first.stream
        assert again == first._replace(repeat=True)


def test_a_receipt_is_refused_on_what_is_there_now(new_db, clock, monkeypatch):
    monkeypatch.setattr(writer, "BELIEVED_US", 10**12)
    db, text = new_db(), PROGRAMME + '[returns]\nwhen_spent = "refuse"\n'
    with (
        LoyaltyLedger.create(db, text, clock=clock) as ledger,
        LoyaltyLedger.open(db, clock=clock) as other,
    ):
        ledger.enrol("c1")
        brought = receipt(line(-300, quantity=-1, kind="return"), card="c1")
        with pytest.raises(PointsSpent):
            ledger.record(brought)
        other.adjust("c1", 90, "a present", "Ada", "a1")
        ledger.record(brought)
        assert points_of(ledger, "c1") == 87


def test_a_refusal_leaves_what_was_drawn_before_it_guarded(new_db, clock, monkeypatch):
    """What others draw while a batch is decided is a conflict, whoever is refused meanwhile."""
    db, text = new_db(), PROGRAMME + BONUS + "budget_points = 12\n"
    with (
        LoyaltyLedger.create(db, text, clock=clock) as ledger,
        LoyaltyLedger.open(db, clock=clock) as other,
    ):
        ledger.enrol("c1")
        other.enrol("c2")
        ledger.record(receipt(card="c1"))  # 5 of 12 are drawn
        batch = [receipt(card="c1"), *[receipt() for _ in range(waiting.MANY)]]
        batch += [receipt(card="c1", currency="USD"), receipt(card="c1")]
        calls, decide = itertools.count(), RecordReceipt.decide

        def meanwhile(self, working):
            if next(calls) == 10:
                other.record(receipt(card="c2"))
            return decide(self, working)

        monkeypatch.setattr(RecordReceipt, "decide", meanwhile)
        refused = [one for one in ledger.record_all(batch) if isinstance(one, Exception)]
        assert len(refused) == 1
        (budget,) = ledger.budgets()
        assert budget.drawn == 12


def test_old_builds_of_sqlite_take_a_look_up(tmp_path, clock, monkeypatch):
    connect = sqlite3.connect

    def old(*args, **words):
        connection = connect(*args, **words)
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
        return connection

    monkeypatch.setattr(sqlite3, "connect", old)
    with LoyaltyLedger.create(str(tmp_path / "old.db"), PROGRAMME, clock=clock) as ledger:
        for count in (1, 511, 512, 513, 1_700):
            asked = [bytes([MEMBER]) + number.to_bytes(15) for number in range(count)]
            assert not ledger.log.load(asked, ledger.codec.shape, 1).events


def test_a_command_that_begins_nothing_is_decided_on_what_is_there_now(ledger, looks, clock):
    ledger.publish(PROGRAMME, clock.now + 1)
    assert looks


def test_what_is_older_than_a_moment_is_looked_up(ledger, looks, monkeypatch):
    monkeypatch.setattr(writer, "BELIEVED_US", -1)
    ledger.record(receipt(card="c1"))
    assert looks


def test_a_receipt_sent_again_is_a_repeat_all_the_same(ledger, looks):
    bought = receipt(card="c1")
    first = ledger.record(bought)
    assert ledger.record(bought) == first._replace(repeat=True)
    assert ledger.record(receipt(card="c1", number="later")).repeat is False
    with pytest.raises(KeyConflict):
        ledger.record(receipt(card="c1", number="later", amount=7))
    assert points_of(ledger, "c1") == 30
    conserved(ledger, "c1")


def test_one_that_another_process_recorded_is_a_repeat(ledger, other, looks):
    bought = receipt(card="c1")
    first = other.record(bought)
    assert ledger.record(bought) == first._replace(repeat=True)
    assert points_of(ledger, "c1") == 20
    assert ledger._writer._doubting  # from now on it looks for a while
    assert not ledger._writer._in_turns  # it was no race
    looks.clear()
    ledger.record(receipt(card="c1"))
    assert looks


def test_what_another_process_did_to_the_member_counts(ledger, other, looks):
    other.block_card("c1", "lost")
    outcome = ledger.record(receipt(card="c1"))
    assert ledger.event(outcome).TOPIC == "unclaimed"  # it waits for a person
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")


def test_a_refusal_is_told_of_what_is_there_now(ledger, other, looks):
    other.adjust("c1", 90, "a present", "Ada", "a1")
    ledger.redeem("c1", "r1", points=100)
    assert points_of(ledger, "c1") == 0


def test_one_that_brings_goods_back_is_looked_up(ledger, looks):
    bought = receipt(card="c1", amount=500)
    ledger.record(bought)
    ledger.record(receipt(back(bought), card="c1"))
    assert looks
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")


def test_a_clock_that_was_put_back_makes_nothing_believed(ledger, looks):
    ledger._writer._looked_at += 3_600_000_000
    ledger.record(receipt(card="c1"))
    assert looks


def test_a_programme_of_a_moment_ago_counts(ledger, other, looks, clock):
    double = PROGRAMME.replace("points = 1\nper_minor = 100", "points = 2\nper_minor = 100")
    other.publish(double, clock.now + 1)
    outcome = ledger.record(receipt(card="c1", amount=100, at=clock.now + 1))
    assert ledger.event(outcome).award.programme == 2


def test_the_event_of_what_was_just_recorded_is_at_hand(ledger, other, monkeypatch):
    ledger.enrol("c1")
    outcome = ledger.record(receipt(card="c1"))
    stored = other.event(outcome)
    assert other.event_at_hand(outcome) is None  # another process recorded it
    monkeypatch.setattr(ledger.log, "event", None)  # it is not asked
    assert ledger.event(outcome) == stored


def test_few_events_are_kept_at_hand(ledger):
    ledger.enrol("c1")
    kept = len(ledger._writer.latest._rows)
    ledger.record_all([receipt(card="c1", number=f"many {n}") for n in range(latest.LARGE + 1)])
    assert len(ledger._writer.latest._rows) == kept  # an import's are not
    for batch in range(latest.MOST // 100 + 1):
        last = ledger.record_all([receipt(card="c1", number=f"{batch} {n}") for n in range(100)])[
            -1
        ]
    assert len(ledger._writer.latest._rows) <= latest.MOST
    assert ledger.event_at_hand(last) is not None
