"""What a funder owes, and what a campaign brought."""

import json
from math import sqrt
from statistics import mean, variance

import pytest

from ledger.policies.lift import Lift, lift
from tests.campaigns import PASTA, RICE, SOUP, begun, described, issued, soup
from tests.campaigns import terms as file_of
from tests.shop import DAY, NOW, key, line, receipt
from tests.till import Till

TODAY = 20_454


@pytest.fixture
def shop(ledger):
    ledger.enrol("C1")
    ledger.enrol("C2")
    return described(ledger)


def bought(ledger, listed, *lines, card="C1", **fields):
    one = receipt(*lines, card=card, offers=(listed.barcode,), **fields)
    ledger.record(one)
    return one


# --- the invoice -----------------------------------------------------------------------


def test_an_invoice_counts_by_campaign_and_product_what_was_used_less_what_came_back(shop, clock):
    first = begun(shop, products=[SOUP, PASTA])
    other = begun(shop, code="other", products=[RICE], funder="Rice Ltd")
    listed = issued(shop, "C1", first, other)
    sold = bought(shop, listed, soup(3), soup(1, product=PASTA), soup(1, product=RICE))
    bought(shop, listed, soup(2), soup(1))
    assert shop.campaign_invoice("Sopa Ltd", TODAY, TODAY) == [
        ("soup-24", SOUP, 6, 300, 2),
        ("soup-24", PASTA, 1, 50, 1),
    ]
    clock.now = NOW + 2 * DAY
    shop.return_goods(key(sold), "r1", {1: 2})
    assert shop.campaign_invoice("Sopa Ltd", TODAY, TODAY)[0].pieces == 6
    assert shop.campaign_invoice("Sopa Ltd", TODAY + 1, TODAY + 2) == [
        ("soup-24", SOUP, -2, -100, 0)
    ]
    assert shop.campaign_invoice("Sopa Ltd", TODAY, TODAY + 2)[0] == ("soup-24", SOUP, 4, 200, 2)
    assert shop.campaign_invoice("Nobody", TODAY, TODAY + 2) == []


def test_what_is_invoiced_is_what_was_drawn(shop):
    listed = issued(shop, "C1", begun(shop, budget_pieces=5, budget_minor=230))
    for _ in range(4):
        sold = bought(shop, listed, soup(2))
    shop.return_goods(key(sold), "r1")
    (row,) = shop.campaign_invoice("Sopa Ltd", TODAY, TODAY)
    view = shop.campaign("soup-24")
    assert (row.off_minor, row.pieces) == (view.drawn_minor, view.drawn_pieces) == (230, 5)


# --- results ---------------------------------------------------------------------------


def test_results_count_members_and_compare_their_spend_with_those_held_out(shop, clock):
    code = begun(shop, holdout_bp=4_000, seed="spring", products=None, categories=["dry"])
    spent, out, used = [], [], []
    for number in range(30):
        card = f"M{number}"
        shop.enrol(card)
        listed = issued(shop, card, code)
        paid = 100 + 7 * number
        shop.record(receipt(line(paid, PASTA), line(999, RICE), card=card))
        shop.record(receipt(line(5_000, SOUP), card=card, at=NOW - 3 * DAY))  # before it began
        if listed.held_out:
            out.append(paid)
        elif number % 2:
            bought(shop, listed, soup(2), card=card)
            used.append(paid + 500)
        spent += [] if listed.held_out else [paid + (500 if number % 2 else 0)]
    back = receipt(line(400, PASTA, 4), card="M0")
    shop.record(back)
    shop.return_goods(key(back), "r1")
    told = shop.campaign_results(code)
    assert (told.issued, told.used, told.held_out) == (len(spent), len(used), len(out))
    assert (told.pieces, told.off_minor) == (2 * len(used), 100 * len(used))
    assert told.lift == lift(used, out)
    assert told.lift_issued == lift(spent, out)
    assert len(used) > 3
    assert len(out) > 3


def test_who_gave_all_of_it_back_has_not_used_it(shop):
    code = begun(shop)
    sold = bought(shop, issued(shop, "C1", code), soup(2))
    assert shop.campaign_results(code).used == 1
    shop.return_goods(key(sold), "r1")
    told = shop.campaign_results(code)
    assert (told.used, told.pieces, told.off_minor, told.lift) == (0, 0, 0, None)


