"""Cases from the field, members and receipts: merging, paths to one state, what never earns."""

import itertools

import pytest
from msgspec.structs import replace

from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError
from ledger.projections.receipt import FCT_RECEIPT
from ledger.types import Tender
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally

GROWING = (
    "earned", "adjusted_in", "adjusted_out", "transferred_in", "transferred_out", "restored",
    "reinstated", "redeemed", "reversed", "expired",
)  # fmt: skip


def standing(ledger, member):
    """A member's state, without what only ever grows: totals and the count of movements."""
    return replace(ledger._state(member), **dict.fromkeys(GROWING, 0), moved=0, once=())


# --- 14: merge and unmerge ---------------------------------------------------------------


@pytest.fixture
def two(ledger, clock):
    """Ada with 10 and, a month later, 20 and 7 points; Bo with 30."""
    ledger.enrol("ada")
    ledger.link_card("ada", "ada 2")
    ledger.enrol("bo")
    ledger.record(receipt(card="ada", amount=1_000))
    clock.now = NOW + 40 * DAY
    ledger.record(receipt(card="ada 2", amount=2_000, at=clock.now))
    ledger.adjust("ada", 7, "start", "Ann", "a1")
    ledger.record(receipt(card="bo", amount=3_000, at=clock.now))
    ledger.ada, ledger.bo = ledger.member_of("ada"), ledger.member_of("bo")
    return ledger


def test_case_14_a_merge_conserves_every_lot_with_its_dates(two):
    def dated(*members):
        lots = [lot for member in members for lot in two._state(member).lots]
        return sorted((lot.expires_at, lot.activates_at, lot.points) for lot in lots)

    before = dated(two.ada, two.bo)
    assert sum(points for _, _, points in before) == 67
    two.merge("ada", "bo", "twins", "Ann", "m1")
    assert dated(two.bo) == before
    assert (points_of(two, "ada"), points_of(two, "ada 2"), points_of(two, "bo")) == (67, 67, 67)
    assert two._state(two.ada).lots == ()
    conserved(two, two.ada.hex())
    conserved(two, "bo")


def test_case_14_if_nothing_was_spent_unmerging_leaves_both_exactly_as_they_were(two, db, clock):
    before = standing(two, two.ada), standing(two, two.bo)
    told = two.balance("ada"), two.balance("bo"), tally(two, "ada").lots, tally(two, "bo").lots
    two.merge("ada", "bo", "twins", "Ann", "m1")
    with LoyaltyLedger.open(db, clock=clock) as other:
        other.unmerge("m1", "Ann", "u1")
    assert (standing(two, two.ada), standing(two, two.bo)) == before
    assert (
        two.balance("ada"), two.balance("bo"), tally(two, "ada").lots, tally(two, "bo").lots
    ) == told  # fmt: skip
    assert two.member_of("ada 2") == two.ada
    for card in ("ada", "bo"):
        conserved(two, card)
    assert two.verify().clean


def test_case_14_unmerging_gives_back_the_unspent_of_each_lot_and_says_what_came_between(two):
    """Spent are 10 that Ada had in January, then 25 of the 30 that Bo had."""
    two.merge("ada", "bo", "twins", "Ann", "m1")
    two.redeem("ada", "r1", points=35)
    two.record(receipt(card="ada", amount=400, at=NOW + 40 * DAY))
    two.record(receipt(card="bo", amount=100, at=NOW + 40 * DAY))
    event = two.event(two.unmerge("m1", "Ann", "u1"))
    assert sum(take.points for take in event.takes) == 27
    assert (points_of(two, "ada"), points_of(two, "bo")) == (27, 5 + 4 + 1)
    assert (event.receipts, event.points) == (1, 4)  # with Ada's cards, and they stay with Bo
    for card in ("ada", "bo"):
        conserved(two, card)
    assert two.verify().clean


# --- 18: the net state, not the path -----------------------------------------------------


def told(ledger, card, of):
    """What an account and a receipt look like in the end, whatever led there."""
    with ledger.reading() as reader:
        rows = reader._rows(
            "SELECT points, returned_minor, returned_points FROM {t} WHERE receipt_id = ?",
            FCT_RECEIPT,
            (ledger.keys.receipt(key(of)),),
        )
    view = ledger.member(card)
    lots = [(lot[0], lot[1], lot[3]) for lot in tally(ledger, card).lots]
    return view.balance, lots, view.row.spend_minor, view.tier, [tuple(map(int, r)) for r in rows]


