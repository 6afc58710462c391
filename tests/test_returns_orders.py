"""The door, returns in any order: what a receipt has earned depends on what of it is sold.

Also returns without a receipt, returns taken back, and points that had paid for the goods.
"""

import itertools

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger import events as e
from ledger.errors import (
    AmountInvalid,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    LedgerError,
    LineUnknown,
    PointsSpent,
    ReturnTooLarge,
    ReturnUnknown,
)
from ledger.projections.receipt import FCT_RECEIPT
from ledger.types import Line, Tender
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally

_names = itertools.count()
on_one_ledger = settings(
    deadline=None, max_examples=40, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)  # fmt: skip


def bought(ledger, *lines, card="c1", **fields):
    ledger.enrol(card)
    made = receipt(*lines, card=card, **fields)
    ledger.record(made)
    return made


def lots(ledger, card="c1"):
    return [(lot[0], lot[3]) for lot in tally(ledger, card).lots]


# --- a return before its sale ------------------------------------------------------------


def test_a_return_that_comes_before_its_sale_waits_for_it(ledger):
    ledger.enrol("c1")
    of = receipt(line(1_000, quantity=4), card="c1")
    ledger.record(receipt(back(of, quantity=3), card="c1"))
    assert ledger.balance("c1")[:4] == (0, 0, 0, 0)
    ledger.record(of)
    assert ledger.balance("c1")[:4] == (3, 0, 0, 0)
    assert ledger.member("c1").row.spend_minor == 250
    with pytest.raises(ReturnTooLarge, match="2 asked, 1 left"):
        ledger.return_goods(key(of), "r1", {1: 2})
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_what_waits_is_recorded_once(ledger):
    ledger.enrol("c1")
    of = receipt(line(1_000, quantity=4), card="c1")
    returning = receipt(back(of, quantity=3), card="c1")
    ledger.record(returning)
    assert ledger.record(returning).repeat
    ledger.record(of)
    assert ledger.record(of).repeat
    assert ledger.record(returning).repeat
    assert points_of(ledger, "c1") == 3


def test_no_more_is_taken_off_than_was_sold(ledger):
    ledger.enrol("c1")
    of = receipt(line(1_000, quantity=2), line(500), line(300, voided=True), card="c1")
    too_many = receipt(
        back(of, quantity=5, amount_minor=9_999), back(of, 3), back(of, 2), card="c1"
    )
    ledger.record(too_many)
    ledger.record(of)
    assert points_of(ledger, "c1") == 0
    assert ledger.member("c1").row.spend_minor == 0
    conserved(ledger, "c1")


def test_what_waits_for_a_line_that_sold_nothing_takes_nothing(ledger):
    ledger.enrol("c1")
    of = receipt(line(1_000), line(300, voided=True), card="c1")
    ledger.record(receipt(back(of, 2), card="c1"))
    ledger.record(of)
    assert points_of(ledger, "c1") == 10
    ledger.return_goods(key(of), "r1")
    conserved(ledger, "c1")


def test_a_return_that_waits_can_be_voided(ledger):
    ledger.enrol("c1")
    of = receipt(line(1_000), card="c1")
    returning = receipt(back(of), card="c1")
    ledger.record(returning)
    ledger.void_return(key(of), key(returning), "v1")
    ledger.record(of)
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")
    assert ledger.verify().clean


def told(ledger, card, of):
    """All that a history may lead to."""
    with ledger.reading() as reader:
        back_of = reader._rows(
            "SELECT returned_minor, returned_points, points FROM {t} WHERE receipt_id = ?",
            FCT_RECEIPT,
            (ledger.keys.receipt(key(of)),),
        )
        qualifying = reader.qualifying(ledger.member_of(card))
    view = ledger.member(card)
    days = [(day, points) for day, points in zip(*qualifying, strict=True) if points]
    return view.balance, lots(ledger, card), view.row.spend_minor, view.tier, days, back_of


