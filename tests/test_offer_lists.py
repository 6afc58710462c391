"""Lists of what members are about to need, through the door on both stores; no look ahead."""

import csv
import json
import random
from itertools import count

import numpy as np
import pytest
from conftest import NOW, PROGRAMME, SECRET
from shop import DAY, line, receipt

from adapters.cli.main import main
from adapters.offers.lists import one_list
from adapters.offers.lists import write as write_lists
from adapters.offers.page import words
from ledger.application import LoyaltyLedger
from ledger.errors import CardUnknown, InputInvalid, KeyConflict
from ledger.forecast.pairs import Crowd
from ledger.offers import schedule as scheduling
from ledger.policies.rhythm import pace, rhythm
from ledger.types import Price, Promotion, date_of

pytest.importorskip("numpy")
pytest.importorskip("sklearn")

DAYS = 150
LAST = NOW // DAY - 1
"""The day before today."""


def shopping(members=30, days=DAYS, seed=4):
    """Each member has four products of its own, each at a pace of its own, and something else."""
    rng = random.Random(seed)
    numbers = count(1)
    for member in range(members):
        own = rng.sample(range(40), 4)
        pace = [rng.randint(1, 4) for _ in own]
        at = NOW - DAY * days + rng.randrange(DAY)
        for visit in range(days):
            at += DAY * rng.randint(2, 8)
            if at >= NOW - DAY:
                break
            goods = [p for p, every in zip(own, pace, strict=True) if visit % every == 0]
            goods.append(rng.randrange(40, 60))
            yield receipt(
                *[line(100 + p, f"P{p:02}", 1 + p % 3) for p in goods], card=f"c{member:02}", at=at,
                number=f"r{next(numbers)}",
            )  # fmt: skip


def put(ledger, receipts):
    for outcome in ledger.record_all(
        sorted(receipts, key=lambda r: r.captured_at), history=True, enrol=True
    ):
        assert not isinstance(outcome, Exception), outcome


def told(ledger, **wanted):
    lists = ledger.offer_lists(**wanted)
    said = words(ledger)
    return lists.model, [one_list(one, said) for one in lists.lists]


def write(path, ledger, lists):
    write_lists(path, lists.lists, words(ledger))


@pytest.fixture
def shop(ledger):
    put(ledger, shopping())
    return ledger


def test_a_model_is_recorded_once_and_cited(shop):
    before, untuned = told(shop)
    assert before == ""
    outcome = shop.fit_offers("mara", "fit-1")
    fitted = shop.event(outcome)
    model, lists = told(shop)
    assert model == fitted.digest
    assert fitted.members == len(lists) == len(untuned) == 30
    assert fitted.author == "mara"
    head = shop.log.head()
    again = shop.fit_offers("mara", "fit-1")
    assert (again.version, again.repeat, shop.log.head()) == (outcome.version, True, head)
    with pytest.raises(KeyConflict):
        shop.fit_offers("mara", "fit-1", as_of=LAST - 1)
    with pytest.raises(InputInvalid, match="author"):
        shop.fit_offers("", "fit-2")


def test_lists_hold_what_members_come_back_for(shop):
    shop.fit_offers("mara", "fit-1")
    hits = places = 0
    bought = {}
    for one in shopping():
        for goods in one.lines:
            bought.setdefault(one.card, []).append(goods.product)
    for card, products in bought.items():
        often = {p for p in products if products.count(p) > 5}
        _, (found,) = told(shop, card=card, lines=4)
        hits += len(often & {row["product"] for row in found["lines"]})
        places += min(4, len(often))
    assert hits > 0.8 * places


def test_a_line_says_how_much_when_and_at_what_price(ledger):
    days = (40, 30, 20, 10)
    put(
        ledger,
        [
            receipt(line(300 + d, "tea", 2 if d > 20 else 3), card="a", at=NOW - DAY * d)
            for d in days
        ],
    )
    put(ledger, [receipt(line(77, "salt"), card="a", at=NOW - DAY * 40)])
    _, (found,) = told(ledger)
    assert (found["visits"], found["rhythm"], found["spend_minor"]) == (
        5,
        "due",
        4 * 300 + 100 + 77,
    )
    tea, salt = found["lines"]
    assert (tea["product"], tea["quantity"], tea["times"], tea["every_days"]) == ("tea", 2, 4, 10)
    assert tea["paid_minor"] == 310 * 2 // 3
    assert tea["reason"] == "due"
    assert salt["reason"] == "once"
    assert salt["last_day"] < tea["last_day"]