def test_lift_worked_out_by_hand():
    # Means 200 and 120; variances 10,000 and 400; 10,000/3 + 400/3 = 3,466.67, root 58.88,
    # times 1.96 is 115.4: from -35.4 to 195.4, widened to whole units.
    assert lift([100, 200, 300], [100, 120, 140]) == Lift(3, 3, 200, 120, 80, -36, 196)


@pytest.mark.parametrize("sizes", [(2, 2), (50, 7), (3, 400)])
def test_lift_is_what_statistics_say_and_never_narrower(sizes):
    one = [number * 7919 % 1_001 for number in range(sizes[0])]
    other = [number * 104_729 % 501 for number in range(sizes[1])]
    told = lift(one, other)
    d = mean(one) - mean(other)
    half = 1.96 * sqrt(variance(one) / len(one) + variance(other) / len(other))
    assert told.low_minor <= d - half
    assert d + half <= told.high_minor
    assert told.high_minor - told.low_minor <= 2 * half + 2.001
    assert told.difference_minor <= d < told.difference_minor + 1


def test_without_enough_members_there_is_no_interval():
    assert lift([], [1]) is None
    assert lift([1], []) is None
    assert lift([10], [1, 2]) == Lift(1, 2, 10, 1, 8, None, None)


def test_offers_and_their_results_are_the_same_after_a_rebuild(shop):
    code = begun(shop)
    sold = bought(shop, issued(shop, "C1", code), soup(2))
    shop.return_goods(key(sold), "r1", {1: 1})
    told, digest = shop.campaign_results(code), shop.digests()
    shop.rebuild(["offer", "campaign"])
    assert shop.campaign_results(code) == told
    assert shop.digests() == digest
    verdict = shop.verify()
    assert verdict.clean, verdict.findings


# --- the command line ------------------------------------------------------------------


def test_a_campaign_from_the_command_line(shop, capsys, tmp_path, db):
    till = Till(capsys, db)
    (tmp_path / "soup.json").write_text(file_of(until="2027-12-31"))
    create = ("campaign", "create", tmp_path / "soup.json", "--author", "Ada")
    assert till(*create) == {"code": "soup-24", "repeat": False}
    assert till(*create)["repeat"]
    days = ("--from", "2026-01-01", "--until", "2027-12-30")
    issue = ("campaign", "issue", "C1", "--offer", "soup-24:4006381333931:40", *days)
    listed = till(*issue, "--command-id", "l1")
    (offer,) = listed["offers"]
    assert offer == {
        "campaign": "soup-24", "product": SOUP, "amount": 40, "cell": "", "kind": "off_minor",
        "reward": "",
    }  # fmt: skip
    assert till(*issue, "--command-id", "l1")["repeat"]
    shop.record(receipt(soup(2), card="C1", offers=(listed["barcode"],)))
    shown = till("campaign", "budget", "soup-24", "--pieces", "-8", "--author", "Ada")
    assert (shown["drawn_minor"], shown["budget_pieces"]) == (80, 992)
    assert "990 left" in till("campaign", "show", "soup-24", json_=False)
    assert till("campaign", "invoice", "Sopa Ltd", *days)["lines"] == [
        {"campaign": "soup-24", "product": SOUP, "pieces": 2, "off_minor": 80, "receipts": 1}
    ]
    rows = till("campaign", "invoice", "Sopa Ltd", *days, "--csv", json_=False)
    assert rows == f"campaign,product,pieces,off_minor,receipts\nsoup-24,{SOUP},2,80,1\n"
    assert till("campaign", "results", "soup-24")["used"] == 1
    assert "nobody to compare" in till("campaign", "results", "soup-24", json_=False)
    assert [one["code"] for one in till("campaign", "list")["campaigns"]] == ["soup-24"]
    end = ("campaign", "end", "soup-24", "--until", "2027-12-01", "--author", "Ada")
    assert till(*end)["until"] == "2027-12-01"
    for words, field in (
        (("create",), "subject"),
        (("invoice", "x"), "from"),
        (("end", "x"), "until"),
    ):
        assert till("campaign", *words, code=1)["field"] == field
    assert json.loads(file_of())["code"] == "soup-24"
