"""Lists that are issued: once a member and day, with the campaigns that run, by anybody, resumed."""

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.cli.main import main
from adapters.offers.issuing import issue
from adapters.offers.lists import one_list, write
from adapters.offers.page import words
from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import CardUnknown, InputInvalid, StoreUnavailable
from ledger.offers import plan as planning
from ledger.policies.listing import chosen
from ledger.policies.offers import held_out
from ledger.types import Level, Price, Product, date_of
from tests.campaigns import begun
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, line, receipt
from tests.test_offer_lists import put, shopping

pytest.importorskip("numpy")
pytest.importorskip("sklearn")

ROOT = Path(__file__).parent.parent
TODAY = 20_454
AS_OF = TODAY - 1
GOODS = tuple(f"P{n:02}" for n in range(12))
WEEKS = {"from": "2025-12-01", "until": "2026-02-28"}


@pytest.fixture
def shop(ledger):
    """Thirty members; twelve products are in the catalogue and cost 2.00."""
    for code in GOODS:
        ledger.describe_product(Product(code, f"product {code}", (Level("dry", "Dry goods"),)))
        ledger.set_price(Price(code, date_of(TODAY - 100), 200))
    put(ledger, shopping())
    return ledger


def bought(ledger):
    """Who bought what, by the lists of the day."""
    lists = [*ledger.offer_lists(as_of=AS_OF).lists]
    return {one.member: {line.product for line in one.shopping.lines} for one in lists}


def yesterday(ledger, **changes):
    """A campaign that had been told on the day before."""
    ledger.clock.now -= DAY
    code = begun(ledger, **{**WEEKS, "products": list(GOODS), **changes})
    ledger.clock.now += DAY
    return code


def run(ledger, as_of=AS_OF, card="", **asked):
    workers = asked.pop("workers", 1)
    return issue(
        ledger, ledger.plan_lists(as_of=as_of, to_issue=True, **asked), card, workers=workers
    )[0]


def issued(ledger, as_of=AS_OF):
    return [*ledger.issued_lists(as_of)]


def written(ledger, lists, path):
    write(path, lists, words(ledger))
    return path.read_bytes()


# --- one list a member and day ---------------------------------------------------------


def test_a_list_is_an_event_with_its_lines_its_offers_and_a_barcode(shop):
    code = yesterday(shop)
    shop.fit_offers("mara", "fit-1", as_of=AS_OF)
    told = run(shop, lines=10)
    assert (told.issued, told.repeated, told.refusals) == (30, 0, 0)
    lists = issued(shop)
    assert [one.member for one in lists] == sorted({one.member for one in lists})
    for one in lists:
        listed = [line.product for line in one.shopping.lines]
        assert len(listed) == 10
        assert [offer.product for offer in one.offers] == [p for p in listed if p in GOODS]
        assert {(o.campaign, o.amount) for o in one.offers} <= {(code, 50)}
        assert (one.from_day, one.until_day) == (TODAY, TODAY + 13)
        digits = [int(digit) for digit in one.barcode]
        assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0
    assert len({one.barcode for one in lists}) == 30
    assert any(one.offers for one in lists)
    assert not all(one.offers for one in lists)
    state = shop._state(lists[0].member)
    assert [one.barcode for one in state.lists] == [lists[0].barcode] * bool(lists[0].offers)


def test_the_scan_of_the_barcode_takes_all_offers_of_the_list(shop):
    yesterday(shop)
    run(shop)
    card, listed = next(
        (f"c{n:02}", one)
        for n in range(30)
        for one in shop.issued_lists(AS_OF, f"c{n:02}")
        if len({offer.product for offer in one.offers}) > 1
    )
    goods = [line(150, offer.product, discount_minor=50) for offer in listed.offers]
    outcome = shop.record(receipt(*goods, card=card, offers=(listed.barcode,)))
    used = shop.event(outcome).award.offers
    assert [use.line for use in used] == [*range(len(goods))]
    assert {use.barcode for use in used} == {listed.barcode}


