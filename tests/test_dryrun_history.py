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


HARSH = (
    PROGRAMME.replace("per_minor = 100", "per_minor = 700")
    .replace("value_minor = 10", "value_minor = 10\nminimum_points = 7\nstep_points = 7")
    .replace("points = 50", "points = 9000")
    .replace("gold", "noble")
    + '[returns]\nwhen_spent = "refuse"\n[fraud.receipts_per_card_day]\nlimit = 1\n'
    'action = "review"\n'
)


def test_a_harsh_draft_refuses_and_tells(ledger_under, clock, stands):
    """It has no vouchers and no transfers, no tier `gold`, and lets nearly everything wait."""
    ledger = ledger_under(RICH)
    a_month(ledger, clock)
    report = ledger.simulate_programme(HARSH, "all")
    assert report.differing == 0
    assert report.current.refused == ()
    refused = {(r.act, r.why): (r.acts, r.points) for r in report.draft.refused}
    assert refused["tier-granted", "tier-unknown"] == (1, 0)
    assert refused["sent", "transfer-not-offered"] == (1, 20)
    assert refused["voucher-used", "voucher-unknown"] == (1, 0)
    assert refused["bonus", "bonus-not-offered"] == (1, 9)
    assert refused["held", "redeem-step"] == (3, 10 + 6 + 8)
    assert all(not one.draft.holds for one in stands.values())


def test_a_hold_that_the_draft_cannot_settle_is_given_up(ledger_under, clock):
    ledger = ledger_under("")
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=3_000))
    ledger.hold("c1", 10, "h1")
    ledger.settle("h1", 4)
    steps = PROGRAMME.replace("value_minor = 10", "value_minor = 10\nstep_points = 5")
    report = ledger.simulate_programme(steps, "all")
    assert report.draft.refused == (Refusal("hold-settled", "redeem-step", 1, 4),)
    assert (report.draft.available, report.draft.kept) == (30, 0)
    assert (report.current.available, report.current.redeemed_minor) == (26, 40)


def test_a_hold_that_is_open_at_the_end_keeps_its_points_until_its_time_is_over(
    ledger_under, clock
):
    text = PROGRAMME.replace("[redeem.cash]", "[redeem]\nhold_minutes = 10080\n[redeem.cash]")
    ledger = ledger_under("")
    ledger.publish(text, NOW + 1)
    clock.now += 2
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=3_000))
    ledger.hold("c1", 10, "h1", minutes=10)
    ledger.hold("c1", 7, "h2", minutes=10_080)
    report = ledger.simulate_programme(text, "all")
    assert (report.current.available, report.current.kept) == (30 - 7, 7)


def test_a_budget_runs_dry_in_the_replay_too(ledger_under, clock, monkeypatch):
    monkeypatch.setattr("ledger.dryrun.world.ROWS_AT_ONCE", 1)
    ledger = ledger_under(RICH)
    ledger.enrol("c1")
    for _ in range(2):
        ledger.record(receipt(*(line(100, category="milk"),) * 2, card="c1"))
    ledger.record(receipt(line(100, category="milk"), card="c1", at=NOW - DAY))
    report = ledger.simulate_programme(PROGRAMME + RICH, "all")
    assert (report.differing, report.current.rules["bonus:dairy"]) == (0, 5)
    richer = RICH.replace("budget_points = 5", "budget_points = 9")
    assert ledger.simulate_programme(PROGRAMME + richer, "all").draft.rules["bonus:dairy"] == 9


def test_a_draft_can_give_points_for_joining(ledger_under):
    ledger = ledger_under("")
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=1_000))
    ledger.replace_card("c1", "c9")  # not joining once more
    report = ledger.simulate_programme(PROGRAMME + "[earn.enrolment]\npoints = 5\n", "all")
    assert (report.current.earned, report.draft.earned) == (10, 15)
    assert report.draft.rules == {"base": 10, "enrolment": 5}


