"""Whom campaigns address, how deep they go for whom, how often, and whom they turn."""

import time

import pytest
from conftest import PROGRAMME, SECRET

from ledger import events as e
from ledger.application import LoyaltyLedger, issuing
from ledger.application.issuing import Issues
from ledger.commands.offers import IssueList
from ledger.errors import (
    CampaignOver,
    CampaignUnknown,
    InputInvalid,
    KeyConflict,
    MemberNotAddressed,
    OffersLimited,
)
from ledger.policies.due import due
from ledger.policies.lift import lift_of_shares
from ledger.policies.offers import held_out
from ledger.types import Level, Product
from tests.campaigns import begun, uses_on
from tests.remedies import issues
from tests.shop import DAY, NOW, key, line, receipt
from tests.till import Till, process

TODAY = 20_454
PILLS, OURS, GEL, MILK = "100", "200", "300", "400"
AUDIENCE = {"category": "pain", "cells": ["national", "switcher heavy"]}
DEPTH = {"national": {"heavy": [50, 30, 10], "light": [20]}}
BUYERS = {"N1": 9, "N2": 6, "N3": 3, "O1": 5, "S1": 8, "S2": 2}
"""Members loyal to national, to own, or switching, and how many packs they bought."""


def stocked(ledger):
    """The catalogue knows pain relief of both kinds, and milk."""
    pain = (Level("pain", "Pain relief"),)
    for code, kind in ((PILLS, "national"), (OURS, "own"), (GEL, "own")):
        ledger.describe_product(Product(code, f"product {code}", pain, brand_kind=kind))
    ledger.describe_product(Product(MILK, "milk", (Level("dairy", "Dairy"),)))
    return ledger


def buy(ledger, card, *products, at=NOW, **fields):
    one = receipt(*[line(100, product) for product in products], card=card, at=at, **fields)
    (found,) = ledger.record_all([one], history=at < NOW, enrol=True)
    assert not isinstance(found, Exception), found
    return one


@pytest.fixture
def shop(ledger):
    """Everybody buys every ten days, the last time five days ago."""
    stocked(ledger)
    for card, packs in BUYERS.items():
        for number in range(packs):
            product = (
                PILLS if card[0] == "N" else OURS if card[0] == "O" else (PILLS, OURS)[number % 2]
            )
            buy(ledger, card, product, at=NOW - DAY * (5 + 10 * number))
    buy(ledger, "M1", MILK, at=NOW - DAY * 5)
    return ledger


def campaign(ledger, **changes):
    said = {"products": [OURS], "audience": AUDIENCE, "depth": DEPTH, "until": "2026-12-31"}
    return begun(ledger, **{**said, **changes})


def ask(ledger, code, card, number="l1", first=TODAY, days=13):
    return ledger.event(
        ledger.issue_list(
            card, [e.ListedOffer(code)], f"{card}/{number}", from_day=first, until_day=first + days
        )
    )


def run(ledger, *codes, number="run", first=TODAY, **asked):
    offers = [e.ListedOffer(code) for code in codes]
    return ledger.issue_campaigns(
        offers, number, from_day=first, until_day=first + 13, **asked
    )  # fmt: skip


def by_card(ledger, found):
    return {card: found[m] for card in [*BUYERS, "M1"] if (m := ledger.member_of(card)) in found}


# --- cells and depth -------------------------------------------------------------------


def test_it_addresses_the_cells_it_says(shop):
    found = by_card(shop, shop.addressed(campaign(shop)))
    assert found == {
        "N1": "national heavy", "N2": "national medium", "N3": "national light",
        "S1": "switcher heavy",
    }  # fmt: skip
    assert set(
        by_card(
            shop,
            shop.addressed(campaign(shop, code="all", audience={"category": "pain"}, depth=None)),
        )
    ) == set(BUYERS)
    everybody = by_card(shop, shop.addressed(campaign(shop, code="any", audience=None, depth=None)))
    assert set(everybody) == {*BUYERS, "M1"}
    assert set(everybody.values()) == {""}
    with pytest.raises(CampaignUnknown):
        shop.addressed("x")