def test_it_is_done_once_however_often_it_is_run_and_by_whom(shop, db, clock):
    yesterday(shop)
    run(shop)
    head, lists = shop.log.head(), issued(shop)
    told = run(shop)
    assert (told.issued, told.repeated, shop.log.head()) == (0, 30, head)
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert run(again, card="c03").repeated == 1
        assert issued(again) == lists
        assert again.verify().clean
    # Another list of the same day, whatever it would hold, is the first one.
    assert run(shop, lines=3).repeated == 30
    assert issued(shop) == lists
    days = run(shop, days=7)  # but not for other days
    assert (days.issued, days.refusals) == (0, 30)
    assert {why for _, why in days.refused} == {"key-conflict"}
    assert len(days.refused) == 20


def test_the_lists_of_another_day_are_others(shop, clock):
    run(shop, card="c03")
    clock.now += 14 * DAY
    run(shop, as_of=AS_OF + 14, card="c03")
    first, second = issued(shop), issued(shop, AS_OF + 14)
    assert (len(first), len(second)) == (1, 1)
    assert first[0].barcode != second[0].barcode
    assert second[0].from_day == first[0].until_day + 1


def test_the_file_of_issued_lists_is_the_file_that_was_made_before_but_for_barcodes(shop, tmp_path):
    yesterday(shop, holdout_bp=3_000, seed="spring")
    before = [one_list(one, words(shop)) for one in shop.offer_lists(as_of=AS_OF).lists]
    assert {one.pop("barcode") for one in before} == {""}
    run(shop)
    after = [one_list(one, words(shop)) for one in issued(shop)]
    assert len({one.pop("barcode") for one in after}) == 30
    assert after == before


def test_who_is_gone_gets_none_and_a_day_that_is_not_over_has_none(shop):
    shop.close_member("c00", "moved", "mara", "close-1")  # recorded after the day
    told = run(shop)
    assert (told.issued, told.repeated) == (29, 1)
    gone = shop.issued_lists(AS_OF, "c01")
    assert [one.member for one in gone] == [shop.member_of("c01")]
    shop.erase_member("c01", "asked", "mara", "erase-1")
    assert len(issued(shop)) == 28
    with pytest.raises(InputInvalid, match="not over") as refused:
        run(shop, as_of=TODAY)
    assert refused.value.field == "as_of"
    with pytest.raises(InputInvalid, match="not over"):
        shop.issue_made(shop.plan_lists(as_of=TODAY), planning.parts(1)[0])
    with pytest.raises(CardUnknown):
        run(shop, card="nobody")
    past = run(shop, as_of=AS_OF - 30)
    assert (past.issued, {why for _, why in past.refused}) == (0, {"input-invalid"})


def test_what_the_programme_says_of_lists_holds_where_nothing_is_said(ledger_under):
    shop = ledger_under("\n[lists]\nlines = 7\nfrom_minor = 1\ndays = 21\n")
    put(shop, [*shopping(members=3), receipt(line(5, "x"), card="old", at=NOW - 90 * DAY)])
    assert run(shop).issued == 3  # who spent nothing lately is left out
    for one in issued(shop):
        assert len(one.shopping.lines) == 7
        assert one.until_day == TODAY + 20
    assert shop.plan_lists(as_of=AS_OF, lines=5, from_minor=0).ask[1:] == (5, 0, 21)


# --- which offers ----------------------------------------------------------------------


