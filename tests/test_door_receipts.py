"""The door, receipts: recorded once, for the right member, or for nobody; quoted; attributed."""

import datetime as dt

import msgspec
import pytest
from msgspec import structs

from ledger import events as e
from ledger.errors import (
    CapturedInFuture,
    CapturedTooLate,
    CardUnknown,
    CurrencyUnknown,
    InputInvalid,
    KeyConflict,
    LedgerError,
    MemberConflict,
    ReceiptUnknown,
)
from ledger.projections.receipt import FCT_RECEIPT
from ledger.types import Personal, Tender
from tests.conftest import PROGRAMME
from tests.shop import DAY, NOW, conserved, key, line, points_of, receipt


def states(ledger):
    """What the reports say of every receipt: state and points."""
    with ledger.reading() as reader:
        rows = reader._rows("SELECT state, points FROM {t} ORDER BY number", FCT_RECEIPT)
    return [(state, int(points)) for state, points in rows]


# --- record: happened --------------------------------------------------------------------


def test_a_members_receipt_earns(ledger):
    ledger.enrol("c1")
    outcome = ledger.record(receipt(line(1234), line(5678), card="c1"))
    event = ledger.event(outcome)
    assert isinstance(event, e.ReceiptScanned)
    assert (sum(event.award.points), event.award.programme) == (69, 1)
    assert points_of(ledger, "c1") == 69
    conserved(ledger, "c1")


