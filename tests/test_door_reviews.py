"""Fraud limits, flags, the review queue, and what people decide, through the door."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally

from ledger import events as e
from ledger.errors import (
    CapturedTooLate,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    ReceiptDenied,
    ReceiptInReview,
    ReceiptUnknown,
    ReviewUnknown,
)

ONE_A_DAY = '[fraud.receipts_per_card_day]\nlimit = 1\naction = "review"\n'
NOON = NOW - DAY // 2  # 2025-12-31 13:00 in Berlin


def buy(ledger, amount=1000, card="c1", at=NOON, **fields):
    made = receipt(*fields.pop("lines", ()), amount=amount, card=card, at=at, **fields)
    return made, ledger.record(made)


def flags(ledger, card="c1"):
    """The flags of a member: what was passed, and how many points wait."""
    stream = ledger.member_of(card)
    events = ledger.log.load([stream], "", 2**62).events
    decoded = [ledger.codec.decode[topic](data) for _, _, topic, data in events]
    return [(f.breaches, f.review) for f in decoded if isinstance(f, e.ReceiptFlagged)]


def queue(ledger, **which):
    return [(r.kind, r.points, r.decision) for r in ledger.reviews(**which)]


def in_review(ledger, card="c1"):
    balance = ledger.balance(card)
    return balance.available, balance.in_review


@pytest.fixture
def waiting(ledger_under):
    """10 points of the member's, 40 of a second receipt in review."""
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    buy(ledger, 1000)
    made, outcome = buy(ledger, lines=(line(3000, "1", 3), line(1000, "2")))
    return ledger, made, outcome


# --- what is flagged, and what waits ---------------------------------------------------


def test_without_limits_nothing_is_flagged_or_counted(ledger):
    ledger.enrol("c1")
    for _ in range(5):
        buy(ledger)
    assert flags(ledger) == []
    state = ledger._state(ledger.member_of("c1"))
    assert (state.counts, state.visits) == ((), ())


def test_a_flag_leaves_the_points_where_they_are(ledger_under):
    ledger = ledger_under("[fraud.receipts_per_card_day]\nlimit = 2\n")
    ledger.enrol("c1")
    for _ in range(3):
        buy(ledger)
    assert flags(ledger) == [((("receipts_per_card_day", 3),), 0)]
    assert in_review(ledger) == (30, 0)
    assert (queue(ledger), queue(ledger, flagged=True)) == ([], [("flag", 0, "")])
    conserved(ledger, "c1")


def test_points_in_review_are_not_available(waiting):
    ledger, _, _ = waiting
    assert flags(ledger) == [((("receipts_per_card_day", 2),), 40)]
    assert in_review(ledger) == (10, 40)
    assert tally(ledger, "c1").earned == 50
    assert queue(ledger) == [("points", 40, "open")]
    conserved(ledger, "c1")