def test_what_was_not_bought_is_no_purchase(ledger):
    day = NOW - DAY * 3
    put(ledger, [
        receipt(line(500, "tea"), line(25, "bottle", kind="deposit"), line(90, "oops", voided=True), card="a", at=day)
    ])  # fmt: skip
    _, (found,) = told(ledger)
    assert [row["product"] for row in found["lines"]] == ["tea"]
    assert found["spend_minor"] == 500


def test_a_list_has_the_prices_and_promotions_of_the_next_day(ledger):
    put(ledger, [receipt(line(500, "tea"), line(70, "salt"), card="a", at=NOW - DAY * 3)])
    today = NOW // DAY

    def price(minor, day, store=""):
        return Price("tea", date_of(day), minor, store=store)

    ledger.list_all([
        price(550, today - 9), price(520, today + 1), price(510, today + 2),
        price(1, today - 9, "elsewhere"),
        Promotion("tea", "SPRING", date_of(today), date_of(today + 3), price_minor=480),
        Promotion("tea", "OVER", date_of(today - 9), date_of(today)),
    ])  # fmt: skip
    early = told(ledger)
    (found,) = early[1]
    shown = {row["product"]: (row["price_minor"], row["promotions"]) for row in found["lines"]}
    assert shown == {"tea": (520, ("SPRING",)), "salt": (0, ())}
    ledger.clock.now += DAY
    ledger.set_price(price(99, today + 1))
    assert told(ledger, as_of=today) == early
    (found,) = told(ledger)[1]
    assert {row["product"]: row["price_minor"] for row in found["lines"]} == {"tea": 510, "salt": 0}


def test_a_deposit_alone_is_no_purchase(ledger):
    day = NOW - DAY * 3
    put(ledger, [receipt(line(500, "tea"), card="a", at=day)])
    put(ledger, [receipt(line(25, "bottle", kind="deposit"), card="a", at=day + DAY)])
    put(ledger, [receipt(line(25, "bottle", kind="deposit"), card="b", at=day)])
    _, (found,) = told(ledger)
    assert (found["visits"], [row["product"] for row in found["lines"]]) == (1, ["tea"])


def test_the_crowd_keeps_its_items_among_others(ledger):
    """New items move the numbers; who comes after the sample is not taken out of it."""
    put(
        ledger, [receipt(line(5, "m"), line(5, "p"), card=card, at=NOW - DAY * 9) for card in "abc"]
    )
    known = scheduling.population(ledger.histories(ledger._cut(None)[1]), LAST)
    members = sorted(ledger.member_of(card) for card in "abc")
    put(ledger, [receipt(line(5, "a"), line(5, "n"), card="a", at=NOW - DAY * 5)])
    some = next(ledger.histories(ledger._cut(None)[1]).by(10))
    part = scheduling.chunk(some, scheduling.Numbers(known.items), LAST, LAST)
    assert part.items == ["a", "m", "n", "p"]
    *columns, counted = known.crowd
    crowd = Crowd(*scheduling._moved(np.array(columns), known.items, part), counted)
    assert crowd.owners.tolist() == [0, 3, 0, 3]
    assert counted == 3
    moment = scheduling._moment(part, crowd, known._replace(last=members[1]), LAST)
    owned = dict(zip(moment.pairs.member.tolist(), moment.own.owned.tolist(), strict=True))
    assert owned == {0: 1, 1: 1, 2: 0}


def test_a_past_day_is_told_as_it_was_told_then(shop, tmp_path):
    """Byte by byte, whatever is recorded, fitted and published since."""
    shop.fit_offers("mara", "fit-1")
    early = shop.offer_lists(as_of=LAST + 1)
    write(tmp_path / "early.ndjson", shop, early)
    shop.clock.now += 3 * DAY
    put(
        shop, [receipt(line(999, f"P{n:02}"), card=f"c{n:02}", at=NOW + 2 * DAY) for n in range(30)]
    )
    put(shop, [receipt(line(999, "fresh"), card="newcomer", at=NOW + 2 * DAY)])
    shop.record(
        receipt(line(5, "late"), card="c01", at=NOW - DAY * 5)
    )  # captured then, recorded now
    shop.fit_offers("mara", "fit-2")
    shop.close_member("c02", "moved", "mara", "close-1")
    write(tmp_path / "late.ndjson", shop, shop.offer_lists(as_of=LAST + 1))
    assert (tmp_path / "early.ndjson").read_bytes() == (tmp_path / "late.ndjson").read_bytes()
    model, now = told(shop)
    assert model != early.model
    assert len(now) == 30  # one came, one closed
    assert "late" in {row["product"] for row in told(shop, card="c01", lines=100)[1][0]["lines"]}


