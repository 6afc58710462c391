"""The door, tiers: reached, kept, lost by time, and never by redeeming."""

import pytest

from ledger.application import LoyaltyLedger
from ledger.calendar import midnight
from tests.conftest import PROGRAMME
from tests.shop import DAY, NOW, line, receipt

SHORT = PROGRAMME.replace("window_days = 365\nkeep_days = 30", "window_days = 30\nkeep_days = 60")


@pytest.mark.parametrize(("amount", "tier"), [(9900, "basic"), (10_000, "gold"), (10_100, "gold")])
def test_a_tier_begins_at_its_threshold(ledger, amount, tier):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=amount))
    assert ledger.member("c1").tier == tier


def test_a_receipt_earns_at_the_tier_before_it(ledger):
    ledger.enrol("c1")
    first = ledger.record(receipt(card="c1", amount=10_000))
    second = ledger.record(receipt(card="c1", amount=10_000))
    assert [sum(ledger.event(o).award.points) for o in (first, second)] == [100, 200]


def test_a_receipt_may_earn_at_the_tier_it_leads_to(db, clock):
    text = PROGRAMME.replace("[tiers]", '[tiers]\ntaken = "after"')
    with LoyaltyLedger.create(db, text, clock=clock) as ledger:
        ledger.enrol("c1")
        outcome = ledger.record(receipt(line(10_000), card="c1"))
        assert sum(ledger.event(outcome).award.points) == 200


def test_a_tier_falls_by_itself_when_the_window_has_passed(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    last = midnight(20_454 + 365, "Europe/Berlin")
    assert ledger.member("c1", last - 1).tier == "gold"
    assert ledger.member("c1", last).tier == "basic"


def test_a_late_receipt_never_lowers_the_tier(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    ledger.record(receipt(card="c1", amount=100, at=NOW - 10 * DAY))
    assert ledger.member("c1").tier == "gold"


def test_a_late_receipt_earns_at_the_tier_of_its_own_day(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    late = ledger.record(receipt(card="c1", amount=1000, at=NOW - 10 * DAY))
    assert ledger.member("c1", NOW - 10 * DAY).tier == "basic"
    assert sum(ledger.event(late).award.points) == 10


def test_a_tier_that_is_reached_again_is_kept_again(db, clock):
    with LoyaltyLedger.create(db, SHORT, clock=clock) as ledger:
        ledger.enrol("c1")
        ledger.record(receipt(card="c1", amount=10_000))
        clock.now = NOW + 70 * DAY
        assert ledger.member("c1").tier == "basic"
        ledger.record(receipt(card="c1", amount=10_000, at=clock.now))
        assert ledger.member("c1", NOW + 129 * DAY).tier == "gold"