@given(data=st.data())
@on_one_ledger
def test_the_order_of_sale_returns_voids_and_members_makes_no_difference(ledger, clock, data):
    clock.now = NOW + DAY
    quantity = data.draw(st.integers(2, 7), "quantity")
    first = data.draw(st.integers(1, quantity - 1), "first return")
    second = data.draw(st.integers(1, quantity - first), "second return")
    amounts = data.draw(st.tuples(st.integers(0, 5_000), st.integers(0, 3_000)), "amounts")
    anonymous = data.draw(st.booleans(), "anonymous")
    voided = data.draw(st.lists(st.sampled_from([0, 1]), unique=True), "voided")

    def history(order):
        """Do it in this order; what cannot be done yet is tried again, as a till would."""
        n = next(_names)
        card = f"card {n}"
        sold = receipt(
            line(amounts[0], quantity=quantity), line(amounts[1], "2"),
            card=None if anonymous else card,
        )  # fmt: skip
        returns = [
            receipt(back(sold, quantity=first), back(sold, 2)),
            receipt(back(sold, quantity=second)),
        ]
        todo = {
            "sale": lambda: ledger.record(sold),
            "enrol": lambda: ledger.enrol(card),
            "return 0": lambda: ledger.record(returns[0]),
            "return 1": lambda: ledger.record(returns[1]),
        }
        if anonymous:
            todo["attribute"] = lambda: ledger.attribute(key(sold), card)
        for which in voided:
            todo[f"void {which}"] = lambda which=which: ledger.void_return(
                key(sold), key(returns[which]), f"{n} {which}"
            )
        waiting = [todo[name] for name in order(list(todo))]
        while waiting:
            left = []
            for act in waiting:
                try:
                    act()
                except LedgerError:
                    left.append(act)
            assert len(left) < len(waiting)
            waiting = left
        conserved(ledger, card)
        return told(ledger, card, sold)

    usual = history(lambda names: sorted(names, key=lambda n: (n[0] not in "es", n)))
    shuffled = history(lambda names: data.draw(st.permutations(names), "order"))
    assert shuffled == usual


def test_buying_and_returning_a_thousand_times_leaves_the_balance_unchanged(ledger):
    bought(ledger, line(5_000))
    before = ledger.balance("c1"), lots(ledger)
    receipts = []
    for _ in range(1_000):
        made = receipt(line(1_234, quantity=3), line(333, "2"), card="c1")
        receipts += [made, receipt(back(made, quantity=3), back(made, 2), card="c1")]
    assert not [a for a in ledger.record_all(receipts) if isinstance(a, Exception)]
    assert (ledger.balance("c1"), lots(ledger)) == before
    conserved(ledger, "c1")
    assert ledger.verify().clean


# --- voided returns ----------------------------------------------------------------------


def test_a_voided_return_leaves_everything_as_it_was(ledger):
    of = bought(ledger, line(1_099, quantity=3), line(500, "2"))
    before = told(ledger, "c1", of)
    ledger.return_goods(key(of), "r1")
    event = ledger.event(ledger.void_return(key(of), "r1", "v1"))
    assert isinstance(event, e.ReturnVoided)
    assert (event.points, event.reinstated, event.arrears) == ((10, 5), 15, 0)
    assert told(ledger, "c1", of) == before
    assert tally(ledger, "c1").reinstated == 15
    conserved(ledger, "c1")
    assert ledger.verify().clean
    ledger.return_goods(key(of), "r2")
    assert points_of(ledger, "c1") == 0


def test_a_return_by_receipt_is_voided_by_its_key(ledger):
    of = bought(ledger)
    returning = receipt(back(of), card="c1")
    ledger.record(returning)
    ledger.void_return(key(of), key(returning), "v1")
    assert points_of(ledger, "c1") == 10
    conserved(ledger, "c1")


def test_a_return_is_voided_once(ledger):
    of = bought(ledger)
    ledger.return_goods(key(of), "r1")
    first = ledger.void_return(key(of), "r1", "v1")
    assert ledger.void_return(key(of), "r1", "v1") == first._replace(repeat=True)
    with pytest.raises(ReturnUnknown):
        ledger.void_return(key(of), "r1", "v2")
    with pytest.raises(KeyConflict):
        ledger.void_return(key(of), "r2", "v1")
    assert points_of(ledger, "c1") == 10


def test_what_never_came_back_cannot_be_voided(ledger):
    of = bought(ledger)
    for receipt_key, by in ((key(of), "r1"), (key(of), key(of)), (key(receipt()), "r1")):
        with pytest.raises(ReturnUnknown):
            ledger.void_return(receipt_key, by, "v1")