def test_the_depth_is_that_of_the_cell_and_is_recorded(shop):
    code = campaign(shop)
    told = {card: ask(shop, code, card).offers[0] for card in ("N1", "N2", "N3", "S1")}
    assert {card: (one.amount, one.cell) for card, one in told.items()} == {
        "N1": (50, "national heavy"), "N2": (50, "national medium"), "N3": (20, "national light"),
        "S1": (50, "switcher heavy"),
    }  # fmt: skip


def test_who_is_in_no_such_cell_is_refused_unless_the_amount_is_said(shop):
    code = campaign(shop)
    for card in ("O1", "S2", "M1"):
        with pytest.raises(MemberNotAddressed) as refused:
            ask(shop, code, card)
        assert refused.value.field == "offers"
    offers = [e.ListedOffer(code, "", 10)]
    given = shop.issue_list("O1", offers, "o1", from_day=TODAY, until_day=TODAY + 6)
    assert shop.event(given).offers == (e.ListedOffer(code, "", 10),)
    wrong = IssueList("N1", (e.ListedOffer(code, "", 10, "own heavy"),), TODAY, TODAY + 6, "o2")
    assert isinstance(shop.issue_lists([wrong])[0], MemberNotAddressed)


def test_the_first_list_goes_deepest_and_the_last_step_stays(shop, clock):
    code = campaign(shop)
    amounts = []
    for number in range(5):
        clock.now = NOW + number * 60 * DAY  # longer apart than receipts may be late
        event = ask(shop, code, "N1", f"l{number}", TODAY + number * 60)
        amounts.append(event.offers[0].amount)
    assert amounts == [50, 30, 10, 10, 10]


def test_a_list_again_is_a_repeat_though_the_member_moved_to_another_cell(shop):
    code = campaign(shop)
    first = ask(shop, code, "N3")
    for day in range(12):
        buy(shop, "N3", PILLS, at=NOW - DAY * (6 + day))
    assert shop.addressed(code)[shop.member_of("N3")] == "national heavy"
    head = shop.log.head()
    assert ask(shop, code, "N3") == first
    assert shop.log.head() == head


def test_the_till_gives_what_the_cell_gets(shop):
    code = campaign(shop)
    listed = ask(shop, code, "N3")
    sold = receipt(line(250, OURS, 1, discount_minor=50), card="N3", offers=(listed.barcode,))
    assert uses_on(shop, shop.record(sold)) == [(0, code, 1, 20, 0)]


# --- when ------------------------------------------------------------------------------


def test_only_who_is_due_is_addressed(shop):
    due = campaign(shop, audience={**AUDIENCE, "due_days": 4})
    soon = campaign(shop, code="soon", audience={**AUDIENCE, "due_days": 5})
    assert by_card(shop, shop.addressed(due)) == {}
    found = by_card(shop, shop.addressed(soon))  # bought five days ago, and every ten days
    assert set(found) == {"N1", "N2", "N3", "S1"}
    later = shop.addressed(due, as_of=TODAY + 3)
    assert set(by_card(shop, later)) == {"N1", "N2", "N3", "S1"}
    assert by_card(shop, shop.addressed(soon, as_of=TODAY + 30)) == {}


@pytest.mark.parametrize(
    ("days", "today", "within", "expected"),
    [
        ([], 100, 14, False),
        ([90, 90], 100, 14, False),  # one day of purchases has no pace
        ([80, 100], 106, 14, True),  # told for 120, in exactly so many days
        ([80, 100], 105, 14, False),
        ([80, 100], 120, 14, True),  # past it by nothing, and by a quarter of 20 days
        ([80, 100], 125, 14, True),
        ([80, 100], 126, 14, False),
        ([80, 100], 119, 0, False),
        ([100, 80, 80], 106, 14, True),  # in any order, and a day once
        ([0, 40, 44, 48], 49, 3, True),  # the middle interval, told for 52
        ([0, 40, 44, 48], 49, 2, False),
        ([60, 80, 100], 121, 14, True),
        # The latest eight are four of 10 and four of 20, of which the lower middle is 10.
        ([0, 20, 30, 40, 50, 60, 80, 100, 120, 140], 140, 10, True),
    ],
)
def test_due_is_by_ones_own_pace(days, today, within, expected):
    assert due(days, today, within) == expected


# --- everybody -------------------------------------------------------------------------