def test_campaigns_that_run_on_all_days_are_on_it_as_told_by_then_or_when_it_is_issued(shop):
    yesterday(shop, code="good")
    yesterday(shop, code="late", **{"from": "2026-01-02"})
    yesterday(shop, code="short", until="2026-01-13")
    yesterday(shop, code="other", products=None, categories=["wet"])
    ended = yesterday(shop, code="ended", offer={"off_minor": 99})
    yesterday(shop, code="news", offer={"off_minor": 98})
    shop.clock.now -= DAY
    shop.end_campaign(ended, TODAY + 3, "Ada", "end-1")
    shop.clock.now += DAY
    begun(shop, code="today", **{**WEEKS, "products": list(GOODS), "offer": {"off_minor": 200}})
    shop.end_campaign("news", TODAY + 3, "Ada", "end-2")  # told after the day
    deals = shop.plan_lists(as_of=AS_OF).deals
    assert {code: [one.code for one in found] for code, found in deals.items()} == {
        key: ["good", "news"] for key in GOODS
    }
    run(shop)
    assert {offer.campaign for one in issued(shop) for offer in one.offers} == {"today"}


def test_groups_of_the_catalogue_and_budgets_and_limits_decide(shop, clock):
    yesterday(shop, products=None, categories=["dry"], per_member=2, budget_pieces=3)
    card = next(
        c for c in (f"c{n:02}" for n in range(30)) if "P00" in bought(shop)[shop.member_of(c)]
    )
    run(shop, card=card)
    (listed,) = shop.issued_lists(AS_OF, card)
    assert "P00" in {offer.product for offer in listed.offers}
    goods = line(450, "P00", 3, discount_minor=150)
    shop.record(receipt(goods, card=card, offers=(listed.barcode,)))
    clock.now += DAY
    run(shop, as_of=TODAY)
    (second,) = shop.issued_lists(TODAY, card)
    assert second.offers == ()  # two pieces was all for this member
    others = [one for one in issued(shop, TODAY) if one.member != second.member]
    assert any(one.offers for one in others)
    card, listed = next(
        (f"c{n:02}", one) for n in range(30) for one in shop.issued_lists(TODAY, f"c{n:02}")
        if one.offers
    )  # fmt: skip
    goods = line(150, listed.offers[0].product, 1, discount_minor=50)
    shop.record(receipt(goods, card=card, offers=(listed.barcode,), at=clock.now))
    clock.now += DAY
    run(shop, as_of=TODAY + 1)
    assert not any(one.offers for one in issued(shop, TODAY + 1))  # the budget is used up


def test_who_is_held_out_is_recorded_as_by_any_list(shop):
    code = yesterday(shop, holdout_bp=5_000, seed="spring")
    run(shop)
    out = 0
    for one in issued(shop):
        wants = bool({line.product for line in one.shopping.lines} & {*GOODS})
        held = held_out("spring", code, one.member, 5_000)
        out += wants and held
        assert bool(one.offers) == (wants and not held)
        assert [offer.campaign for offer in one.held_out] == [code] * (wants and held)
    assert out > 0
    assert shop.campaign_results(code).held_out == out


def test_only_whom_a_campaign_addresses_gets_it_as_deep_as_the_cell_has_it(shop):
    deep = {"unknown": {"heavy": [50, 30], "medium": [20]}}
    code = yesterday(
        shop, products=None, categories=["dry"], audience={"category": "dry", "cells": ["unknown heavy", "unknown medium"]},
        depth=deep,
    )  # fmt: skip
    cells = shop.addressed(code, as_of=AS_OF)
    assert cells
    made = [*shop.offer_lists(as_of=AS_OF).lists]
    assert all(one.member in cells for one in made if one.offers)
    assert any({line.product for line in one.shopping.lines} & {*GOODS} for one in made
               if one.member not in cells)  # fmt: skip
    run(shop)
    amounts = {"unknown heavy": 50, "unknown medium": 20}
    found = {}
    for one in issued(shop):
        for offer in one.offers:
            assert (offer.cell, offer.amount) == (cells[one.member], amounts[cells[one.member]])
            found[one.member] = offer.cell
        wants = {line.product for line in one.shopping.lines} & {*GOODS}
        assert bool(one.offers) == bool(wants and one.member in cells)
    assert len({*found.values()}) > 1


