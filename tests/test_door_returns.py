"""The door, returns: points go back with the goods, once, whoever brings them."""

import msgspec
import pytest

from ledger import events as e
from ledger.errors import (
    KeyConflict,
    LedgerError,
    LineUnknown,
    PointsSpent,
    ReceiptUnknown,
    ReturnTooLarge,
)
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally


def bought(ledger, *lines, card="c1", **fields):
    """A member who bought something."""
    ledger.enrol(card)
    made = receipt(*lines, card=card, **fields)
    ledger.record(made)
    return made


def returned(ledger, outcome):
    event = ledger.event(outcome)
    assert isinstance(event, e.GoodsReturned)
    return event


# --- by command --------------------------------------------------------------------------


def test_a_whole_receipt_takes_all_its_points_back(ledger):
    of = bought(ledger, line(1000), line(550, quantity=3))
    event = returned(ledger, ledger.return_goods(key(of), "r1"))
    assert (event.points, event.amounts_minor, event.arrears, event.forgiven) == (
        (10, 5), (1000, 550), 0, 0,
    )  # fmt: skip
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


def test_one_line_takes_exactly_its_points_back(ledger):
    of = bought(ledger, line(1000), line(550))
    ledger.return_goods(key(of), "r1", {2: 1})
    assert points_of(ledger, "c1") == 10


def test_any_split_of_returns_takes_back_the_award(ledger):
    of = bought(ledger, line(1099, quantity=7))
    parts = [returned(ledger, ledger.return_goods(key(of), f"r{n}", {1: 1})) for n in range(7)]
    assert sum(p.points[0] for p in parts) == 10
    assert sum(p.amounts_minor[0] for p in parts) == 1099
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


def test_a_whole_return_after_a_part_takes_back_the_rest(ledger):
    of = bought(ledger, line(1099, quantity=7), line(300))
    ledger.return_goods(key(of), "r1", {1: 3})
    ledger.return_goods(key(of), "r2")
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


def test_buying_and_returning_many_times_leaves_the_balance_unchanged(ledger):
    bought(ledger, line(5000))
    for n in range(20):
        of = bought(ledger, line(1234, quantity=3))
        ledger.return_goods(key(of), f"r{n}")
    assert points_of(ledger, "c1") == 50
    conserved(ledger, "c1")


def test_the_same_return_again_is_a_repeat(ledger):
    of = bought(ledger, line(1000, quantity=2))
    first = ledger.return_goods(key(of), "r1", {1: 1})
    assert ledger.return_goods(key(of), "r1", {1: 1}) == first._replace(repeat=True)
    assert points_of(ledger, "c1") == 5


def test_a_return_id_with_other_content_is_a_conflict(ledger):
    of, other = bought(ledger, line(1000, quantity=3), line(1)), bought(ledger)
    ledger.return_goods(key(of), "r1", {1: 1})
    for receipt_key, lines in [(key(other), {1: 1}), (key(of), {1: 2}), (key(of), {2: 1}),
                               (key(of), None), (key(of), {1: 1, 2: 1})]:  # fmt: skip
        with pytest.raises(KeyConflict):
            ledger.return_goods(receipt_key, "r1", lines)


def test_more_than_was_bought_cannot_come_back(ledger):
    of = bought(ledger, line(1000, quantity=2))
    with pytest.raises(ReturnTooLarge, match="3 asked, 2 left"):
        ledger.return_goods(key(of), "r1", {1: 3})
    ledger.return_goods(key(of), "r2", {1: 1})
    with pytest.raises(ReturnTooLarge, match="2 asked, 1 left"):
        ledger.return_goods(key(of), "r3", {1: 2})
    assert points_of(ledger, "c1") == 5


@pytest.mark.parametrize("quantity", [0, -1])
def test_nothing_or_less_cannot_come_back(ledger, quantity):
    of = bought(ledger)
    with pytest.raises(ReturnTooLarge):
        ledger.return_goods(key(of), "r1", {1: quantity})


def test_a_receipt_cannot_come_back_twice(ledger):
    of = bought(ledger)
    ledger.return_goods(key(of), "r1")
    with pytest.raises(ReturnTooLarge):
        ledger.return_goods(key(of), "r2")


@pytest.mark.parametrize("number", [0, 3, -1, 2], ids=["0", "beyond", "negative", "voided"])
def test_a_line_that_sold_nothing_cannot_come_back(ledger, number):
    of = bought(ledger, line(1000), line(500, voided=True))
    with pytest.raises(LineUnknown):
        ledger.return_goods(key(of), "r1", {number: 1})


