"""What the model found, each as the shortest story that showed it."""

import pytest

from ledger.application import LoyaltyLedger
from ledger.errors import ReceiptUnknown
from ledger.types import Line, Tender
from tests.conftest import NOW, PROGRAMME
from tests.shop import DAY, back, conserved, key, line, points_of, receipt, tally

SLIDES = PROGRAMME.replace(
    'after = 12\nround_to = "month"', 'after = 20\nunit = "days"\nslides = true'
)


def test_a_receipt_with_a_loose_return_waits_for_its_card(ledger):
    loose = Line("2", -1, -300, kind="return")
    ledger.record(receipt(line(1000), loose, card="c1"))
    ledger.enrol("c1")
    assert points_of(ledger, "c1") == 7  # 1000 / 100, less 300 / 100 for the loose line


def test_a_receipt_that_is_only_waited_for_cannot_be_attributed(ledger):
    ledger.enrol("c1")
    sale = receipt(line(1000), card="c1")
    ledger.record(receipt(back(sale)))
    with pytest.raises(ReceiptUnknown):
        ledger.attribute(key(sale), "c1")


def test_nobody_complains_about_a_receipt_that_is_only_waited_for(ledger):
    ledger.enrol("c1")
    sale = receipt(line(1000), card="c1")
    ledger.record(receipt(back(sale)))
    with pytest.raises(ReceiptUnknown):
        ledger.open_complaint("c1", key(sale), 1, "mouldy", "Ada", "k1")


@pytest.mark.parametrize("recorded", [False, True])
def test_points_that_expired_after_a_return_pay_again_when_it_is_voided(ledger, clock, recorded):
    ledger.enrol("c1")
    ledger.adjust("c1", 40, "start", "Ada", "a1")  # until the end of January 2027
    ledger.redeem("c1", "r1", points=40)
    sale = receipt(line(1000), tenders=(Tender("points", 400, "r1"),))
    ledger.record(sale)
    ledger.return_goods(key(sale), "b1")
    clock.now = NOW + 400 * DAY
    if recorded:
        ledger.record_expiry(ledger.member_of("c1"), clock.now)
    ledger.void_return(key(sale), "b1", "v1")
    balance, sums = ledger.balance("c1"), tally(ledger, "c1")
    assert (balance.available, balance.expired, balance.arrears) == (0, 40, 0)
    assert (sums.redeemed, sums.restored, sums.reinstated) == (80, 40, 40)
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_points_of_a_voided_return_last_as_long_as_activity_made_them(new_db, clock):
    with LoyaltyLedger.create(new_db(), SLIDES, clock=clock) as ledger:
        ledger.enrol("c1")
        sale = receipt(line(1000), card="c1", at=NOW)
        ledger.record(sale)
        ledger.redeem("c1", "r1", points=10)
        ledger.return_goods(key(sale), "b1")  # 10 are owed
        clock.now = NOW + 10 * DAY
        ledger.record(receipt(line(3000), card="c1", at=clock.now))  # 30 less the 10 owed
        ledger.void_return(key(sale), "b1", "v1")
        assert points_of(ledger, "c1", NOW + 25 * DAY) == 30  # not 20: all last until day 31
        conserved(ledger, "c1")


def test_a_late_receipt_lasts_as_long_as_what_activity_has_moved(new_db, clock):
    with LoyaltyLedger.create(new_db(), SLIDES, clock=clock) as ledger:
        ledger.enrol("c1")
        clock.now = NOW + 10 * DAY
        ledger.record(receipt(line(3000), card="c1", at=clock.now))
        late = receipt(line(1000), card="c1", at=NOW)
        ledger.record(late)
        assert points_of(ledger, "c1", NOW + 25 * DAY) == 40  # both until day 31
        ledger.return_goods(key(late), "b1")
        assert points_of(ledger, "c1", NOW + 25 * DAY) == 30
        conserved(ledger, "c1")


def test_a_waiting_return_that_is_voided_leaves_nothing_on_the_receipt(ledger):
    ledger.enrol("c1")
    sale = receipt(line(1000), card="c1")
    brought = receipt(back(sale))
    ledger.record(brought)
    ledger.void_return(key(sale), key(brought), "v1")
    ledger.record(sale)
    assert points_of(ledger, "c1") == 10
    verdict = ledger.verify()
    assert verdict.clean, verdict.findings