def test_a_receipt_keeps_the_tills_own_words(ledger):
    ledger.enrol("c1")
    at = dt.datetime(2026, 1, 1, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    lines = (line(312, "ham", 250, unit="gram", category="meat", discount_minor=20),
             line(900, "card", kind="gift_card"), line(100, "x", voided=True))  # fmt: skip
    bought = receipt(*lines, card="c1", captured_at=at, business_date=dt.date(2025, 12, 31),
                     tenders=(Tender("card", 1212),), cashier="7")  # fmt: skip
    scan = ledger.event(ledger.record(bought)).scan
    assert (scan.captured_at, scan.offset_minutes, scan.business_day) == (NOW - 1800, 60, 20_453)
    goods = scan.goods
    assert (goods.product_codes, goods.category_codes) == (("ham", "card", "x"), ("meat", "", ""))
    assert (goods.quantities, goods.amounts_minor) == ((250, 1, 1), (312, 900, 100))
    assert (goods.discounts_minor, goods.voided) == ((20, 0, 0), (2,))
    assert goods.unit_names == ("gram", "piece", "piece")
    assert goods.kind_names == ("sale", "gift_card", "sale")
    assert (scan.tenders, scan.cashier, scan.historical) == ((("card", 1212),), "7", False)


def test_an_anonymous_receipt_is_recorded_for_nobody(ledger):
    outcome = ledger.record(receipt())
    assert isinstance(ledger.event(outcome), e.ReceiptUnclaimed)
    assert states(ledger) == [("anonymous", 0)]


def test_a_receipt_of_an_unknown_card_follows_the_card_when_it_enrols(ledger):
    ledger.record(receipt(card="c1"))
    assert states(ledger) == [("unknown_card", 0)]
    ledger.enrol("c1")
    assert states(ledger) == [("attributed", 10)]
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")


@pytest.mark.parametrize("replace", [False, True])
def test_a_receipt_of_an_unknown_card_follows_the_card_when_it_is_linked(ledger, replace):
    ledger.record(receipt(card="c2"))
    ledger.enrol("c1")
    (ledger.replace_card if replace else ledger.link_card)("c1", "c2")
    assert points_of(ledger, "c2") == 10


def test_several_waiting_receipts_follow_their_card_once(ledger):
    for _ in range(3):
        ledger.record(receipt(card="c1"))
    ledger.enrol("c1")
    ledger.enrol("c1")
    assert points_of(ledger, "c1") == 30
    conserved(ledger, "c1")


def test_a_waiting_receipt_past_the_late_limit_stays_where_it_is(ledger, clock):
    ledger.record(receipt(card="c1"))
    clock.now = NOW + 30 * DAY + 1
    ledger.enrol("c1")
    assert states(ledger) == [("unknown_card", 0)]


def test_a_waiting_receipt_on_the_last_day_of_the_late_limit_follows(ledger, clock):
    ledger.record(receipt(card="c1"))
    clock.now = NOW + 30 * DAY
    ledger.enrol("c1")
    assert points_of(ledger, "c1") == 10


def test_a_receipt_of_a_blocked_card_waits_for_review_without_points(ledger):
    ledger.enrol("c1")
    ledger.block_card("c1", "lost")
    ledger.record(receipt(card="c1"))
    assert states(ledger) == [("review_blocked_card", 0)]
    assert points_of(ledger, "c1") == 0


def test_a_receipt_of_a_replaced_card_waits_for_review(ledger):
    ledger.enrol("c1")
    ledger.replace_card("c1", "c2")
    ledger.record(receipt(card="c1"))
    assert states(ledger) == [("review_blocked_card", 0)]


def test_a_late_receipt_waits_for_review_without_points(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", at=NOW - 30 * DAY - 1))
    assert states(ledger) == [("review_late", 0)]


def test_a_receipt_on_the_last_instant_of_the_late_limit_earns(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", at=NOW - 30 * DAY))
    assert states(ledger) == [("member", 10)]


def test_history_has_no_late_limit_and_its_own_time(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", at=NOW - 60 * DAY), history=True)
    assert states(ledger) == [("member", 10)]
    assert [row[5] for row in ledger.log.page(0, 100)][-1] == NOW - 60 * DAY


def test_history_of_a_blocked_card_has_its_own_time_too(ledger):
    ledger.enrol("c1")
    ledger.block_card("c1", "lost")
    ledger.record(receipt(card="c1", at=NOW - 60 * DAY), history=True)
    assert states(ledger) == [("review_blocked_card", 0)]
    assert [row[5] for row in ledger.log.page(0, 100)][-1] == NOW - 60 * DAY


def test_a_card_can_be_enrolled_by_its_first_receipt(ledger):
    ledger.record(receipt(card="c1"), enrol=True)
    assert points_of(ledger, "c1") == 10
    assert ledger.enrol("c1").repeat


def test_a_till_whose_clock_is_five_minutes_ahead_is_believed(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", at=NOW + 300))
    assert points_of(ledger, "c1", NOW + 300) == 10


# --- record: refused ---------------------------------------------------------------------


def test_a_receipt_of_the_future_is_refused(ledger):
    with pytest.raises(CapturedInFuture) as refused:
        ledger.record(receipt(at=NOW + 301))
    assert refused.value.field == "captured_at"


def test_a_receipt_in_another_currency_is_refused(ledger):
    with pytest.raises(CurrencyUnknown, match=r"GBP.*EUR"):
        ledger.record(receipt(currency="GBP"))


def test_a_refused_receipt_leaves_nothing_behind(ledger):
    head = ledger.log.head()
    with pytest.raises(LedgerError):
        ledger.record(receipt(card="c1", currency="GBP"), enrol=True)
    assert ledger.log.head() == head
    with pytest.raises(CardUnknown):
        ledger.link_card("c1", "c2")


# --- record: repeat and conflict ---------------------------------------------------------


@pytest.mark.parametrize("card", ["c1", "c9", None], ids=["member", "unknown", "anonymous"])
def test_the_same_receipt_again_is_a_repeat(ledger, card):
    ledger.enrol("c1")
    bought = receipt(card=card)
    first = ledger.record(bought)
    head = ledger.log.head()
    assert ledger.record(bought) == first._replace(repeat=True)
    assert ledger.log.head() == head


def test_a_repeat_tells_the_award_that_came_when_the_card_enrolled(ledger):
    bought = receipt(card="c1")
    ledger.record(bought)
    ledger.enrol("c1")
    again = ledger.record(bought)
    assert again.repeat
    assert sum(ledger.event(again).award.points) == 10
    assert points_of(ledger, "c1") == 10


def test_a_repeat_under_a_later_programme_keeps_the_first_award(ledger, clock):
    ledger.enrol("c1")
    bought = receipt(card="c1")
    ledger.record(bought)
    ledger.publish(PROGRAMME.replace("points = 1\nper", "points = 9\nper"), NOW + 1)
    clock.now = NOW + DAY
    assert sum(ledger.event(ledger.record(bought)).award.points) == 10


def test_a_repeat_after_the_card_was_replaced_is_a_repeat(ledger):
    ledger.enrol("c1")
    bought = receipt(card="c1")
    first = ledger.record(bought)
    ledger.replace_card("c1", "c2")
    assert ledger.record(bought) == first._replace(repeat=True)


def test_the_same_receipt_with_another_card_of_the_member_is_a_repeat(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    bought = receipt(card="c1")
    first = ledger.record(bought)
    assert ledger.record(msgspec.structs.replace(bought, card="c2")) == first._replace(repeat=True)


@pytest.mark.parametrize("other", ["c2", "c9"], ids=["a member", "nobody"])
def test_the_same_receipt_with_a_card_of_somebody_else_is_refused(ledger, other):
    ledger.enrol("c1")
    ledger.enrol("c2")
    bought = receipt(card="c1")
    ledger.record(bought)
    with pytest.raises(MemberConflict):
        ledger.record(msgspec.structs.replace(bought, card=other))
    assert points_of(ledger, "c2") == 0


CHANGES = {
    "captured_at": {"captured_at": dt.datetime(2025, 12, 31, 23, 59, tzinfo=dt.UTC)},
    "currency": {"currency": "GBP"},
    "one line more": {"lines": (line(1000), line(0))},
    "product": {"lines": (line(1000, "2"),)},
    "quantity": {"lines": (line(1000, "1", 2),)},
    "amount": {"lines": (line(1001),)},
    "unit": {"lines": (line(1000, unit="gram"),)},
    "discount": {"lines": (line(1000, discount_minor=1),)},
    "category": {"lines": (line(1000, category="dairy"),)},
    "kind": {"lines": (line(1000, kind="deposit"),)},
    "voided": {"lines": (line(1000, voided=True),)},
    "tenders": {"tenders": (Tender("cash", 999),)},
}  # fmt: skip


@pytest.mark.parametrize("card", ["c1", None], ids=["member", "anonymous"])
def test_the_same_key_with_other_content_is_a_conflict_whatever_differs(ledger, card):
    ledger.enrol("c1")
    bought = receipt(card=card, number="7")
    ledger.record(bought)
    head = ledger.log.head()
    for change in CHANGES.values():
        with pytest.raises(KeyConflict):
            ledger.record(msgspec.structs.replace(bought, **change))
    assert ledger.log.head() == head


@pytest.mark.parametrize(
    "change", [{"store": "s2"}, {"lane": "2"}, {"lane": ""}, {"number": "8"},
               {"business_date": dt.date(2025, 12, 31)}], ids=str,
)  # fmt: skip
def test_another_key_is_another_receipt(ledger, change):
    ledger.enrol("c1")
    bought = receipt(card="c1", number="7")
    ledger.record(bought)
    assert not ledger.record(msgspec.structs.replace(bought, **change)).repeat
    assert points_of(ledger, "c1") == 20


# --- attribute ---------------------------------------------------------------------------


def test_an_anonymous_receipt_sent_again_with_a_card_is_given_to_its_holder_once(ledger):
    ledger.enrol("c1")
    bought = receipt(amount=5000)
    assert not ledger.record(bought).repeat
    with_card = structs.replace(bought, card="c1")
    assert not ledger.record(with_card).repeat
    assert points_of(ledger, "c1") == 50
    assert ledger.record(with_card).repeat
    assert ledger.record(bought).repeat
    assert points_of(ledger, "c1") == 50


def test_an_anonymous_receipt_sent_again_with_a_blocked_card_stays_anonymous(ledger):
    ledger.enrol("c1")
    ledger.block_card("c1", "lost")
    bought = receipt(amount=5000)
    ledger.record(bought)
    assert ledger.record(structs.replace(bought, card="c1")).repeat
    assert points_of(ledger, "c1") == 0


def test_an_anonymous_receipt_can_be_given_to_a_member_once(ledger):
    ledger.enrol("c1")
    bought = receipt()
    ledger.record(bought)
    first = ledger.attribute(key(bought), "c1")
    assert ledger.attribute(key(bought), "c1") == first._replace(repeat=True)
    assert states(ledger) == [("attributed", 10)]
    conserved(ledger, "c1")


def test_an_attributed_receipt_says_which_card_it_was_given_to(ledger):
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    bought = receipt()
    ledger.record(bought)
    assert ledger.event(ledger.attribute(key(bought), "c1")).award.card == 0


def test_a_receipt_of_another_member_cannot_be_attributed(ledger):
    ledger.enrol("c1")
    ledger.enrol("c2")
    bought = receipt(card="c1")
    ledger.record(bought)
    with pytest.raises(MemberConflict):
        ledger.attribute(key(bought), "c2")


def test_a_receipt_past_the_late_limit_cannot_be_attributed(ledger, clock):
    ledger.enrol("c1")
    bought = receipt()
    ledger.record(bought)
    clock.now = NOW + 30 * DAY + 1
    with pytest.raises(CapturedTooLate):
        ledger.attribute(key(bought), "c1")


def test_a_receipt_or_card_that_nobody_knows_cannot_be_attributed(ledger):
    bought = receipt()
    with pytest.raises(ReceiptUnknown):
        ledger.attribute(key(bought), "c1")
    ledger.record(bought)
    with pytest.raises(CardUnknown):
        ledger.attribute(key(bought), "c1")


# --- quote -------------------------------------------------------------------------------


def test_a_quote_is_what_recording_then_gives(ledger):
    ledger.enrol("c1", Personal(birthday=dt.date(1990, 1, 1)))
    ledger.record(receipt(card="c1", amount=12_000))
    basket = receipt(line(1234), line(777), card="c1")
    head = ledger.log.head()
    quoted = ledger.quote(basket)
    assert ledger.log.head() == head
    assert (quoted.tier, quoted.available) == ("gold", 120)
    assert quoted.points == ledger.event(ledger.record(basket)).award.points


def test_a_quote_for_a_blocked_card_promises_nothing(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))
    ledger.block_card("c1", "lost")
    quoted = ledger.quote(receipt(card="c1"))
    assert (quoted.points, quoted.member_discounts_minor, quoted.available) == ((0,), (0,), 0)


def test_a_quote_needs_a_known_card_and_the_programmes_currency(ledger):
    ledger.enrol("c1")
    for refusal, basket in [
        (InputInvalid, receipt()),
        (CardUnknown, receipt(card="c9")),
        (CurrencyUnknown, receipt(card="c1", currency="GBP")),
    ]:
        with pytest.raises(refusal):
            ledger.quote(basket)
