"""Which lines use which offers, worked out by hand; no store."""

import pytest

from ledger import events as e
from ledger.policies.offers import (
    NO_LIMIT,
    Deal,
    Left,
    amount_for,
    back,
    ean13,
    held_out,
    lately,
    uses,
    within,
)
from ledger.types import Line

PASTA, SAUCE, CHEESE = "1", "2", "3"
BUNDLE = (e.BundlePart((SAUCE,)),)


def terms(code="a", kind="off_minor", amount=50, **fields):
    said = {"products": (PASTA,), "categories": (), "reward": "", **fields}
    reward = said.pop("reward")
    return e.CampaignCreated(
        0, code, code, 0, 9, said.pop("products"), said.pop("categories"), "f", kind, amount,
        "Ada", reward, **said,
    )  # fmt: skip


def deal(code="a", amount=50, product="", **fields):
    said = terms(code, amount=amount, **fields)
    return Deal("99", e.ListedOffer(code, product, amount), said)


def line(product=PASTA, quantity=1, off=0, price=200, **fields):
    return Line(product, quantity, price * quantity - off, discount_minor=off, **fields)


def found(lines, deals, minor=NO_LIMIT, pieces=NO_LIMIT, groups=None):
    left = {one.terms.code: Left(minor, pieces) for one in deals}
    told = uses(lines, groups or [()] * len(lines), deals, left)
    for code, one in left.items():  # what is used is what is counted down
        used = [use for use in told if use.campaign == code]
        assert minor - one.minor == sum(use.off_minor for use in used)
        assert pieces - one.pieces == sum(use.pieces for use in used)
    return [(use.line, use.campaign, use.pieces, use.off_minor, use.points) for use in told]


# --- single lines ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sold", "fields", "expected"),
    [
        (line(quantity=2, off=100), {}, (2, 100, 0)),
        (line(quantity=2, off=99), {}, (2, 99, 0)),
        (line(off=0), {}, None),
        (line(off=1), {}, (1, 1, 0)),
        (line(quantity=3, off=200), {"kind": "off_bp", "amount": 1_111}, (3, 66, 0)),  # of 6.00
        (line(quantity=3, off=200), {"kind": "price_minor", "amount": 150}, (3, 150, 0)),
        (line(off=9), {"kind": "price_minor", "amount": 200}, None),
        (line(quantity=3), {"kind": "points", "amount": 7}, (3, 0, 21)),
        (line(quantity=3), {"kind": "reward", "amount": 0}, (3, 0, 0)),
        (line(quantity=3, off=90), {"product": PASTA}, (3, 90, 0)),
        (line(SAUCE, off=50), {}, None),
        (line(SAUCE, off=50), {"products": (), "categories": ("dry",)}, None),
        (line(SAUCE, off=50, category="dry"), {"products": (), "categories": ("dry",)}, (1, 50, 0)),
        (line(quantity=500, off=60, price=1, unit="gram"), {}, (1, 50, 0)),
        (line(off=50, voided=True), {}, None),
        (line(off=50, kind="deposit"), {}, None),
    ],
)
def test_what_a_line_uses(sold, fields, expected):
    told = found([line(CHEESE), sold], [deal(**fields)])
    assert told == ([(1, "a", *expected)] if expected else [])


def test_groups_of_the_catalogue_count_as_categories():
    told = found([line(off=50)], [deal(products=(), categories=("dry",))], groups=[("x", "dry")])
    assert told == [(0, "a", 1, 50, 0)]


@pytest.mark.parametrize(
    ("minor", "pieces", "expected"),
    [
        (NO_LIMIT, 3, [(0, "a", 2, 100, 0), (1, "a", 1, 50, 0)]),
        (120, NO_LIMIT, [(0, "a", 2, 100, 0), (1, "a", 2, 20, 0)]),
        (100, NO_LIMIT, [(0, "a", 2, 100, 0)]),
        (NO_LIMIT, 0, []),
    ],
)
def test_no_more_is_used_than_is_left(minor, pieces, expected):
    lines = [line(quantity=2, off=100), line(quantity=2, off=100)]
    assert found(lines, [deal()], minor, pieces) == expected


def test_the_first_that_fits_and_a_second_only_where_all_say_so():
    lines = [line(off=80)]
    assert found(lines, [deal("a"), deal("b")]) == [(0, "a", 1, 50, 0)]
    both = [deal("a", may_combine=True), deal("b", may_combine=True)]
    assert found(lines, both) == [(0, "a", 1, 50, 0), (0, "b", 1, 30, 0)]
    assert found(lines, [both[0], both[0]]) == [(0, "a", 1, 50, 0)]
    assert found(lines, [both[0], deal("b")]) == [(0, "a", 1, 50, 0)]
    assert found(lines, [deal("a"), both[1]]) == [(0, "a", 1, 50, 0)]