def test_a_rebate_is_that_of_the_draft(ledger_under, clock):
    rebate = '[rebate]\nminor_per_point = 10\n[[rebate.level]]\nshare_bp = {}\ntier = "basic"\n'
    ledger = ledger_under(rebate.format(100))
    ledger.enrol("c1")
    clock.now += DAY
    ledger.record(receipt(card="c1", amount=9_000, at=clock.now))
    clock.now += 370 * DAY
    ledger.grant_rebate(ledger.member_of("c1"), 2026)
    ledger.record(receipt(card="c1", amount=100, at=clock.now))
    report = ledger.simulate_programme(PROGRAMME + rebate.format(200), "all")
    # 1 or 2 percent of 90.00 is 90 or 180 minor units, at 10 a point
    assert (report.current.rules["rebate"], report.draft.rules["rebate"]) == (9, 18)
    assert report.differing == 0


def test_a_merge_after_the_period_is_known_to_receipts_that_come_in_later(ledger_under, clock):
    ledger = ledger_under("")
    for card in ("c1", "c2"):
        ledger.enrol(card)
        ledger.record(receipt(card=card, amount=1_000))
    clock.now += 3 * DAY
    ledger.merge("c1", "c2", "one person", "Eve", "g1")
    ledger.record(receipt(card="c1", amount=500))
    ledger.close_member("c2", "moved", "Eve", "z1")
    ledger.record(receipt(card="c2", amount=700))  # of a stopped card: for review
    ledger.record(receipt(card="c9", amount=100, at=clock.now))
    report = ledger.simulate_programme(PROGRAMME, "2026-01-01..2026-01-01")
    assert (report.differing, report.members, report.current.receipts) == (0, 1, 3)
    assert (report.current.available, report.current.adjusted_out) == (25, 0)


def test_a_sample_holds_those_its_members_dealt_with(ledger_under, clock):
    ledger = ledger_under("[transfer]\n")
    cards = [f"c{number}" for number in range(6)]
    for card in cards:
        ledger.enrol(card)
        ledger.record(receipt(card=card, amount=1_000))
    first, *_, last = sorted(cards, key=ledger.member_of)
    ledger.transfer(last, first, 3, "x1")
    report = ledger.simulate_programme(PROGRAMME + "[transfer]\n", "all", sample=1)
    assert (report.members, report.differing, report.current.refused) == (2, 0, ())
    assert report.current.available == 20


def test_a_draft_that_counts_otherwise_towards_tiers_is_refused(ledger_under):
    ledger = ledger_under("")
    ledger.record(receipt())
    text = PROGRAMME.replace("[tiers]", '[tiers]\nmeasure = "spend"')
    with pytest.raises(ProgrammeInvalid) as refusal:
        ledger.simulate_programme(text, "all")
    assert refusal.value.field == "tiers.measure"


MORE = '[lots]\npending_days = 2\n[transfer]\n[fraud.receipts_per_card_day]\nlimit = 1\naction = "review"\n'


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=5, max_size=25))
def test_any_history_is_repeated_under_what_is_in_force_and_survives_a_harsh_draft(steps):
    text = PROGRAMME.replace("[lots.expiry]", MORE + "[lots.expiry]")
    clock = Clock()
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        LoyaltyLedger.create(str(Path(folder) / "l.db"), text, clock=clock) as ledger,
    ):
        found = {}
        patch.setattr(
            run, "both", lambda *a: (found.setdefault(one.stream, one) for one in ending.both(*a))
        )
        for card in CARDS:
            ledger.enrol(card)
        shopping = Shopping(ledger, clock)
        for number, step in enumerate(steps):
            shopping.send(number, step)
        ledger.record(receipt(amount=100, at=clock.now))
        same(ledger, ledger.simulate_programme(text, "all"), found)
        assert ledger.simulate_programme(HARSH, "all").differing == 0
        assert ledger.simulate_programme(text, "3d").differing == 0