def test_receipts_are_counted_by_card_and_by_the_stores_day(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    buy(ledger, card="c1")
    buy(ledger, card="c2")
    buy(ledger, card="c1", at=NOON - DAY)
    assert flags(ledger) == []
    buy(ledger, card="c1", at=NOON - DAY + 60)
    assert flags(ledger) == [((("receipts_per_card_day", 2),), 10)]


def test_a_receipt_that_is_sent_twice_counts_once(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    made, _ = buy(ledger)
    assert ledger.record(made).repeat
    assert flags(ledger) == []


def test_points_of_a_day_are_those_of_all_cards_and_of_receipts_in_review(ledger_under):
    ledger = ledger_under('[fraud.points_per_day]\nlimit = 50\naction = "review"\n')
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    buy(ledger, 3000, "c1")
    buy(ledger, 2000, "c2")  # 50: at the limit
    assert flags(ledger) == []
    buy(ledger, 100, "c1")
    buy(ledger, 100, "c1")
    assert flags(ledger) == [((("points_per_day", 51),), 1), ((("points_per_day", 52),), 1)]
    conserved(ledger, "c1")


def test_different_stores_within_minutes(ledger_under):
    ledger = ledger_under("[fraud.stores]\nlimit = 1\nminutes = 10\n")
    ledger.enrol("c1")
    buy(ledger, store="a")
    buy(ledger, store="a", at=NOON + 60)
    buy(ledger, store="b", at=NOON + 60 + 601)
    assert flags(ledger) == []
    buy(ledger, store="a", at=NOON + 60 + 601 + 600)
    assert flags(ledger) == [((("stores", 2),), 0)]


def test_the_cashiers_own_card(ledger_under):
    ledger = ledger_under('[fraud.own_card]\naction = "review"\n')
    ledger.enrol("c1")
    buy(ledger, cashier="17")
    assert not ledger.mark_staff_card("c1", "17", "Ann").repeat
    assert ledger.mark_staff_card("c1", "17", "Ann").repeat
    ledger.replace_card("c1", "c2")  # the mark is the member's, not the plastic's
    buy(ledger, card="c2", cashier="18")
    buy(ledger, card="c2")
    assert flags(ledger) == []
    buy(ledger, card="c2", cashier="17")
    assert flags(ledger) == [((("own_card", 1),), 10)]
    ledger.mark_staff_card("c2", "", "Ann")
    assert ledger.mark_staff_card("c2", "", "Ann").repeat
    buy(ledger, card="c2", cashier="17")
    assert len(flags(ledger)) == 1
    conserved(ledger, "c2")


def test_a_mark_does_not_tell_who_the_cashier_is(ledger):
    ledger.enrol("c1")
    outcome = ledger.mark_staff_card("c1", "cashier-17", "Ann")
    topic, stored = ledger.log.event(outcome.stream, outcome.version)[:2]
    assert topic == "staff-card"
    assert b"cashier-17" not in stored


@pytest.mark.parametrize(
    ("card", "author", "no"), [("c9", "A", CardUnknown), ("c1", "", InputInvalid)]
)
def test_a_mark_needs_a_card_that_is_held_and_an_author(ledger, card, author, no):
    ledger.enrol("c1")
    with pytest.raises(no):
        ledger.mark_staff_card(card, "17", author)


def test_late_claims_are_those_after_so_many_days(ledger_under):
    ledger = ledger_under('[fraud.late_days]\nlimit = 7\naction = "review"\n')
    ledger.enrol("c1")
    buy(ledger, at=NOW - 7 * DAY)
    assert flags(ledger) == []
    buy(ledger, at=NOW - 7 * DAY - 1)
    assert flags(ledger) == [((("late_days", 8),), 10)]


def test_an_attributed_receipt_is_judged_too(ledger_under, clock):
    ledger = ledger_under('[fraud.late_days]\nlimit = 7\naction = "review"\n')
    ledger.enrol("c1")
    made, _ = buy(ledger, card=None)
    clock.now += 8 * DAY
    ledger.attribute(key(made), "c1")
    assert flags(ledger) == [((("late_days", 9),), 10)]
    assert in_review(ledger) == (0, 10)
    ledger.decide_review(key(made), "known", "Ann", "d1", approve=True)
    assert in_review(ledger) == (10, 0)
    conserved(ledger, "c1")


def test_receipts_that_waited_for_their_card_are_judged_one_by_one(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    for _ in range(3):
        buy(ledger)
    ledger.enrol("c1")
    assert [f[0] for f in flags(ledger)] == [
        (("receipts_per_card_day", 2),), (("receipts_per_card_day", 3),),
    ]  # fmt: skip
    conserved(ledger, "c1")


def test_imported_history_is_neither_judged_nor_counted(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    for _ in range(3):
        ledger.record(receipt(card="c1", at=NOON), history=True)
    buy(ledger)
    assert flags(ledger) == []


def test_a_receipt_without_points_is_flagged_and_nothing_waits(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    buy(ledger)
    buy(ledger, 10)
    assert flags(ledger) == [((("receipts_per_card_day", 2),), 0)]
    assert queue(ledger) == []


def test_of_many_receipts_at_once_exactly_the_limit_is_unflagged(ledger_under):
    ledger = ledger_under('[fraud.receipts_per_card_day]\nlimit = 3\naction = "review"\n')
    ledger.enrol("c1")
    made = [receipt(card="c1", at=NOON) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(ledger.record, made))
    assert [breach[0][1] for breach, _ in flags(ledger)] == list(range(4, 21))
    assert in_review(ledger) == (30, 170)
    assert len(queue(ledger)) == 17
    conserved(ledger, "c1")


# --- deciding on points ----------------------------------------------------------------


def test_approved_points_come_into_the_lot_of_their_award(waiting):
    ledger, made, scanned = waiting
    outcome = ledger.decide_review(key(made), "a party", "Ann", "d1", approve=True)
    event, award = ledger.event(outcome), ledger.event(scanned).award
    assert (event.points, event.repaid, event.qualifying) == (40, 0, 40)
    assert (event.activates_at, event.expires_at) == (award.activates_at, award.expires_at)
    assert in_review(ledger) == (50, 0)
    assert len(tally(ledger, "c1").lots) == 1
    assert (queue(ledger), queue(ledger, decided=True)) == ([], [("points", 40, "approved")])
    conserved(ledger, "c1")


def test_denied_points_are_reversed(waiting):
    ledger, made, _ = waiting
    ledger.decide_review(key(made), "stolen", "Ann", "d1", approve=False)
    assert in_review(ledger) == (10, 0)
    assert tally(ledger, "c1").reversed == 40
    assert queue(ledger, decided=True) == [("points", 40, "denied")]
    conserved(ledger, "c1")


def test_a_review_is_decided_by_the_id_that_the_queue_lists(waiting):
    ledger, _, _ = waiting
    (row,) = ledger.reviews()
    ledger.decide_review(row.review_id.hex(), "fine", "Ann", "d1", approve=True)
    assert in_review(ledger) == (50, 0)
    (decided,) = ledger.reviews(decided=True)
    assert (decided.reason, decided.author, decided.breaches) == (
        "fine", "Ann", "receipts_per_card_day 2",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["zz", "", "01" * 16, "03" * 15])
def test_something_else_is_no_receipts_id(ledger, text):
    with pytest.raises(InputInvalid):
        ledger.decide_review(text, "x", "Ann", "d1", approve=True)


@pytest.mark.parametrize("approve", [True, False])
def test_the_same_decision_again_is_a_repeat(waiting, approve):
    ledger, made, _ = waiting
    first = ledger.decide_review(key(made), "x", "Ann", "d1", approve=approve)
    head = ledger.log.head()
    assert ledger.decide_review(key(made), "x", "Ann", "d1", approve=approve) == first._replace(
        repeat=True
    )
    assert ledger.log.head() == head


@pytest.mark.parametrize(
    "changed", [{"reason": "y"}, {"author": "Bob"}, {"approve": False}, {"receipt": "other"}]
)
def test_the_same_command_id_with_another_decision_is_a_conflict(waiting, changed):
    ledger, made, _ = waiting
    other, _ = buy(ledger)
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    said = {"receipt": key(made), "reason": "x", "author": "Ann", "approve": True, **changed}
    said["receipt"] = key(other) if said["receipt"] == "other" else said["receipt"]
    with pytest.raises(KeyConflict):
        ledger.decide_review(command_id="d1", **said)


@pytest.mark.parametrize("approve", [True, False])
def test_what_is_decided_is_not_decided_again(waiting, approve):
    ledger, made, _ = waiting
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=approve)
    with pytest.raises(ReviewUnknown, match="It was approved" if approve else "It was denied"):
        ledger.decide_review(key(made), "x", "Ann", "d2", approve=not approve)
    conserved(ledger, "c1")


def test_two_people_at_once_decide_once(waiting):
    ledger, made, _ = waiting

    def decide(number):
        try:
            approve = number % 2 == 0
            ledger.decide_review(key(made), "x", "Ann", f"d{number}", approve=approve)
        except ReviewUnknown:
            return 0
        return 1

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(decide, range(10))) == 1
    conserved(ledger, "c1")


def test_a_receipt_that_does_not_wait_is_not_decided_on(waiting):
    ledger, _, _ = waiting
    usual, _ = buy(ledger, at=NOON - DAY)
    nameless, _ = buy(ledger, card=None)
    for made in (usual, nameless):
        with pytest.raises(ReviewUnknown):
            ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    with pytest.raises(ReceiptUnknown):
        ledger.decide_review(key(receipt()), "x", "Ann", "d1", approve=True)


@pytest.mark.parametrize(("reason", "author", "field"), [("", "A", "reason"), ("x", "", "author")])
def test_a_decision_needs_a_reason_and_an_author(waiting, reason, author, field):
    ledger, made, _ = waiting
    head = ledger.log.head()
    with pytest.raises(InputInvalid) as refusal:
        ledger.decide_review(key(made), reason, author, "d1", approve=True)
    assert refusal.value.field == field
    assert ledger.log.head() == head


def test_points_approved_after_their_expiry_are_born_expired(waiting, clock):
    ledger, made, _ = waiting
    clock.now += 500 * DAY
    ledger.decide_review(key(made), "at last", "Ann", "d1", approve=True)
    balance = ledger.balance("c1")
    assert (balance.available, balance.expired, balance.in_review) == (0, 50, 0)
    conserved(ledger, "c1")


def test_arrears_are_repaid_when_points_are_approved_not_before(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    first, _ = buy(ledger, 3000)
    ledger.redeem("c1", "r1", points=30)
    ledger.return_goods(key(first), "b1")
    made, _ = buy(ledger, 2000)
    assert (tally(ledger, "c1").arrears, in_review(ledger)) == (30, (0, 20))
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    assert (tally(ledger, "c1").arrears, in_review(ledger)) == (10, (0, 0))
    conserved(ledger, "c1")


def test_points_in_review_count_towards_a_tier_only_when_they_are_approved(ledger_under):
    ledger = ledger_under(ONE_A_DAY)  # gold from 100
    ledger.enrol("c1")
    buy(ledger, 1000)
    made, _ = buy(ledger, 9000)
    assert ledger.member("c1").tier == "basic"
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    assert ledger.member("c1").tier == "gold"
    assert ledger._state(ledger.member_of("c1")).tier == "gold"
    with ledger.reading() as reader:
        assert reader.qualifying(ledger.member_of("c1"))[1] == (100,)


def test_denied_points_never_count_towards_a_tier(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    buy(ledger, 1000)
    made, _ = buy(ledger, 9000)
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=False)
    ledger.return_goods(key(made), "b1")
    with ledger.reading() as reader:
        assert reader.qualifying(ledger.member_of("c1"))[1] == (10,)
    assert ledger._state(ledger.member_of("c1")).qualifying == (10,)


# --- goods of a receipt in review that come back ---------------------------------------


def test_a_return_takes_points_that_wait_before_any_others(waiting):
    ledger, made, _ = waiting
    outcome = ledger.return_goods(key(made), "b1", {1: 1})  # 10 of 30 points
    event = ledger.event(outcome)
    assert (event.points, event.from_review, event.uncounted, event.takes) == ((10,), 10, 0, ())
    assert in_review(ledger) == (10, 30)
    assert tally(ledger, "c1").reversed == 10
    assert queue(ledger) == [("points", 30, "open")]
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    assert in_review(ledger) == (40, 0)
    conserved(ledger, "c1")


def test_a_return_by_another_receipt_takes_points_that_wait_too(waiting):
    ledger, made, _ = waiting
    buy(ledger, lines=(back(made, 2),), at=NOON + 60)
    assert in_review(ledger) == (10, 30)
    conserved(ledger, "c1")


def test_a_return_after_approval_takes_from_the_lot(waiting):
    ledger, made, _ = waiting
    ledger.return_goods(key(made), "b1", {1: 1})
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    event = ledger.event(ledger.return_goods(key(made), "b2"))
    assert (sum(event.points), event.from_review, sum(t.points for t in event.takes)) == (30, 0, 30)
    assert in_review(ledger) == (10, 0)
    assert ledger._state(ledger.member_of("c1")).qualifying == (10,)
    conserved(ledger, "c1")


def test_a_return_after_denial_takes_nothing_more(waiting):
    ledger, made, _ = waiting
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=False)
    event = ledger.event(ledger.return_goods(key(made), "b1"))
    assert (event.forgiven, event.uncounted, event.takes, event.arrears) == (40, 0, (), 0)
    assert in_review(ledger) == (10, 0)
    assert tally(ledger, "c1").reversed == 40
    conserved(ledger, "c1")


@pytest.mark.parametrize("approve", [True, False])
def test_with_all_goods_back_a_decision_only_closes_the_review(waiting, approve):
    ledger, made, _ = waiting
    ledger.return_goods(key(made), "b1")
    assert queue(ledger) == [("points", 0, "open")]
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=approve)
    assert ledger.decide_review(key(made), "x", "Ann", "d1", approve=approve).repeat
    assert queue(ledger) == []
    assert in_review(ledger) == (10, 0)
    conserved(ledger, "c1")


# --- receipts that wait without points -------------------------------------------------


def blocked(ledger):
    ledger.enrol("c1")
    ledger.block_card("c1", "lost")
    return buy(ledger)[0]


def late(ledger):
    ledger.enrol("c1")
    return buy(ledger, at=NOW - 31 * DAY)[0]


KEPT_BACK = [(blocked, "blocked_card"), (late, "late")]


@pytest.mark.parametrize(("make", "kind"), KEPT_BACK)
def test_an_approved_receipt_goes_to_the_holder_of_its_card(ledger, make, kind):
    made = make(ledger)
    assert queue(ledger) == [(kind, 0, "open")]
    outcome = ledger.decide_review(key(made), "seen", "Ann", "d1", approve=True)
    assert isinstance(ledger.event(outcome), e.ReceiptAttributed)
    assert points_of(ledger, "c1") == 10
    assert ledger.decide_review(key(made), "seen", "Ann", "d1", approve=True).repeat
    (row,) = ledger.reviews(decided=True)
    assert (row.decision, row.member_id) == ("approved", ledger.member_of("c1"))
    conserved(ledger, "c1")


@pytest.mark.parametrize(("make", "kind"), KEPT_BACK)
def test_a_denied_receipt_is_closed_and_never_attributed(ledger, make, kind):
    made = make(ledger)
    ledger.decide_review(key(made), "no", "Ann", "d1", approve=False)
    assert queue(ledger) == []
    ledger.enrol("c2")
    for card in ("c1", "c2"):
        with pytest.raises(ReceiptDenied):
            ledger.attribute(key(made), card)
    with pytest.raises(ReviewUnknown, match="It was denied"):
        ledger.decide_review(key(made), "yes", "Ann", "d2", approve=True)
    assert ledger.record(made).repeat
    assert points_of(ledger, "c1") == 0


@pytest.mark.parametrize(("make", "kind"), KEPT_BACK)
def test_a_receipt_that_waits_is_not_attributed_past_the_queue(ledger, make, kind):
    made = make(ledger)
    ledger.enrol("c2")
    with pytest.raises(ReceiptInReview):
        ledger.attribute(key(made), "c2")


def test_an_approved_receipt_is_not_judged_again_but_counted(ledger_under):
    ledger = ledger_under(ONE_A_DAY)
    ledger.enrol("c1")
    buy(ledger, at=NOW - 29 * DAY)
    made, _ = buy(ledger, at=NOW - 31 * DAY)
    ledger.decide_review(key(made), "seen", "Ann", "d1", approve=True)
    assert flags(ledger) == []
    again, _ = buy(ledger, at=NOW - 31 * DAY + 60)
    ledger.decide_review(key(again), "seen", "Ann", "d2", approve=True)
    assert in_review(ledger) == (30, 0)
    assert ledger._state(ledger.member_of("c1")).counts[0].receipts == 2


def test_a_nameless_receipt_past_the_late_limit_is_in_no_queue(ledger, clock):
    ledger.enrol("c1")
    made, _ = buy(ledger, card=None)
    clock.now += 40 * DAY
    assert queue(ledger) == []
    with pytest.raises(CapturedTooLate):
        ledger.attribute(key(made), "c1")


def test_a_ledger_with_reviews_verifies_and_rebuilds_the_same(waiting):
    ledger, made, _ = waiting
    denied, _ = buy(ledger, 700)
    buy(ledger, 900)
    ledger.return_goods(key(made), "b1", {1: 2})
    ledger.decide_review(key(made), "x", "Ann", "d1", approve=True)
    ledger.decide_review(key(denied), "x", "Ann", "d2", approve=False)
    live = ledger.digests()
    assert ledger.verify().findings == []
    ledger.rebuild()
    assert ledger.digests() == live