def test_an_anonymous_return_is_voided_without_points(ledger):
    of = receipt()
    ledger.record(of)
    ledger.return_goods(key(of), "r1")
    assert isinstance(ledger.event(ledger.void_return(key(of), "r1", "v1")), e.LinesKept)
    ledger.return_goods(key(of), "r2")


def test_voiding_a_return_cancels_what_is_still_owed_for_it(ledger):
    of = bought(ledger)
    ledger.redeem("c1", "spend", points=8)
    ledger.return_goods(key(of), "r1")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 8)
    ledger.void_return(key(of), "r1", "v1")
    assert ledger.balance("c1")[:4] == (2, 0, 0, 0)
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_voiding_a_return_gives_repaid_arrears_back_as_points(ledger):
    of = bought(ledger)
    ledger.redeem("c1", "spend", points=8)
    ledger.return_goods(key(of), "r1")
    bought(ledger, line(500))
    assert ledger.balance("c1")[:4] == (0, 0, 0, 3)
    event = ledger.event(ledger.void_return(key(of), "r1", "v1"))
    assert (event.arrears, event.reinstated) == (3, 10)
    assert ledger.balance("c1")[:4] == (7, 0, 0, 0)
    conserved(ledger, "c1")
    assert ledger.verify().clean


@pytest.mark.parametrize("voids", list(itertools.permutations(range(3))))
def test_voiding_parts_in_any_order_gives_back_the_whole_award(ledger, voids):
    of = bought(ledger, line(1_099, quantity=3))
    for n in range(3):
        ledger.return_goods(key(of), f"r{n}", {1: 1})
    assert points_of(ledger, "c1") == 0
    for n in voids:
        ledger.void_return(key(of), f"r{n}", f"v{n}")
        conserved(ledger, "c1")
    assert points_of(ledger, "c1") == 10


def test_what_a_return_had_let_go_stays_gone_when_it_is_voided(ledger_under):
    ledger = ledger_under('[returns]\nwhen_spent = "take"')
    of = bought(ledger)
    ledger.redeem("c1", "spend", points=8)
    ledger.return_goods(key(of), "r1")
    event = ledger.event(ledger.void_return(key(of), "r1", "v1"))
    assert (event.reinstated, event.arrears) == (2, 0)
    assert ledger.balance("c1")[:4] == (2, 0, 0, 0)
    conserved(ledger, "c1")


# --- goods that points had paid for ------------------------------------------------------


def paid(ledger, points=40, card="c1", ref="pay", lines=None, **fields):
    """100 points by hand; a purchase of 10.00 of which points pay a part, and the lot of 100."""
    ledger.enrol(card)
    ledger.adjust(card, 100, "start", "Ada", f"a {card}")
    ledger.redeem(card, ref, points=points)
    made = receipt(
        *(lines or [line(1_000, quantity=3)]), card=card,
        tenders=(Tender("points", points * 10, ref), Tender("cash", 1_000 - points * 10)),
        **fields,
    )  # fmt: skip
    ledger.record(made)
    return made


def restored(ledger, card="c1"):
    return tally(ledger, card).restored


def test_points_that_paid_come_back_with_the_goods_to_their_own_lot(ledger):
    of = paid(ledger)
    assert points_of(ledger, "c1") == 70  # 100 - 40 + 10 earned
    ledger.return_goods(key(of), "r1")
    assert restored(ledger) == 40
    assert sorted(lot[2:] for lot in tally(ledger, "c1").lots) == [(1, 100)]
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_parts_restore_exactly_the_whole(ledger):
    of = paid(ledger)
    for n, sum_so_far in enumerate((13, 26, 40)):  # 40 * 333 // 1000, 40 * 666 // 1000, all
        ledger.return_goods(key(of), f"r{n}", {1: 1})
        assert restored(ledger) == sum_so_far
        conserved(ledger, "c1")
    assert points_of(ledger, "c1") == 100


def test_a_hold_that_paid_is_restored_too(ledger):
    ledger.enrol("c1")
    ledger.adjust("c1", 100, "start", "Ada", "a1")
    ledger.hold("c1", 50, "h1")
    of = receipt(card="c1", tenders=(Tender("points", 400, "h1"), Tender("cash", 600)))
    ledger.record(of)
    ledger.settle("h1", 40)
    ledger.return_goods(key(of), "r1")
    assert (restored(ledger), points_of(ledger, "c1")) == (40, 100)
    conserved(ledger, "c1")


