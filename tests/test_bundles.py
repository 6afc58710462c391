"""Bundles: offers on several goods together, at the till, when they come back, and from habits."""

import pytest

from ledger import events as e
from ledger.errors import CampaignInvalid
from ledger.policies.bundles import Taken, bundled
from ledger.types import Level, Product
from tests.campaigns import PASTA, RICE, SOUP, begun, described, drawn, issued, uses_on
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt

TODAY = 20_454
SAUCE = "300"


@pytest.fixture
def shop(ledger):
    """Three products and a sauce; somebody to cook."""
    described(ledger)
    ledger.describe_product(Product(SAUCE, "sauce", (Level("sauces", "Sauces"),)))
    ledger.enrol("C1")
    return ledger


def dinner(ledger, **changes):
    """Pasta, with a sauce of any kind."""
    said = {"code": "dinner", "products": [PASTA], "with": [{"categories": ["sauces"]}]}
    return begun(ledger, **{**said, "offer": {"off_minor": 80}, **changes})


def sold(product, quantity=1, off=0, price=200, **fields):
    return line(price * quantity - off, product, quantity, discount_minor=off, **fields)


def bought(ledger, listed, *lines, **fields):
    one = receipt(*lines, card="C1", offers=(listed.barcode,), **fields)
    return one, uses_on(ledger, ledger.record(one))


# --- which lines stand together --------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "parts", "most", "expected"),
    [
        ([1, 1], [[0], [1]], 9, [(0, 0, 1), (1, 1, 1)]),
        ([3, 2], [[0], [1]], 9, [(0, 0, 2), (1, 1, 2)]),
        ([3, 2], [[0], [1]], 1, [(0, 0, 1), (1, 1, 1)]),
        ([3], [[0]], 9, []),
        ([2, 2, 3], [[0], [0], [1]], 9, [(0, 0, 2), (1, 0, 1), (2, 1, 3)]),
        ([1, 1], [[0], []], 9, []),
        ([1, 2, 1], [[1], [0], [1]], 9, [(0, 1, 1), (1, 0, 2), (2, 1, 1)]),
        ([1, 1], [[0, 1], [0, 1]], 9, [(0, 0, 1), (1, 1, 1)]),
        ([2, 1, 1], [[0, 1], [1], [0, 1]], 9, [(0, 0, 2), (1, 1, 1), (2, 1, 1)]),
        ([1, 1], [[0], [1]], 0, []),
    ],
)
def test_as_many_bundles_as_there_are_pieces_for(pieces, parts, most, expected):
    assert bundled(pieces, parts, 2, most) == [Taken(*one) for one in expected]


# --- at the till -----------------------------------------------------------------------


def test_goods_have_their_offer_together_and_not_alone(shop):
    listed = issued(shop, "C1", dinner(shop))
    assert bought(shop, listed, sold(PASTA, off=80))[1] == []
    assert bought(shop, listed, sold(SAUCE, off=80))[1] == []
    assert bought(shop, listed, sold(PASTA, off=80), sold(RICE))[1] == []
    assert drawn(shop, "dinner") == (0, 0)
    found = bought(shop, listed, sold(PASTA, 2, off=80), sold(SAUCE))[1]
    assert found == [(0, "dinner", 1, 80, 0)]
    assert drawn(shop, "dinner") == (80, 1)


def test_the_money_stands_where_the_till_took_it_off(shop):
    listed = issued(shop, "C1", dinner(shop, offer={"off_minor": 81}))
    on_sauce = bought(shop, listed, sold(PASTA), sold(SAUCE, off=81))[1]
    assert on_sauce == [(0, "dinner", 1, 0, 0), (1, "dinner", 0, 81, 0)]
    spread = bought(shop, listed, sold(PASTA, off=41), sold(SAUCE, off=40))[1]
    assert spread == [(0, "dinner", 1, 41, 0), (1, "dinner", 0, 40, 0)]
    more = bought(shop, listed, sold(PASTA, off=50), sold(SAUCE, off=70))[1]  # 33.75 and 47.25
    assert more == [(0, "dinner", 1, 34, 0), (1, "dinner", 0, 47, 0)]
    shared = dinner(shop, code="few", per_member=9)
    listed = issued(shop, "C1", shared, number="l2")
    both = receipt(sold(PASTA, off=5), sold(SAUCE, off=3), card="C1", offers=(listed.barcode,))
    assert [one.points for one in shop.event(shop.record(both)).award.counted] == [1]
    less = bought(shop, listed, sold(PASTA, off=5), sold(SAUCE, off=3))[1]
    assert less == [(0, "few", 1, 5, 0), (1, "few", 0, 3, 0)]


@pytest.mark.parametrize(
    ("offer", "off"),
    [
        ({"off_minor": 80}, 160),
        ({"off_bp": 1_250}, 100),  # an eighth of two pastas at 2.00 and two sauces at 2.00
        ({"price_minor": 330}, 140),
    ],
)
def test_what_a_bundle_takes_off(shop, offer, off):
    listed = issued(shop, "C1", dinner(shop, offer=offer))
    found = bought(shop, listed, sold(PASTA, 2, off=200), sold(SAUCE, 3, off=0))[1]
    assert found == [(0, "dinner", 2, off, 0)]


