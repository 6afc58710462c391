"""Replaying the programme in force leads where the ledger stands, whatever the history holds."""

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from conftest import NOW, PROGRAMME, Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop import DAY, back, key, line, receipt
from test_conservation import CARDS, STEPS, Shopping

from ledger.application import LoyaltyLedger
from ledger.dryrun import ending, run
from ledger.dryrun.report import Refusal
from ledger.errors import ProgrammeInvalid
from ledger.types import Personal, Tender

RICH = """
[[earn.bonus]]
name = "dairy"
categories = ["milk"]
points_each = 2
budget_points = 5
[earn.enrolment]
points = 5
[earn.birthday]
gift_points = 9
[[redeem.voucher]]
code = "two"
name = "Two off"
points = 20
value_minor = 200
[fraud.receipts_per_card_day]
limit = 2
action = "review"
[transfer]
"""


@pytest.fixture
def stands(monkeypatch):
    """Where the members stand at the end of both replays, as the last dry run found them."""
    found = {}

    def seen(*args):
        found.clear()
        for one in ending.both(*args):
            found[one.stream] = one
            yield one

    monkeypatch.setattr(run, "both", seen)
    return found


def same(ledger, report, found):
    """The replay of what is in force made what the ledger has, and so did the same as a draft."""
    assert report.differing == 0
    assert report.current.refused == ()
    assert report.draft.refused == ()
    assert report.not_replayed == {}
    for stream, one in found.items():
        recorded = ledger._state(stream)
        assert one.current == recorded
        assert [getattr(one.draft, name) for name in PLAIN] == [
            getattr(recorded, name) for name in PLAIN
        ]


PLAIN = ("lots", "arrears", "earned", "redeemed", "reversed", "restored", "holds", "tier",
         "transferred_in", "transferred_out", "in_review", "qualifying", "adjusted_out")  # fmt: skip


def a_month(ledger, clock):
    """What can happen in a shop in January, and one more receipt that ends it."""

    def on(day, hour=0):
        clock.now = NOW + day * DAY + hour * 3600

    ledger.enrol("c1", Personal(name="Ada", birthday=dt.date(1980, 1, 5)))
    for card in ("c2", "c3", "c4", "c5"):
        ledger.enrol(card)
    on(1)
    milk = receipt(line(5_000), line(300, category="milk"), card="c1", at=clock.now, number="m1")
    ledger.record(milk)
    ledger.record(receipt(*(line(100, category="milk"),) * 3, card="c2", at=clock.now))
    for card in ("c2", "c3"):
        ledger.record(receipt(card=card, amount=8_000, at=clock.now))
    on(2)  # what comes back before it is recorded as sold
    early = receipt(line(4_000, "p", 4), card="c2", at=clock.now, number="e1")
    ledger.record(receipt(back(early, quantity=1), line(700), card="c2", at=clock.now, number="e2"))
    ledger.record(early)
    on(3)  # nobody's, partly back, and then somebody's
    nameless = receipt(line(3_000, "p", 3), at=clock.now, number="a1")
    ledger.record(nameless)
    ledger.return_goods(key(nameless), "r1", {1: 1})
    ledger.attribute(key(nameless), "c3")
    ledger.return_goods(key(nameless), "r2", {1: 1})
    ledger.void_return(key(nameless), "r2", "v1")
    ledger.void_return(key(early), key(receipt(at=clock.now - DAY, number="e2")), "v2")
    ledger.return_without_receipt("c3", 900, "Bob", "l1")
    ledger.record(receipt(line(2_000), line(-300, quantity=-1, kind="return"), card="c3",
                          at=clock.now, number="l2"))  # fmt: skip
    on(4)  # holds: settled, in part, given up, over, over and settled late
    ledger.hold("c2", 10, "h1", minutes=10)
    ledger.settle("h1", 4)
    ledger.hold("c2", 6, "h2")
    ledger.release("h2")
    ledger.hold("c2", 7, "h3", minutes=10)
    ledger.hold("c2", 8, "h4", minutes=10)
    on(4, 1)
    ledger.expire_holds(bytes.fromhex(ledger.member_of("c2").hex()))
    ledger.settle("h4", captured_at=clock.now - 3_300)
    ledger.grant_birthday(ledger.member_of("c1").hex(), 2026)
    on(5)  # redemptions: cash, gift, voucher, one undone, one whose goods come back
    ledger.redeem("c3", "p1", points=11)
    ledger.redeem("c3", "p2", points=5)
    ledger.undo_redemption("p2", "wrong card", "Bob")
    ledger.redeem("c2", "p3", gift="mug")
    ledger.redeem("c2", "p4", voucher="two")
    ledger.use_voucher(ledger.voucher_code("p4"), "u1")
    ledger.redeem("c2", "p5", points=10)
    paid = receipt(line(1_000, "p", 2), card="c2", at=clock.now, number="t1",
                   tenders=(Tender("points", 100, "p5"), Tender("cash", 900)))  # fmt: skip
    ledger.record(paid)
    ledger.return_goods(key(paid), "r3", {1: 1})
    ledger.void_return(key(paid), "r3", "v3")
    ledger.return_goods(key(paid), "r4", {1: 1})
    on(6)  # beyond the fraud limit: approved, denied, still waiting
    many = [receipt(line(2_000, "p", 2), card="c4", at=clock.now, number=f"w{n}") for n in range(5)]
    for bought in many:
        ledger.record(bought)
    ledger.return_goods(key(many[2]), "r5", {1: 1})
    ledger.decide_review(key(many[2]), "known", "Eve", "d1", approve=True)
    ledger.decide_review(key(many[3]), "odd", "Eve", "d2", approve=False)
    ledger.decide_review(key(many[4]), "known", "Eve", "d3", approve=True)
    ledger.block_card("c5", "lost")
    blocked = receipt(card="c5", amount=1_500, at=clock.now, number="b1")
    ledger.record(blocked)
    ledger.decide_review(key(blocked), "known", "Eve", "d4", approve=True)
    on(7)
    ledger.grant_tier("c4", "gold", clock.now + 5 * DAY, "sorry", "Eve", "g1")
    ledger.record(receipt(card="c4", amount=1_000, at=clock.now))
    ledger.transfer("c3", "c4", 20, "x1")
    ledger.adjust("c4", -3, "oops", "Bob", "a1")
    on(8)
    ledger.merge("c3", "c2", "married", "Eve", "g2")
    ledger.record(receipt(card="c3", amount=1_200, at=clock.now))
    ledger.return_goods(key(nameless), "r6", {1: 1})
    ledger.merge("c4", "c1", "one person", "Eve", "g3")
    ledger.record(receipt(card="c4", amount=1_300, at=clock.now))
    ledger.unmerge("g3", "Eve", "g4")
    ledger.record(receipt(card="new", amount=900, at=clock.now, number="n1"))
    ledger.link_card("c4", "new")
    on(9)
    ledger.close_member("c5", "moved", "Eve", "z1")
    ledger.erase_member("c1", "asked", "Eve", "z2")
    on(30)
    ledger.record(receipt(card="c2", amount=500, at=clock.now))


@pytest.mark.parametrize("over", ["all", "2026-01-05..2026-01-31"])
def test_a_month_of_everything_is_repeated_exactly(ledger_under, clock, stands, over):
    ledger = ledger_under(RICH)
    a_month(ledger, clock)
    report = ledger.simulate_programme(PROGRAMME + RICH, over)
    same(ledger, report, stands)
    assert report.changed == ()
    assert ledger.verify().clean