def test_a_run_issues_to_all_it_addresses_and_again_is_harmless(shop):
    code = campaign(shop, holdout_bp=5_000, seed="s1")
    told = run(shop, code)
    out = {c for c in ("N1", "N2", "N3", "S1") if held_out("s1", code, shop.member_of(c), 5_000)}
    assert 0 < len(out) < 4
    assert told.campaigns == [Issues(code, 4 - len(out), len(out), 0, 3)]
    assert (told.recorded, told.before) == (4, 0)
    head = shop.log.head()
    again = run(shop, code)
    assert again == told._replace(recorded=0, before=4)
    assert shop.log.head() == head
    with pytest.raises(KeyConflict):
        run(shop, code, first=TODAY + 1)
    assert shop.campaign_results(code)[:3] == (4 - len(out), 0, len(out))
    assert shop.verify().clean


def test_a_run_that_was_stopped_goes_on(shop, monkeypatch):
    code = campaign(shop, audience={**AUDIENCE, "cells": ["national", "switcher"]})
    monkeypatch.setattr(issuing, "TOGETHER", 1)
    issue, done = shop.issue_lists, []

    def stopped(lists):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(lists)
        return issue(lists)

    monkeypatch.setattr(shop, "issue_lists", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(shop, code)
    monkeypatch.setattr(shop, "issue_lists", issue)
    for day in range(12):  # moves to another cell meanwhile
        buy(shop, "N3", PILLS, at=NOW - DAY * (6 + day))
    assert shop.addressed(code)[shop.member_of("N3")] == "national heavy"
    told = run(shop, code)
    assert (told.recorded, told.before) == (3, 2)
    assert all(
        len(shop._state(shop.member_of(c)).lists) == 1 for c in ("N1", "N2", "N3", "S1", "S2")
    )


def test_a_run_whose_process_is_killed_goes_on_and_nobody_gets_two(new_db, capsys):
    db = new_db()
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET) as ledger:
        stocked(ledger)
        for number in range(2_000):
            ledger.record_later([receipt(line(9), card=f"M{number}")], history=True, enrol=True)
        ledger.record(receipt(line(9), card="M2000"), history=True, enrol=True)
        begun(ledger, products=[OURS], until="2099-12-31", holdout_bp=1_000, seed="s1")
        words = ("campaign", "issue", "--all", "--offer", "soup-24", "--command-id", "r1")
        words += ("--from", "2098-12-01", "--until", "2098-12-14")
        before = ledger.log.head()
        running = process(*words, db=db)
        deadline = time.monotonic() + 60
        while ledger.log.head() < before + 600 and time.monotonic() < deadline:
            time.sleep(0.01)
        running.kill()
        running.wait()
        there = ledger.log.head() - before
    till = Till(capsys, db)
    told = till(*words)
    (counts,) = told["campaigns"]
    assert told["before"] + told["recorded"] == counts["issued"] + counts["held_out"] == 2_001
    assert 300 <= there // 2 <= told["before"]  # a database may finish what it was given
    assert till(*words)["before"] == 2_001
    with LoyaltyLedger.open(db) as ledger:
        assert len(issues(ledger)) == 2_001
        assert ledger.verify().clean


def test_a_run_of_several_campaigns_makes_one_list_of_those_that_address_the_member(shop):
    one = campaign(shop)
    other = campaign(shop, code="milk", products=[MILK], audience=None, depth=None)
    told = run(shop, one, other)
    assert told.campaigns == [Issues(one, 4, 0, 0, 3), Issues(other, 7, 0, 0, 0)]
    assert told.recorded == 7
    (both,) = shop._state(shop.member_of("N1")).lists
    assert [offer.campaign for offer in both.offers] == [one, other]
    for day in range(12):  # S1 is not among the heavy any more
        buy(shop, "N3", PILLS, at=NOW - DAY * (6 + day))
    assert shop.member_of("S1") not in shop.addressed(one)
    again = run(shop, one, other)
    assert (again.recorded, again.before) == (0, 7)