# --- bundles ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "fields", "expected"),
    [
        ([line(off=50)], {}, []),
        ([line(off=50), line(SAUCE)], {}, [(0, "a", 1, 50, 0)]),
        ([line(off=50), line(CHEESE), line(SAUCE)], {}, [(0, "a", 1, 50, 0)]),
        ([line(), line(SAUCE)], {}, []),
        ([line(), line(SAUCE, off=50)], {}, [(0, "a", 1, 0, 0), (1, "a", 0, 50, 0)]),
        ([line(off=20), line(SAUCE, off=10)], {}, [(0, "a", 1, 20, 0), (1, "a", 0, 10, 0)]),
        ([line(quantity=3, off=90), line(SAUCE, 2, off=90)], {},
         [(0, "a", 2, 50, 0), (1, "a", 0, 50, 0)]),
        ([line(off=20), line(off=90), line(SAUCE, 2)], {},
         [(0, "a", 1, 18, 0), (1, "a", 1, 82, 0)]),  # 100 as 20 to 90: 18.2, 81.8
        ([line(quantity=2, off=400), line(SAUCE, 3, price=100)], {"kind": "off_bp", "amount": 2_000},
         [(0, "a", 2, 120, 0)]),  # a fifth of 4.00 and 2.00
        ([line(quantity=2, off=400), line(SAUCE, 3, price=100)],
         {"kind": "price_minor", "amount": 250}, [(0, "a", 2, 100, 0)]),
        ([line(quantity=2), line(SAUCE)], {"kind": "points", "amount": 7}, [(0, "a", 1, 0, 7)]),
        ([line(), line(SAUCE)], {"kind": "reward", "amount": 0}, [(0, "a", 1, 0, 0)]),
        ([line(off=50), line(SAUCE, voided=True)], {}, []),
        ([line(off=1), line(SAUCE)], {}, [(0, "a", 1, 1, 0)]),
    ],
)  # fmt: skip
def test_what_a_bundle_uses(lines, fields, expected):
    assert found(lines, [deal(bundle=BUNDLE, **fields)]) == expected


def test_a_bundle_comes_before_single_offers_and_has_all_its_lines():
    single, bundle = deal("s", products=(SAUCE,)), deal("b", bundle=BUNDLE)
    lines = [line(off=50), line(SAUCE, off=40)]
    assert found(lines, [single, bundle]) == [(0, "b", 1, 28, 0), (1, "b", 0, 22, 0)]
    lines = [line(off=50), line(SAUCE, off=1), line(SAUCE, off=9)]
    points = deal("p", products=(SAUCE,), kind="points", amount=7)
    assert found(lines, [points, bundle]) == [
        (0, "b", 1, 49, 0), (1, "b", 0, 1, 0), (2, "p", 1, 0, 7),
    ]  # fmt: skip
    lines[1] = line(SAUCE)  # only makes the bundle whole, and is not free either
    assert found(lines, [points, bundle]) == [(0, "b", 1, 50, 0), (2, "p", 1, 0, 7)]


def test_a_use_says_the_list_and_the_reward():
    one = deal(kind="reward", amount=0, reward="a recipe")
    (use,) = uses([line()], [()], [one], {"a": Left()})
    assert (use.barcode, use.reward) == ("99", "a recipe")


def test_what_is_left_limits_bundles():
    lines = [line(quantity=3, off=300), line(SAUCE, 3)]
    assert found(lines, [deal(bundle=BUNDLE)], pieces=2) == [(0, "a", 2, 100, 0)]
    assert found(lines, [deal(bundle=BUNDLE)], minor=70) == [(0, "a", 3, 70, 0)]
    assert found(lines, [deal(bundle=BUNDLE)], minor=0) == []
    assert found(lines, [deal(bundle=BUNDLE)], pieces=0) == []


# --- depths, limits, the holdout -------------------------------------------------------


def test_the_amount_of_a_cell_and_a_list():
    said = terms(depth=(e.Depth("own heavy", (40, 20)), e.Depth("own light", (10,))))
    assert [amount_for(said, "own heavy", before) for before in range(4)] == [40, 20, 20, 20]
    assert [amount_for(said, "own light", before) for before in range(2)] == [10, 10]
    assert [amount_for(said, cell, 0) for cell in ("", "own medium")] == [50, 50]


@pytest.mark.parametrize(("first", "expected"), [(100, 3), (106, 3), (107, 2), (110, 2), (114, 1)])
def test_lists_count_against_a_limit_by_their_first_day(first, expected):
    assert lately([100, 104, 120], first, 7) == expected


def test_amounts_within_what_the_campaign_gives():
    assert [within(n, terms()) for n in (-1, 0, 1, 50, 51)] == [False, False, True, True, False]
    price = terms(kind="price_minor", amount=0)
    assert [within(n, price) for n in (-1, 0, 1)] == [False, True, True]
    assert within(0, terms(kind="reward", amount=0))


def test_what_goes_back_is_a_share_of_the_use():
    use = e.OfferUse(0, "a", "99", 3, 100)
    first, second = back(use, 3, 0, 2, PASTA, 7), back(use, 3, 2, 1, PASTA, 8)
    assert first == e.OfferBack(0, "a", PASTA, 2, 66, 7)
    assert second == e.OfferBack(0, "a", PASTA, 1, 34, 8)
    assert back(e.OfferUse(0, "a", "99", 0, 0), 3, 0, 2, PASTA, 7) is None
    assert back(e.OfferUse(0, "a", "99", 0, 9), 3, 0, 1, PASTA, 7).off_minor == 3


def test_the_barcode_of_a_list_has_ten_digits_of_its_number():
    # 9 + 3x9 + 3x1 + 2 + 3x3 + 4 + 3x5 is 69, and 1 to the next ten.
    assert ean13(12_345) == "9900000123451"
    assert ean13(10**10 + 12_345) == ean13(12_345) != ean13(10**9 + 12_345)


def test_the_holdout_never_moves():
    """Members that were told of an offer stay so, whatever version of this runs."""
    member = bytes(range(16))
    assert [held_out("s", code, member, 2_000) for code in "abcdefgh"] == [
        False, False, False, True, False, False, False, False,
    ]  # fmt: skip