@pytest.mark.parametrize("voided", [False, True])
def test_case_18_sale_return_void_and_attribution_in_any_order_are_worth_the_same(ledger, voided):
    """10.99 for three pieces earns 10; two of them back (7.32) take 6, and 4 are left."""
    names = ["sale", "attribution", "return", *(["void"] if voided else [])]
    ends = set()
    for n, order in enumerate(itertools.permutations(names)):
        card = f"c{n}"
        ledger.enrol(card)
        sold = receipt(line(1_099, quantity=3), number=f"sold {n}")
        returning = receipt(back(sold, quantity=2), number=f"back {n}")
        acts = {
            "sale": lambda sold=sold: ledger.record(sold),
            "attribution": lambda sold=sold, card=card: ledger.attribute(key(sold), card),
            "return": lambda back=returning: ledger.record(back),
            "void": lambda sold=sold, back=returning, n=n: ledger.void_return(
                key(sold), key(back), f"v{n}"
            ),
        }
        waiting = list(order)
        while waiting:  # what cannot be done yet is refused and sent again, as a till would
            left = []
            for name in waiting:
                try:
                    acts[name]()
                    assert acts[name]().repeat
                except LedgerError:
                    left.append(name)
            assert len(left) < len(waiting)
            waiting = left
        conserved(ledger, card)
        ends.add(repr(told(ledger, card, sold)))
        assert points_of(ledger, card) == (10 if voided else 10 - 10 * 732 // 1_099)
    assert len(ends) == 1, ends


def test_case_18_returned_and_voided_again_and_again_awards_once(ledger):
    ledger.enrol("c1")
    sold = receipt(line(1_099, quantity=3), card="c1")
    ledger.record(sold)
    before = told(ledger, "c1", sold)
    for n in range(20):
        ledger.return_goods(key(sold), f"b{n}", {1: 1 + n % 3})
        ledger.void_return(key(sold), f"b{n}", f"v{n}")
        assert told(ledger, "c1", sold) == before
    conserved(ledger, "c1")


# --- 19: what never earns ----------------------------------------------------------------

EXCLUSIONS = 'excluded_products = ["stamp"]\nexcluded_categories = ["tobacco"]\n'
TENDERS = 'excluded_tenders = ["gift_card"]\n'


@pytest.mark.parametrize(
    "nothing",
    [
        line(5_000, voided=True), line(5_000, kind="gift_card"), line(5_000, kind="reward"),
        line(5_000, kind="deposit"), line(5_000, "stamp"), line(5_000, category="tobacco"),
    ],
    ids=["voided", "gift card", "reward", "deposit", "excluded product", "excluded category"],
)  # fmt: skip
def test_case_19_lines_that_earn_nothing_earn_nothing_alone_or_beside_others(ledger_under, nothing):
    bonus = '[[earn.bonus]]\nname = "all"\neverything = true\nmultiplier_bp = 30000\n'
    ledger = ledger_under(bonus, per_minor="per_minor = 100\n" + EXCLUSIONS)
    for card, lines, points in (("c1", (nothing,), 0), ("c2", (nothing, line(1_000)), 30)):
        ledger.enrol(card)
        event = ledger.event(ledger.record(receipt(*lines, card=card)))
        award = getattr(event, "award", None)
        assert sum(award.points if award else ()) == points
        assert points_of(ledger, card) == points
        assert ledger.member(card).tier == "basic"
        conserved(ledger, card)


def test_case_19_such_lines_earn_like_others_where_the_programme_does_not_exclude_them(
    ledger,
):
    ledger.enrol("c1")
    ledger.record(receipt(line(5_000, "stamp"), line(1_000, category="tobacco"), card="c1"))
    assert points_of(ledger, "c1") == 60


@pytest.mark.parametrize(("gift_card", "points"), [(0, 20), (500, 15), (1_999, 0), (2_000, 0)])
def test_case_19_what_an_excluded_means_of_payment_paid_earns_nothing(
    ledger_under, gift_card, points
):
    ledger = ledger_under("", per_minor="per_minor = 100\n" + TENDERS)
    ledger.enrol("c1")
    tenders = (Tender("gift_card", gift_card), Tender("cash", 2_000 - gift_card))
    ledger.record(receipt(line(2_000), card="c1", tenders=tenders))
    assert points_of(ledger, "c1") == points
    conserved(ledger, "c1")


def test_case_19_a_gift_card_earns_when_it_is_spent_unless_excluded(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(line(2_000), card="c1", tenders=(Tender("gift_card", 2_000),)))
    assert points_of(ledger, "c1") == 20
