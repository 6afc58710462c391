"""What a scanner read: check digits, codes of scales, element strings, Digital Links, coupons."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pos import gs1
from adapters.pos.gs1 import Scanned, goods, product_of, scale, scanned, valid
from ledger.policies.ean import check_digit, with_check_digit

SCALES = (scale("28IIIIIWWWWWC"), scale("21IIIIVPPPPPC"))
COUPON = "81101061414154321031501101201211014092110256100126663101231"
DIGITS = st.text("0123456789", min_size=7, max_size=13)


def coded(twelve):
    return with_check_digit(twelve)


@pytest.mark.parametrize(
    "code", ["4006381333931", "96385074", "036000291452", "04006381333931", "14006381333938"]
)
def test_check_digits_of_every_length(code):
    assert valid(code)
    assert not valid(code[:-1] + str((int(code[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "code", ["", "4", "400638133393", "４００６３８１３３３９３１", "400638133393x"]
)
def test_what_is_no_article_number(code):
    assert not valid(code)


@given(digits=DIGITS, other=st.integers(1, 9), at=st.integers(0, 12))
def test_one_wrong_digit_is_always_noticed(digits, other, at):
    whole = digits + check_digit(digits)
    at %= len(whole)
    wrong = whole[:at] + str((int(whole[at]) + other) % 10) + whole[at + 1 :]
    assert check_digit(wrong[:-1]) != wrong[-1]


@pytest.mark.parametrize(
    ("code", "product"),
    [
        ("4006381333931", "4006381333931"),
        (" 04006381333931 ", "4006381333931"),
        ("036000291452", "0036000291452"),
        ("00036000291452", "0036000291452"),
        ("96385074", "96385074"),
        ("14006381333938", "14006381333938"),
        ("00000000067591", "0000000067591"),
        ("00000000067592", "00000000067592"),
        ("APPLE-1", "APPLE-1"),
    ],
)
def test_a_product_has_one_spelling(code, product):
    assert product_of(code) == product
    assert product_of(product) == product


def test_a_weight_in_a_code_becomes_grams_of_the_product_without_it():
    code, bare = coded("281234501234"), coded("281234500000")
    assert scanned(code, SCALES) == Scanned(bare, grams=1234)
    assert goods(code, 1, "piece", SCALES) == (bare, 1234, "gram")
    assert goods(code, -2, "piece", SCALES) == (bare, -2468, "gram")


def test_a_weight_that_the_till_told_counts_before_the_one_in_the_code():
    assert goods(coded("281234501234"), 1200, "gram", SCALES)[1:] == (1200, "gram")


def test_a_code_with_no_weight_at_all_is_a_piece():
    assert goods(coded("281234500000"), 1, "piece", SCALES)[1:] == (1, "piece")


def test_a_price_in_a_code_is_told_and_the_quantity_stays():
    code, bare = coded("211234700599"), coded("211234000000")
    assert scanned(code, SCALES) == Scanned(bare, price_minor=599)
    assert goods(code, 1, "piece", SCALES) == (bare, 1, "piece")


def test_without_a_pattern_a_code_of_a_scale_is_a_product_like_any_other():
    code = coded("281234501234")
    assert scanned(code) == Scanned(code)


@pytest.mark.parametrize(
    "pattern",
    ["", "28IIIIIWWWWW", "28IIIIIWWWPPC", "xxIIIIIWWWWWC", "28IIIIIWWWWWCC", "28WWWWWIIIIIC"],
)
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(ValueError, match="is no pattern of 13"):
        scale(pattern)


@pytest.mark.parametrize(
    ("code", "grams"),
    [
        ("0104006381333931310300123417260131", 1234),
        ("(01)04006381333931(3103)001234", 1234),
        ("]d201040063813339313201000010", 454),
        ("https://id.gs1.org/01/04006381333931/10/ABC?3103=001234", 1234),
        ("https://shop.example/01/04006381333931", None),
        ("(01)04006381333931(3922)00599(10)AB", None),
        ("(01)04006381333931(3100)000002", 2000),
        ("(01)04006381333931(3105)000040", None),
    ],
)
def test_element_strings_and_digital_links_name_the_product(code, grams):
    assert scanned(code) == Scanned("4006381333931", grams)


@pytest.mark.parametrize("code", [COUPON, f"]C1{COUPON}"])
def test_a_coupon_is_kept_as_given(code):
    assert scanned(code) == Scanned(code, coupon=code)


def test_a_plain_number_never_asks_the_library(monkeypatch):
    monkeypatch.setattr(gs1, "_biip", lambda: pytest.fail("asked"))
    assert scanned("4006381333931") == Scanned("4006381333931")
    assert scanned("SKU 7") == Scanned("SKU 7")


def test_without_the_library_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "biip", None)
    with pytest.raises(ImportError, match=r"loyalty-ledger\[tills\]"):
        scanned(COUPON)


PIECES = st.sampled_from(
    ["01", "04006381333931", "3103", "001234", "(01)", "]d2", "]C1", "https://", "id.gs1.org", "/",
     "?", "&", "=", "8110", "8112", "\x1d", "10", "ABC", "%", "(", ")", "17", "000000", "999999"]
)  # fmt: skip


@given(code=st.text(max_size=80) | st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_a_product_or_tells_one(code):
    found = scanned(code, SCALES)
    assert isinstance(found.product, str)
    assert found.grams is None or found.grams > 0
