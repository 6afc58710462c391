"""`loyalty offers evaluate` on a log: the measures of plain files, no look ahead, what offers came to."""

import json

import pytest

from adapters.cli.main import main
from adapters.offers import history
from adapters.offers import lines as lines_of
from ledger.errors import InputInvalid
from tests.campaigns import begun
from tests.shop import DAY, NOW, back, line, receipt
from tests.test_list_runs import AS_OF, GOODS, TODAY, run, shop, yesterday  # noqa: F401
from tests.test_offer_lists import put, shopping

pytest.importorskip("numpy")
pytest.importorskip("sklearn")

LAST = NOW // DAY - 1
DAYS = 200


@pytest.fixture
def past(ledger):
    put(ledger, shopping(members=40, days=DAYS))
    return ledger


def test_a_log_is_told_as_the_same_lines_in_a_file(past, tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [
        (one.card, one.business_date, one.number, each.product)
        for one in shopping(members=40, days=DAYS)
        for each in one.lines
    ]
    names = ("member", "date", "basket", "item")
    path = tmp_path / "lines.parquet"
    pq.write_table(
        pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), path
    )
    from_file = lines_of.evaluate(lines_of.read(path, {}))
    from_log = history.evaluate(past, None)
    scores = {name: value for name, value in from_log.items() if not name.startswith("offers.")}
    assert scores.keys() == from_file.keys()
    drawn = {name for name in scores if "random" in name}
    for name in scores.keys() - drawn:  # the order of members is another, so the fit is, by a hair
        assert scores[name] == pytest.approx(from_file[name], abs=0.02), name
    assert scores["list_days"] == from_file["list_days"] > 1


@pytest.mark.parametrize("back_days", [17, 24, 60])
def test_any_day_is_told(past, back_days):
    told = history.evaluate(past, LAST - back_days)
    assert told["list_days"] == 1
    for name in ("recall@10", "ndcg@10", "hit@10", "precision@20", "coverage@20"):
        assert 0 < told[name] <= 1
        assert f"baseline.{name}" in told
    assert told["ndcg@10"] > told["baseline.random.ndcg@10"]
    assert told["timing_mdae_days"] >= 0
    assert told["calibration_error"] < 0.5


def test_what_is_recorded_after_the_day_is_the_answer_and_never_the_input(past, monkeypatch):
    """Only the answer changes with what is bought later; what was bought before and told of later
    changes nothing at all."""
    seen = []
    whole = lines_of.fortnight
    monkeypatch.setattr(
        lines_of, "fortnight", lambda bought, day: seen.append(whole(bought, day)) or seen[-1]
    )
    day = LAST - 20
    before = history.evaluate(past, day)
    late = [
        receipt(line(5, f"P{n:02}"), card=f"c{card:02}", at=NOW - (22 + n) * DAY)
        for card in range(40) for n in range(5)
    ]  # fmt: skip
    for one in late:
        past.record(one)
    assert history.evaluate(past, day) == before
    planted = [receipt(line(5, "P00"), card=f"c{n:02}", at=NOW - 8 * DAY) for n in range(40)]
    for one in planted:
        past.record(one)
    after = history.evaluate(past, day)
    assert after != before
    first, _, third = (lesson.moment for lesson in seen)
    for name in ("times", "gap", "age"):
        assert (getattr(first.pairs, name) == getattr(third.pairs, name)).all()
    assert (first.people.visits == third.people.visits).all()
    assert len(seen[2].truth) > len(seen[0].truth)


def test_goods_that_nobody_had_bought_by_the_day_and_members_who_came_later(past):
    day = LAST - 20
    before = history.evaluate(past, day)
    for n in range(5):
        past.record(receipt(line(5, f"fresh{n}"), card="c01", at=NOW - 8 * DAY))
        past.enrol(f"newcomer{n}")
        past.record(receipt(line(5, "P00"), card=f"newcomer{n}", at=NOW - 8 * DAY))
    after = history.evaluate(past, day)
    assert after["hit@10"] <= before["hit@10"] + 0.05
    past.close_member("c02", "moved", "mara", "close-1")  # afterwards: it had its list that day
    assert history.evaluate(past, day) == after


def test_a_day_with_too_little_before_or_after_it_is_refused(past, ledger_under):
    for day in (LAST - 10, LAST - DAYS + 60):
        with pytest.raises(InputInvalid) as refused:
            history.evaluate(past, day)
        assert refused.value.field == "as_of"
    empty = ledger_under("")
    with pytest.raises(InputInvalid, match="Nobody"):
        history.evaluate(empty, None)


# --- what offers came to ---------------------------------------------------------------


def test_the_value_of_offers_is_what_was_used_of_issued_lists(shop, clock):  # noqa: F811
    code = yesterday(shop, holdout_bp=2_000, seed="spring")
    begun(shop, code="idle", **{"from": "2025-12-01", "until": "2026-01-09", "products": ["P00"]})
    run(shop)
    cards = {shop.member_of(f"c{n:02}"): f"c{n:02}" for n in range(30)}
    given = [one for one in shop.issued_lists(AS_OF) if one.offers]
    off = spent = 0
    for one in given[:3]:
        goods = line(300, one.offers[0].product, 2, discount_minor=100)
        sold = receipt(goods, line(77, "salt"), card=cards[one.member], offers=(one.barcode,))
        shop.record(sold)
        off, spent = off + 100, spent + 300
    shown = given[3]  # and nothing of it bought
    shop.record(receipt(line(77, "salt"), card=cards[shown.member], offers=(shown.barcode,)))
    clock.now += 15 * DAY
    shop.record(receipt(back(sold, 1, 1), card=cards[one.member], at=clock.now))  # half of the last
    (total, of) = shop.offers_value(TODAY, TODAY + 13)
    assert (total.campaign, of.campaign) == ("", code)
    for sums in (total, of):
        assert (sums.lists, sums.accepted_lists) == (len(given), 4)
        assert (sums.members, sums.used_members) == (len(given), 3)
        assert (sums.pieces, sums.off_minor, sums.spent_minor) == (6, off, spent - 150)
    for sums in shop.offers_value(TODAY + 14, TODAY + 28):  # of these days is the return alone
        assert (sums.lists, sums.used_members) == (0, 0)
        assert (sums.pieces, sums.off_minor, sums.spent_minor) == (-1, -50, 0)
    lift = shop.campaign_results(code).lift_issued
    assert lift is not None
    assert (of.lift_minor, of.lift_low_minor, of.lift_high_minor) == (
        lift.difference_minor, lift.low_minor, lift.high_minor,
    )  # fmt: skip
    assert total.lift_minor is None
    (nothing,) = shop.offers_value(TODAY + 30, TODAY + 40)
    assert (nothing.lists, nothing.pieces, nothing.spent_minor) == (0, 0, 0)


def test_on_the_command_line(past, db, capsys):
    past.close()
    day = "2025-12-01"
    assert main(["offers", "evaluate", "--db", db, "--as-of", day, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["list_days"] == 1
    assert told["offers.lists"] == 0
    assert all(isinstance(value, int | float) for value in told.values())
    assert main(["offers", "evaluate", "--db", db]) == 0
    shown = capsys.readouterr().out
    assert "precision@20" in shown
    assert "used_members" in shown
    assert main(["offers", "evaluate", "--db", db, "--as-of", "2025-12-31"]) == 1