def campaign(code, kind, amount, combines=False):
    return e.CampaignCreated(
        0, code, code, 0, 9, (), (), "f", kind, amount, "a", may_combine=combines
    )


@pytest.mark.parametrize(
    ("campaigns", "price", "codes"),
    [
        ([("a", "off_minor", 30), ("b", "off_bp", 2_000)], 200, ["b"]),
        ([("a", "off_minor", 30), ("b", "off_bp", 2_000)], 100, ["a"]),
        ([("a", "off_minor", 30), ("b", "off_bp", 9_000)], 0, ["a"]),
        ([("a", "price_minor", 150), ("b", "off_minor", 49)], 200, ["a"]),
        ([("a", "price_minor", 250)], 200, []),
        ([("a", "off_bp", 10)], 200, []),
        ([("a", "price_minor", 250)], 0, ["a"]),
        ([("b", "off_minor", 30), ("a", "off_minor", 30)], 200, ["a"]),
        ([("a", "reward", 0), ("b", "points", 5)], 200, ["b"]),
        ([("a", "points", 5), ("b", "off_minor", 1)], 200, ["b"]),
        ([("a", "off_minor", 30, True), ("b", "points", 5, True), ("c", "points", 5)], 200, ["a", "b"]),
        ([("a", "off_minor", 30), ("b", "points", 5, True)], 200, ["a"]),
        ([], 200, []),
    ],
)  # fmt: skip
def test_a_line_has_the_offer_that_takes_most_off_and_those_it_combines_with(
    campaigns, price, codes
):
    found = chosen([campaign(*one) for one in campaigns], price)
    assert [one.code for one in found] == codes


# --- many processes, kills -------------------------------------------------------------