def test_a_receipt_that_was_never_recorded_cannot_come_back(ledger):
    with pytest.raises(ReceiptUnknown):
        ledger.return_goods(key(receipt()), "r1")


def test_a_refused_return_can_be_sent_again_with_its_id(ledger):
    of = receipt(card="c1")
    with pytest.raises(ReceiptUnknown):
        ledger.return_goods(key(of), "r1")
    ledger.enrol("c1")
    ledger.record(of)
    assert not ledger.return_goods(key(of), "r1").repeat


def test_an_anonymous_receipt_comes_back_without_points(ledger):
    of = receipt()
    ledger.record(of)
    assert isinstance(ledger.event(ledger.return_goods(key(of), "r1")), e.LinesReturned)
    with pytest.raises(ReturnTooLarge):
        ledger.return_goods(key(of), "r2")


def test_what_came_back_before_a_receipt_was_attributed_is_taken_off_it(ledger):
    of = receipt(line(1000, quantity=4), line(300))
    ledger.record(of)
    ledger.return_goods(key(of), "r1", {1: 1, 2: 1})
    ledger.enrol("c1")
    ledger.attribute(key(of), "c1")
    assert points_of(ledger, "c1") == 8  # 10 + 3 earned; 10 * 1 // 4 = 2 and 3 taken off
    ledger.return_goods(key(of), "r2", {1: 1})
    ledger.return_goods(key(of), "r3")
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


# --- when the points are gone ------------------------------------------------------------


def spent(ledger, points=8):
    of = bought(ledger)
    ledger.redeem("c1", "spend", points=points)
    return of


def test_points_that_are_spent_are_owed_and_repaid_by_what_is_earned_next(ledger):
    of = spent(ledger)
    event = returned(ledger, ledger.return_goods(key(of), "r1"))
    assert (sum(t.points for t in event.takes), event.arrears, event.forgiven) == (2, 8, 0)
    assert ledger.balance("c1").arrears == 8
    conserved(ledger, "c1")
    bought(ledger, line(500))
    assert ledger.balance("c1")[:4] == (0, 0, 0, 3)
    bought(ledger, line(500))
    assert ledger.balance("c1")[:4] == (2, 0, 0, 0)
    conserved(ledger, "c1")


def test_arrears_are_repaid_by_an_adjustment_too(ledger):
    ledger.return_goods(key(spent(ledger)), "r1")
    ledger.adjust("c1", 10, "sorry", "Ada", "a1")
    assert ledger.balance("c1")[:4] == (2, 0, 0, 0)
    conserved(ledger, "c1")


def test_a_receipt_that_repaid_arrears_still_gives_all_its_points_back(ledger):
    ledger.return_goods(key(spent(ledger)), "r1")
    ledger.return_goods(key(bought(ledger)), "r2")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 8)
    conserved(ledger, "c1")


def test_a_programme_may_let_spent_points_go(ledger_under):
    ledger = ledger_under('[returns]\nwhen_spent = "take"')
    event = returned(ledger, ledger.return_goods(key(spent(ledger)), "r1"))
    assert (sum(t.points for t in event.takes), event.arrears, event.forgiven) == (2, 0, 8)
    assert ledger.balance("c1")[:4] == (0, 0, 0, 0)
    conserved(ledger, "c1")


def test_a_programme_may_refuse_returns_of_spent_points(ledger_under):
    ledger = ledger_under('[returns]\nwhen_spent = "refuse"')
    of = spent(ledger)
    head = ledger.log.head()
    with pytest.raises(PointsSpent, match="10 to take back, 2 there"):
        ledger.return_goods(key(of), "r1")
    assert ledger.log.head() == head
    bought(ledger, line(800))
    ledger.return_goods(key(of), "r1")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 0)


def test_points_that_have_expired_are_not_taken_again(ledger, clock):
    of = bought(ledger)
    clock.now = NOW + 500 * DAY
    bought(ledger, line(300), at=clock.now)
    event = returned(ledger, ledger.return_goods(key(of), "r1"))
    assert (event.takes, event.arrears, event.forgiven) == ((), 0, 10)
    assert ledger.balance("c1")[:4] == (3, 0, 10, 0)
    conserved(ledger, "c1")