def test_results_are_told_by_the_cell_of_the_first_list(shop, clock):
    code = campaign(shop)
    run(shop, code, number="r1")
    for day in range(12):
        buy(shop, "N3", PILLS, at=NOW - DAY * (6 + day))
    assert shop.addressed(code)[shop.member_of("N3")] == "national heavy"
    run(shop, code, number="r2", first=TODAY + 1)
    listed = shop._state(shop.member_of("N3")).lists[-1]
    assert [one.cell for one in listed.offers] == ["national heavy"]
    sold = receipt(
        line(250, OURS, 1, discount_minor=50), card="N3", offers=(listed.barcode,), at=NOW + DAY
    )
    clock.now += DAY
    assert len(uses_on(shop, shop.record(sold))) == 1
    assert [(one.cell, one.issued, one.used) for one in shop.campaign_results(code).cells] == [
        ("national heavy", 1, 0), ("national medium", 1, 0), ("national light", 1, 1),
        ("switcher heavy", 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("refusal", "codes", "last"),
    [(InputInvalid, [], 13), (CampaignUnknown, ["a", "x"], 13), (CampaignOver, ["b", "a"], 40)],
)
def test_a_run_that_cannot_be_begins_nowhere(shop, refusal, codes, last):
    campaign(shop, code="a", audience=None, depth=None, until="2026-01-31")
    campaign(shop, code="b", audience=None, depth=None)
    head = shop.log.head()
    with pytest.raises(refusal):
        shop.issue_campaigns(
            [e.ListedOffer(code) for code in codes], "run", from_day=TODAY, until_day=TODAY + last
        )
    assert shop.log.head() == head


def test_who_is_closed_or_merged_gets_no_list_of_a_run(shop):
    code = campaign(shop, code="any", audience=None, depth=None)
    shop.close_member("N1", "moved", "Ada", "close-1")
    shop.merge("N2", "N3", "twins", "Ada", "merge-1")
    told = run(shop, code)
    assert told.campaigns == [Issues(code, 5, 0, 0, 0)]


# --- how often -------------------------------------------------------------------------


def test_a_campaigns_limit_is_kept_and_counted(shop, clock):
    code = campaign(shop, limit={"lists": 1, "days": 60}, depth=None)
    assert run(shop, code, number="r1").campaigns[0].issued == 4
    clock.now = NOW + 58 * DAY  # no receipt of the first list's days comes any more
    other = campaign(shop, code="other", depth=None)
    assert run(shop, other, number="o1", first=TODAY + 58).campaigns[0].issued == 4
    clock.now = NOW + 59 * DAY
    told = run(shop, code, number="r2", first=TODAY + 59)
    assert (told.campaigns, told.recorded) == ([Issues(code, 0, 0, 4, 3)], 0)
    with pytest.raises(OffersLimited):
        ask(shop, code, "N1", "l9", TODAY + 59)
    clock.now = NOW + 60 * DAY
    assert run(shop, code, number="r3", first=TODAY + 60).campaigns[0].issued == 4


def test_limits_come_before_the_holdout(shop):
    code = campaign(shop, limit={"lists": 1, "days": 40}, holdout_bp=10_000, seed="s1")
    assert run(shop, code, number="r1").campaigns[0].held_out == 4
    assert run(shop, code, number="r2").campaigns[0].held_out == 4  # who got none had no list
    event = ask(shop, code, "N1", "l9")
    assert (event.held_out, event.held_out_cells) == ((code,), ("national heavy",))


def test_the_programmes_limit_is_of_all_campaigns(new_db, clock):
    programme = PROGRAMME.replace("[earn]\n", "[offers]\nmost = 3\ndays = 60\n[earn]\n", 1)
    with LoyaltyLedger.create(new_db(), programme, secret=SECRET, clock=clock) as ledger:
        stocked(ledger)
        ledger.enrol("C1")
        codes = [begun(ledger, code=code, products=[OURS], until="2026-12-31") for code in "abcd"]
        first = ledger.issue_list(
            "C1", [e.ListedOffer(code) for code in codes[:2]], "l1", from_day=TODAY,
            until_day=TODAY + 6,
        )  # fmt: skip
        assert len(ledger.event(first).offers) == 2
        clock.now = NOW + 55 * DAY
        offers = [e.ListedOffer(code) for code in codes]
        second = ledger.issue_list(
            "C1", offers, "l2", from_day=TODAY + 55, until_day=TODAY + 60
        )  # fmt: skip
        event = ledger.event(second)
        assert [one.campaign for one in event.offers] == ["a"]
        assert event.limited == ("b", "c", "d")
        with pytest.raises(OffersLimited):
            ledger.issue_list("C1", offers[3:], "l3", from_day=TODAY + 59, until_day=TODAY + 60)
        clock.now = NOW + 60 * DAY
        third = ledger.issue_list(
            "C1", offers, "l4", from_day=TODAY + 60, until_day=TODAY + 66
        )  # fmt: skip
        assert [one.campaign for one in ledger.event(third).offers] == ["a", "b"]
        ledger.enrol("C2")
        twice = [e.ListedOffer(code, product) for code in "ab" for product in ("", OURS)]
        told = ledger.issue_campaigns(
            twice, "run", from_day=TODAY + 60, until_day=TODAY + 66
        )  # fmt: skip
        # C1 has no room left; of C2's four the last found none, but it was issued the campaign.
        assert told.campaigns == [Issues("a", 1, 0, 1), Issues("b", 1, 0, 1)]


# --- whom it turns ---------------------------------------------------------------------


def goal(ledger, **changes):
    said = {
        "goal": {"from": "national", "to": "own"}, "holdout_bp": 5_000, "seed": "s4",
        "audience": {"category": "pain"}, "depth": None,
    }  # fmt: skip
    return campaign(ledger, **{**said, **changes})


def test_who_bought_the_other_kind_before_and_none_of_the_goal_can_be_turned(ledger, clock):
    stocked(ledger)
    ledger.describe_product(Product("500", "balm", (Level("pain", "Pain relief"),)))  # of no kind
    before = {"both": (PILLS, OURS), "own": (OURS,), "balm": ("500",)}
    cards = [*before, *[f"N{number}" for number in range(12)]]
    for card in cards:
        buy(ledger, card, *before.get(card, (PILLS,)), at=NOW - 9 * DAY)
    code = goal(ledger)
    assert ledger.campaign_results(code).turned is None
    run(ledger, code)
    turned = {"both", "own", "balm", "N0", "N1", "N2", "N5", "N7"}
    for card in turned:
        buy(ledger, card, OURS, MILK)
    gave_back = buy(ledger, "N8", OURS)
    ledger.return_goods(key(gave_back), "r1")
    buy(ledger, "N9", PILLS)
    out = {c for c in cards if held_out("s4", code, ledger.member_of(c), 5_000)}
    could = set(cards) - set(before)
    told = ledger.campaign_results(code).turned
    groups = [could - out, could & out]
    assert all(groups)
    assert told[:4] == tuple(n for group in groups for n in (len(group), len(group & turned)))
    expected = [[member in turned for member in group] for group in groups]
    assert told.lift == lift_of_shares(*expected)


def test_the_goal_may_be_one_product(ledger):
    stocked(ledger)
    cards = [f"N{number}" for number in range(12)]
    for card in cards:
        buy(ledger, card, PILLS, OURS, at=NOW - 9 * DAY)
    kind, gel = goal(ledger), goal(ledger, code="gel", goal={"from": "national", "product": GEL})
    for code in (kind, gel):
        run(ledger, code, number=code)
    for card in cards[:4]:
        buy(ledger, card, GEL)
    buy(ledger, cards[5], OURS)
    assert ledger.campaign_results(kind).turned is None  # they bought of the own brand before
    told = ledger.campaign_results(gel).turned
    assert (told.members + told.held_out, told.turned + told.held_out_turned) == (12, 4)


def test_shares_in_basis_points_and_never_narrower():
    # 3 of 4 against 1 of 4: 50 points more; variances 1/4 each, root(1/16 + 1/16) = .3536,
    # times 1.96 is .6930: from -19.3 to 119.3 %.
    told = lift_of_shares([True] * 3 + [False], [True] + [False] * 3)
    assert told[:5] == (4, 4, 7_500, 2_500, 5_000)
    assert (told.low_minor, told.high_minor) == (-1_930, 11_930)
    assert lift_of_shares([True], []) is None


def test_all_of_it_is_told_alike_after_a_rebuild(shop, db, clock):
    code = goal(shop, depth=DEPTH)
    run(shop, code)
    buy(shop, "N1", OURS)
    told, digests = shop.campaign_results(code), shop.digests()
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert again._state(again.member_of("N1")) == shop._state(shop.member_of("N1"))
        again.rebuild([p.name for p in again.engine.projections])
        assert (again.digests(), again.campaign_results(code)) == (digests, told)
    verdict = shop.verify()
    assert verdict.clean, verdict.findings