def test_a_voided_return_spends_the_points_again(ledger):
    of = paid(ledger)
    before = ledger.balance("c1"), lots(ledger)
    ledger.return_goods(key(of), "r1", {1: 2})
    ledger.void_return(key(of), "r1", "v1")
    assert (ledger.balance("c1"), lots(ledger)) == before
    sums = tally(ledger, "c1")
    assert (sums.redeemed, sums.restored) == (66, 26)
    conserved(ledger, "c1")
    ledger.return_goods(key(of), "r2")
    assert points_of(ledger, "c1") == 100
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_restored_points_that_were_spent_before_the_return_is_voided_are_owed(ledger):
    of = paid(ledger)
    ledger.return_goods(key(of), "r1")
    ledger.redeem("c1", "all", points=100)
    ledger.void_return(key(of), "r1", "v1")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 30)  # 10 earned points came back, 40 are due
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_a_return_after_the_redemption_was_undone_restores_nothing_more(ledger):
    of = paid(ledger)
    ledger.return_goods(key(of), "r1", {1: 1})
    ledger.undo_redemption("pay", "cancelled", "Ada")
    assert restored(ledger) == 40
    ledger.return_goods(key(of), "r2")
    ledger.void_return(key(of), "r2", "v2")
    assert (restored(ledger), tally(ledger, "c1").redeemed) == (40, 40)
    conserved(ledger, "c1")


def test_only_the_receipt_it_paid_restores_a_redemption(ledger):
    of = paid(ledger)
    other = receipt(card="c1", tenders=(Tender("points", 400, "pay"),))
    ledger.record(other)
    ledger.return_goods(key(of), "r1", {1: 1})
    ledger.return_goods(key(other), "r2")
    assert restored(ledger) == 13
    conserved(ledger, "c1")


def test_a_tender_that_names_no_redemption_restores_nothing(ledger):
    of = bought(ledger, tenders=(Tender("points", 400, "never"),))
    ledger.return_goods(key(of), "r1")
    assert ledger.balance("c1")[:4] == (0, 0, 0, 0)


def test_a_programme_may_leave_points_redeemed(ledger_under):
    ledger = ledger_under('[returns]\npaid_with_points = "keep"\n')
    of = paid(ledger)
    ledger.return_goods(key(of), "r1")
    assert (restored(ledger), points_of(ledger, "c1")) == (0, 60)
    conserved(ledger, "c1")


def test_a_return_before_the_sale_restores_once_the_sale_is_there(ledger):
    ledger.enrol("c1")
    ledger.adjust("c1", 100, "start", "Ada", "a1")
    ledger.redeem("c1", "pay", points=40)
    of = receipt(line(1_000, quantity=2), card="c1", tenders=(Tender("points", 400, "pay"),))
    ledger.record(receipt(back(of), card="c1"))
    assert restored(ledger) == 0
    ledger.record(of)
    assert restored(ledger) == 20
    assert points_of(ledger, "c1") == 85
    conserved(ledger, "c1")


def test_restored_points_go_to_who_paid_though_another_bought(ledger):
    ledger.enrol("c2")
    ledger.adjust("c2", 100, "start", "Ada", "a2")
    ledger.redeem("c2", "pay", points=40)
    of = bought(ledger, tenders=(Tender("points", 400, "pay"),))
    ledger.return_goods(key(of), "r1")
    assert (points_of(ledger, "c1"), points_of(ledger, "c2")) == (0, 100)
    conserved(ledger, "c1")
    conserved(ledger, "c2")


# --- without a receipt -------------------------------------------------------------------