def test_points_and_rewards_of_a_bundle_count_once(shop):
    points = dinner(shop, offer={"points": 7})
    listed = issued(shop, "C1", points)
    one = receipt(sold(PASTA, 2), sold(SAUCE, 2), card="C1", offers=(listed.barcode,))
    award = shop.event(shop.record(one)).award
    assert dict(award.rules)["offer:dinner"] == 14
    assert [(use.line, use.pieces, use.points) for use in award.offers] == [(0, 2, 14)]
    assert points_of(shop, "C1") == 4 + 4 + 14
    conserved(shop, "C1")


def test_budget_and_limits_count_bundles(shop):
    code = dinner(shop, budget_pieces=3, budget_minor=150, per_day=2)
    listed = issued(shop, "C1", code)
    first = bought(shop, listed, sold(PASTA, 5, off=500), sold(SAUCE, 5))[1]
    assert first == [(0, code, 2, 150, 0)]
    assert bought(shop, listed, sold(PASTA, off=80), sold(SAUCE))[1] == []


def test_a_line_of_a_bundle_has_no_other_offer_unless_both_say_so(shop):
    apart = dinner(shop)
    other = begun(shop, products=[SAUCE])
    listed = issued(shop, "C1", other, apart)
    lines = sold(PASTA, off=80), sold(SAUCE, off=50)
    assert [use[1] for use in bought(shop, listed, *lines)[1]] == ["dinner", "dinner"]
    both = (
        dinner(shop, code="d2", may_combine=True),
        begun(shop, code="s2", products=[SAUCE], may_combine=True),
    )
    listed = issued(shop, "C1", *both, number="l2")
    found = bought(shop, listed, *lines)[1]
    assert found == [(0, "d2", 1, 49, 0), (1, "d2", 0, 31, 0), (1, "s2", 1, 19, 0)]


def test_of_one_category_two_lines_make_a_bundle(shop):
    code = dinner(shop, products=None, categories=["dry"], **{"with": [{"categories": ["dry"]}]})
    listed = issued(shop, "C1", code)
    assert bought(shop, listed, sold(PASTA, 2, off=80))[1] == []
    found = bought(shop, listed, sold(PASTA, off=80), sold(SOUP))[1]
    assert found == [(0, code, 1, 80, 0)]


# --- what comes back -------------------------------------------------------------------


def test_each_line_gives_back_its_own_part_and_in_the_end_all_of_it(shop):
    code = dinner(shop, offer={"off_minor": 81})
    listed = issued(shop, "C1", code)
    one, found = bought(shop, listed, sold(PASTA, 3, off=121), sold(SAUCE, 3, off=122))
    assert [use[2:4] for use in found] == [(3, 121), (0, 122)]
    shop.record(receipt(back(one, 2, 1), card="C1"))
    assert drawn(shop, code) == (243 - 40, 3)
    shop.return_goods(key(one), "r1", {1: 2})
    assert drawn(shop, code) == (243 - 40 - 80, 1)
    assert shop.campaign_results(code)[:5] == (1, 1, 0, 1, 123)
    shop.return_goods(key(one), "r2")
    assert drawn(shop, code) == (0, 0)
    assert shop.campaign_invoice("Sopa Ltd", TODAY, TODAY) == [
        (code, SAUCE, 0, 0, 1),
        (code, PASTA, 0, 0, 1),
    ]
    conserved(shop, "C1")
    assert shop.verify().clean


# --- from habits -----------------------------------------------------------------------


def test_it_addresses_who_bought_the_bundle_together_often_enough(shop):
    habits = {"A": 3, "B": 2, "C": 3, "D": 4}
    for card, times in habits.items():
        for number in range(times):
            at = NOW - DAY * (1 + number)
            lines = [line(200, PASTA), line(100, SAUCE)]
            parts = [lines] if card != "C" else [lines[:1], lines[1:]]
            shop.record_all(
                [receipt(*part, card=card, at=at) for part in parts], history=True, enrol=True
            )
    shop.close_member("D", "moved", "Ada", "close-1")
    code = dinner(shop, audience={"together": 3})
    assert shop.addressed(code) == {shop.member_of("A"): ""}
    assert len(shop.addressed(dinner(shop, code="d2", audience={"together": 2}))) == 2
    old = dinner(shop, code="d3", audience={"together": 2, "window": "1d"})
    assert shop.addressed(old) == {}
    told = shop.issue_campaigns(
        [e.ListedOffer(code)], "run", from_day=TODAY, until_day=TODAY + 13
    )  # fmt: skip
    assert told.campaigns[0][1:5] == (1, 0, 0, 3)


def test_the_goods_of_a_bundle_are_of_the_catalogue(shop):
    for wrong, field in (
        ({"with": [{"products": [SAUCE, "999"]}]}, "with[0].products[1]"),
        (
            {"audience": {"category": "x"}, "goal": {"from": "own", "product": "999"}},
            "goal.product",
        ),
    ):
        with pytest.raises(CampaignInvalid) as refused:
            dinner(shop, **wrong)
        assert refused.value.field == field