def test_both_stores_tell_the_same(tmp_path, new_postgres, clock):
    written = []
    for name, db in (("sqlite", str(tmp_path / "a.db")), ("postgres", new_postgres())):
        with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as ledger:
            put(ledger, shopping())
            ledger.fit_offers("mara", "fit-1")
            write(tmp_path / f"{name}.csv", ledger, ledger.offer_lists())
        written.append((tmp_path / f"{name}.csv").read_bytes())
    assert written[0] == written[1]


def test_however_members_are_cut_they_get_the_same_list(shop, monkeypatch):
    shop.fit_offers("mara", "fit-1")
    whole = told(shop)
    monkeypatch.setattr(scheduling, "MEMBERS", 7)
    assert told(shop) == whole
    by_member = {one["member"]: one for one in whole[1]}
    _, (one,) = told(shop, card="c05")
    assert one == by_member[shop.member_of("c05").hex()]


def test_who_is_not_in_the_sample_is_not_taken_out_of_it(shop, monkeypatch):
    """With a sample of a third, chances stay chances and nobody is left out."""
    shop.fit_offers("mara", "fit-1")
    monkeypatch.setattr(scheduling, "SAMPLE", 10)
    _, lists = told(shop)
    assert len(lists) == 30
    assert all(0 <= row["chance_ppm"] <= 1_000_000 for one in lists for row in one["lines"])


def test_who_is_gone_gets_no_list(shop):
    shop.close_member("c00", "moved", "mara", "close-1")
    shop.merge("c01", "c02", "same person", "mara", "merge-1")
    _, lists = told(shop)
    members = {one["member"] for one in lists}
    assert len(lists) == 28
    assert shop.member_of("c00").hex() not in members


def test_only_who_spends_enough_gets_a_list(shop):
    _, lists = told(shop)
    spends = sorted(one["spend_minor"] for one in lists)
    _, some = told(shop, from_minor=spends[20])
    assert len(some) == sum(spend >= spends[20] for spend in spends)


def test_what_cannot_be_asked_is_refused(shop):
    with pytest.raises(CardUnknown):
        shop.offer_lists(card="nobody")
    with pytest.raises(InputInvalid, match="lines"):
        shop.offer_lists(lines=0)
    with pytest.raises(InputInvalid, match=r"too few|Nobody"):
        shop.fit_offers("mara", "fit-9", as_of=LAST - DAYS - 10)
    assert told(shop, as_of=LAST - DAYS - 10) == ("", [])


def test_on_the_command_line(shop, db, tmp_path, capsys):
    shop.close()
    out = tmp_path / "lists.ndjson"
    assert (
        main(
            [
                "offers",
                "fit",
                "--db",
                db,
                "--author",
                "mara",
                "--command-id",
                "f1",
                "--as-of",
                "2100-01-01",
            ]
        )
        == 1
    )
    assert "too few" in capsys.readouterr().err
    assert (
        main(
            ["offers", "fit", "--db", db, "--author", "mara", "--as-of", date_of(LAST).isoformat()]
        )
        == 0
    )
    assert main(["offers", "schedule", "--db", db, "--out", str(out), "--json"]) == 0
    capsys.readouterr()
    lists = [json.loads(row) for row in out.read_text().splitlines()]
    assert len(lists) == 30
    assert main(["offers", "schedule", "--db", db, "--out", str(out)]) == 1  # it is there already
    assert main(["offers", "schedule", "--db", db, "--out", str(tmp_path / "a.txt")]) == 1
    assert main(["offers", "schedule", "--db", db]) == 1
    assert main(["offers", "schedule", "--db", db, "--card", "c03", "--lines", "3"]) == 0
    assert "P" in capsys.readouterr().out
    assert main(["offers", "schedule", "--db", db, "--out", str(tmp_path / "a.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert len(rows) == sum(len(one["lines"]) for one in lists)
    assert rows[0]["place"] == "1"
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.parametrize(
    ("days", "today", "name"),
    [
        ((0,), 5, "first"), ((0,), 15, "due"), ((0,), 80, "lost"),
        ((0, 10, 20, 30), 36, "on time"), ((0, 10, 20, 30), 40, "due"), ((0, 10, 20, 30), 48, "late"),
        ((0, 10, 20, 30), 65, "lapsing"), ((0, 10, 20, 30), 75, "lost"),
        ((0, 10, 20, 30, 130), 131, "returned"), ((0, 10, 20, 30, 130), 160, "lapsing"),
        ((0, 10, 20, 30, 130, 140), 145, "on time"), ((5, 5, 5), 6, "first"),
    ],
)  # fmt: skip
def test_everybody_has_a_rhythm(days, today, name):
    assert rhythm(pace(sorted(set(days))), today) == name