def recent(db):
    """A ledger on the real clock whose members bought until yesterday; the day before today.

    Today is the programme's day: late in the evening of UTC, the next one has begun there.
    """
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET) as ledger:
        today = ledger.current_day()
        moved = (today - NOW // DAY) * DAY
        put(ledger, [*moving(shopping(members=90), moved)])
        ledger.describe_product(Product("P00", "Ziegenkäse"))
        begun(ledger, products=["P00"], **{"from": "2020-01-01", "until": "2099-01-01"})
        ledger.fit_offers("mara", "fit-1", as_of=today - 1)
    return today - 1


def moving(receipts, seconds):
    import datetime as dt

    import msgspec

    by = dt.timedelta(seconds=seconds)
    for one in receipts:
        yield msgspec.structs.replace(
            one, captured_at=one.captured_at + by, business_date=one.business_date + by
        )


def loyalty(*words, db):
    return [sys.executable, "-m", "adapters.cli.main", *map(str, words), "--db", db]


def test_several_processes_make_and_issue_the_bytes_that_one_does(
    new_db, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(planning, "PART_MEMBERS", 7)
    db, other = new_db(), new_db()
    recent(db), recent(other)
    made = []
    for name, workers in (("one", 1), ("three", 3)):
        out = tmp_path / f"{name}.ndjson"
        assert (
            main(["offers", "schedule", "--out", str(out), "--workers", str(workers), "--db", db])
            == 0
        )
        made.append(out.read_bytes())
    assert made[0] == made[1]
    for name, workers, where in (("first", 1, db), ("second", 2, other)):
        out = tmp_path / f"{name}.csv"
        assert main(["offers", "schedule", "--issue", "--out", str(out), "--workers", str(workers),
                     "--db", where]) == 0  # fmt: skip
        made.append(out.read_bytes())
    assert made[2] == made[3]
    assert made[2].count(b"Ziegenk") > 5
    with LoyaltyLedger.open(other) as ledger:
        assert ledger.verify().clean
        with pytest.raises(InputInvalid, match="workers"):
            run(ledger, workers=0)
    capsys.readouterr()


KILLED = """
import sys
from adapters.offers import issuing
from ledger.application import LoyaltyLedger
from ledger.offers import plan
plan.PART_MEMBERS = 5
with LoyaltyLedger.open(sys.argv[1]) as ledger:
    def say(members):
        print(members, flush=True)
        sys.stdin.readline()
    issuing.issue(ledger, ledger.plan_lists(as_of=int(sys.argv[2])), workers=int(sys.argv[3]), progress=say)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_was_killed_goes_on_where_it_stopped(new_db, monkeypatch, workers):
    monkeypatch.setattr(planning, "PART_MEMBERS", 5)
    db = new_db()
    as_of = recent(db)
    running = subprocess.Popen(
        [sys.executable, "-c", KILLED, db, str(as_of), str(workers)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    done = 0
    for _ in range(6):
        done += int(running.stdout.readline())
        running.stdin.write("go on\n")
        running.stdin.flush()
    done += int(running.stdout.readline())
    running.kill()
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    with LoyaltyLedger.open(db) as ledger:
        found = len([*ledger.issued_lists(as_of)])
        assert done <= found < 90
        told, before = issue(ledger, ledger.plan_lists(as_of=as_of))
        assert before == done  # these were not made again
        assert (told.issued + told.repeated, told.refusals) == (90, 0)
        lists = [*ledger.issued_lists(as_of)]
        assert len({one.member for one in lists}) == len(lists) == 90
        again, before = issue(ledger, ledger.plan_lists(as_of=as_of))
        assert (again.issued, again.repeated, before) == (0, 90, 0)  # no mark is left
        assert ledger.verify().clean


def dies(ledger, plan, part):
    import os

    os.kill(os.getpid(), signal.SIGKILL)


def fails(ledger, plan, part):
    raise InputInvalid("no", field="part")


def test_a_process_that_dies_or_fails_is_told_of(new_db):
    from adapters.offers.crew import each

    db = new_db()
    recent(db)
    with LoyaltyLedger.open(db) as ledger:
        plan = ledger.plan_lists()
        parts = planning.parts(10_000)
        with pytest.raises(StoreUnavailable, match="ended"):
            next(each(ledger, plan, parts, dies, 2))
        with pytest.raises(InputInvalid, match="no"):
            next(each(ledger, plan, parts, fails, 2))


def test_parts_are_all_members_each_once():
    for members in (0, 1, 2_000, 2_001, 1_000_000):
        parts = planning.parts(members)
        assert len(parts) == max(1, -(-members // 2_000))
        assert parts[0].after == b"\x01" + bytes(15)
        assert parts[-1].until == b"\x02" + bytes(15)
        for one, following in itertools.pairwise(parts):
            assert int.from_bytes(one.until) == int.from_bytes(following.after) + 1


# --- on the command line ---------------------------------------------------------------


def test_on_the_command_line(new_db, tmp_path, capsys):
    db = new_db()
    day = date_of(recent(db)).isoformat()
    out = tmp_path / "lists.html"
    words = ["offers", "schedule", "--issue", "--out", str(out), "--db", db]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["issued"], told["repeated"], told["refused"], told["as_of"]) == (90, 0, 0, day)
    assert out.read_text().count("<section>") == told["members"] == 90
    assert main(words) == 1  # it is there, and nothing was begun
    assert "there already" in capsys.readouterr().err
    assert main([*words[:3], "--db", db]) == 0
    assert "0 lists issued" in capsys.readouterr().out
    assert main(["offers", "lists", "--card", "c03", "--db", db, "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert one["barcode"].startswith("99")
    assert one["as_of"] == day
    assert main(["offers", "lists", "--db", db]) == 0
    assert "90 lists" in capsys.readouterr().out
    assert main(["offers", "lists", "--as-of", "2020-01-01", "--card", "c03", "--db", db]) == 0
    assert "no list" in capsys.readouterr().out
    assert main(["offers", "schedule", "--issue", "--as-of", "2099-01-01", "--db", db]) == 1