def test_a_return_takes_from_its_own_lot_first(ledger, clock):
    old = bought(ledger)
    clock.now = NOW + 40 * DAY
    new = bought(ledger, at=clock.now)
    ledger.return_goods(key(new), "r1")
    (lot,) = tally(ledger, "c1").lots
    assert lot[0] == ledger.event(ledger.record(old)).award.expires_at


def test_a_return_takes_pending_points_of_its_own_lot(ledger_under):
    ledger = ledger_under("[lots]\npending_days = 3\n")
    of = bought(ledger)
    assert ledger.balance("c1")[:2] == (0, 10)
    ledger.return_goods(key(of), "r1")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 0)
    conserved(ledger, "c1")


# --- by receipt --------------------------------------------------------------------------


def test_a_receipt_can_bring_goods_back(ledger):
    of = bought(ledger, line(1000), line(550))
    ledger.record(receipt(back(of), card="c1", at=NOW))
    assert points_of(ledger, "c1") == 5
    conserved(ledger, "c1")


def test_an_exchange_earns_for_what_is_bought_and_takes_back_the_rest(ledger):
    of = bought(ledger)
    outcome = ledger.record(receipt(back(of), line(2500, "2"), card="c1"))
    assert ledger.event(outcome).award.points == (0, 25)
    assert points_of(ledger, "c1") == 25
    assert ledger.member("c1").row.spend_minor == 2500
    conserved(ledger, "c1")


def test_an_exchange_sent_again_is_a_repeat(ledger):
    of = bought(ledger)
    exchange = receipt(back(of), line(2500, "2"), card="c1")
    first = ledger.record(exchange)
    assert ledger.record(exchange) == first._replace(repeat=True)
    assert points_of(ledger, "c1") == 25


def test_goods_of_one_member_brought_back_by_another_take_the_first_ones_points(ledger):
    of = bought(ledger)
    ledger.enrol("c2")
    ledger.record(receipt(back(of), line(500, "2"), card="c2"))
    assert (points_of(ledger, "c1"), points_of(ledger, "c2")) == (0, 5)
    conserved(ledger, "c1")
    conserved(ledger, "c2")


def test_goods_brought_back_anonymously_take_the_members_points(ledger):
    of = bought(ledger)
    ledger.record(receipt(back(of)))
    assert points_of(ledger, "c1") == 0


def test_goods_of_two_receipts_can_come_back_on_one(ledger):
    first, second = bought(ledger, line(1000)), bought(ledger, line(700))
    ledger.record(receipt(back(first), back(second), card="c1"))
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


def test_one_line_can_come_back_on_two_lines(ledger):
    of = bought(ledger, line(1000, quantity=4))
    ledger.record(receipt(back(of, quantity=1), back(of, quantity=2), card="c1"))
    with pytest.raises(ReturnTooLarge):
        ledger.record(receipt(back(of, quantity=2), card="c1"))
    assert points_of(ledger, "c1") == 3


def test_a_receipt_and_a_command_share_what_is_left(ledger):
    of = bought(ledger, line(1000, quantity=4))
    ledger.record(receipt(back(of, quantity=3), card="c1"))
    with pytest.raises(ReturnTooLarge, match="2 asked, 1 left"):
        ledger.return_goods(key(of), "r1", {1: 2})
    ledger.return_goods(key(of), "r2")
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


def test_a_refused_return_on_a_receipt_records_none_of_it(ledger):
    of = bought(ledger)
    head = ledger.log.head()
    too_much = receipt(line(500, "2"), back(of, quantity=2, amount_minor=1), card="c1")
    no_line = receipt(back(of), card="c1")
    ref = msgspec.structs.replace(no_line.lines[0].return_of, line=9)
    no_line = receipt(msgspec.structs.replace(no_line.lines[0], return_of=ref), card="c1")
    for refused in (too_much, no_line):
        with pytest.raises(LedgerError) as refusal:
            ledger.record(refused)
        assert type(refusal.value) in {ReturnTooLarge, LineUnknown}
    assert ledger.log.head() == head


def test_returned_goods_count_no_more_towards_the_tier(ledger, clock):
    of = bought(ledger, line(9900))
    ledger.return_goods(key(of), "r1")
    bought(ledger, line(9900))
    assert ledger.member("c1").tier == "basic"


def test_a_tier_once_reached_is_kept_when_goods_come_back(ledger, clock):
    of = bought(ledger, line(10_000))
    ledger.return_goods(key(of), "r1")
    assert ledger.member("c1").tier == "gold"
    clock.now = NOW + 40 * DAY
    assert ledger.member("c1").tier == "basic"