def test_goods_without_a_receipt_take_points_at_the_base_rate(ledger):
    bought(ledger, line(5_000))
    event = ledger.event(ledger.return_without_receipt("c1", 1_999, "Ada", "r1"))
    assert (event.points, event.amount_minor, event.author) == (19, 1_999, "Ada")
    assert points_of(ledger, "c1") == 31
    assert ledger.member("c1").row.spend_minor == 3_001
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_the_same_return_without_receipt_is_once(ledger):
    bought(ledger, line(5_000))
    first = ledger.return_without_receipt("c1", 1_000, "Ada", "r1")
    assert ledger.return_without_receipt("c1", 1_000, "Ada", "r1") == first._replace(repeat=True)
    with pytest.raises(KeyConflict):
        ledger.return_without_receipt("c1", 1_001, "Ada", "r1")
    assert points_of(ledger, "c1") == 40


@pytest.mark.parametrize(
    ("card", "amount", "author", "error"),
    [("c2", 100, "Ada", CardUnknown), ("c1", 0, "Ada", AmountInvalid), ("c1", -1, "Ada", AmountInvalid),
     ("c1", 10**10 + 1, "Ada", AmountInvalid), ("c1", 100, "", InputInvalid), ("c1", 100, "\0", InputInvalid)],
)  # fmt: skip
def test_a_return_without_receipt_that_cannot_be(ledger, card, amount, author, error):
    bought(ledger)
    with pytest.raises(error):
        ledger.return_without_receipt(card, amount, author, "r1")
    assert points_of(ledger, "c1") == 10


@pytest.mark.parametrize(
    ("when_spent", "balance"), [("arrears", (0, 0, 0, 10)), ("take", (0, 0, 0, 0))]
)
def test_points_that_are_not_there_without_a_receipt(ledger_under, when_spent, balance):
    ledger = ledger_under(f'[returns]\nwhen_spent = "{when_spent}"')
    bought(ledger)
    ledger.return_without_receipt("c1", 2_000, "Ada", "r1")
    assert ledger.balance("c1")[:4] == balance
    conserved(ledger, "c1")


def test_a_programme_may_refuse_or_let_points_be_without_a_receipt(ledger_under):
    refusing = ledger_under('[returns]\nwhen_spent = "refuse"')
    bought(refusing)
    with pytest.raises(PointsSpent, match="20 to take back, 10 there"):
        refusing.return_without_receipt("c1", 2_000, "Ada", "r1")
    keeping = ledger_under('[returns]\nwithout_receipt = "keep"')
    bought(keeping)
    keeping.return_without_receipt("c1", 700, "Ada", "r1")
    assert points_of(keeping, "c1") == 10
    assert keeping.member("c1").row.spend_minor == 300
    conserved(keeping, "c1")


def loose(amount_minor, **fields):
    return Line("1", -1, -amount_minor, kind="return", **fields)


def test_a_receipt_can_bring_goods_back_of_which_nobody_knows_the_receipt(ledger):
    bought(ledger, line(5_000))
    exchange = receipt(loose(2_000), line(500, "2"), loose(900, voided=True), card="c1")
    ledger.record(exchange)
    assert points_of(ledger, "c1") == 35
    assert ledger.member("c1").row.spend_minor == 3_500
    assert ledger.record(exchange).repeat
    assert points_of(ledger, "c1") == 35
    conserved(ledger, "c1")
    assert ledger.verify().clean


@pytest.mark.parametrize("how", ["enrolled", "unknown card", "anonymous"])
def test_goods_without_a_receipt_go_back_however_the_member_comes_to_it(ledger, how):
    made = receipt(loose(2_000), line(5_000, "2"), card=None if how == "anonymous" else "c1")
    if how == "enrolled":
        ledger.enrol("c1")
    ledger.record(made)
    ledger.enrol("c1")
    if how == "anonymous":
        ledger.attribute(key(made), "c1")
    assert points_of(ledger, "c1") == 30
    assert ledger.member("c1").row.spend_minor == 3_000
    conserved(ledger, "c1")


def test_a_line_cannot_be_of_a_known_and_an_unknown_receipt():
    of = receipt()
    with pytest.raises(ValueError, match="has no `return_of`"):
        back(of, kind="return")
    with pytest.raises(ValueError, match="needs a negative"):
        Line("1", 1, 100, kind="return")
    with pytest.raises(ValueError, match="needs a negative"):
        Line("1", -1, 100, kind="return")


def test_a_line_without_a_receipt_cannot_come_back(ledger):
    made = bought(ledger, loose(500), line(700, "2"))
    with pytest.raises(LineUnknown):
        ledger.return_goods(key(made), "r1", {1: 1})
