"""Columns of codes are kept shorter, and none of them is kept otherwise than it was."""

from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import events as e
from ledger.commands.goods import goods_of, lines_of, loose_of
from ledger.events.columns import (
    KIND_LETTERS,
    UNIT_LETTERS,
    lettered,
    named,
    packed,
    unpacked,
)
from ledger.types import Line, LineKind, Unit

DIGITS = st.text("0123456789", max_size=24)
ALIKE = st.tuples(st.text("Aä0\n7 ", max_size=3), st.integers(0, 22)).flatmap(
    lambda form: st.lists(
        st.text("0123456789", min_size=form[1], max_size=form[1]).map(form[0].__add__),
        min_size=1, max_size=40,
    )
)  # fmt: skip
ANY = st.lists(
    st.one_of(
        st.builds("{}{}".format, st.sampled_from(["", "P", "PR", "é", "P\n", "٣", "²"]), DIGITS),
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def round_trip(codes):
    kept, digits = packed(codes)
    return unpacked(kept, digits, len(codes)) if digits else kept


MIXED = st.tuples(ALIKE, ANY).flatmap(lambda both: st.permutations([*both[0], *both[1][:2]]))


@given(st.one_of(ALIKE, ANY, MIXED).map(tuple))
@example(("",))
@example(("", ""))
@example(("7",))
@example(("07", "70"))
@example(("P12", "P\0P2"))
@example(("P12", "3P4"))
@example(("P1", "P22", "P333"))
@example(("P22", "P1", "P333"))
@example(("PP1", "PP2"))
@example(("\udc80" + "1", "\udc80" + "2"))
@example(("1\udc80", "12"))
@example(("1f", "2f"))
@example(("1", "f"))
@example(("1", "+"))
@example(("123", "456", "fff"))
@example(("1", "2", "f"))
@example(("P1", "P2", "f"))
@example(("P1", "Pf", "P2"))
@example(("12", "34", "1\\u0663"))
@example(("1" * 64,) * 5000)
def test_codes_come_back_as_they_were(codes):
    assert round_trip(codes) == codes


@given(ALIKE.map(tuple))
def test_codes_of_one_form_take_half_a_byte_a_digit(codes):
    kept, digits = packed(codes)
    if digits:
        assert len(kept) == 1
        assert 2 * len(digits) in {
            len("".join(codes)) - len(codes) * len(kept[0]) + n for n in (0, 1)
        }
    else:
        assert kept == codes


@pytest.mark.parametrize(
    ("codes", "beginning", "hexed"),
    [
        (("4006381333931", "0000000000017"), "", "40063813339310000000000017"),
        (("PRD0900001", "PRD0904999"), "PRD", "09000010904999"),
        (("007",), "", "007f"),
        (("Öl1", "Öl2", "Öl9"), "Öl", "129f"),
        (("01", "02", "03"), "", "010203"),
    ],
)
def test_digits_stand_in_a_row_two_a_byte(codes, beginning, hexed):
    assert packed(codes) == ((beginning,), bytes.fromhex(hexed))


def test_a_code_of_another_form_stands_beside_and_has_f_for_digits():
    codes = ("4006381333931", "deposit", "4311501450192")
    kept, digits = packed(codes)
    assert kept == ("", "deposit")
    assert digits.hex() == "4006381333931" + "f" * 13 + "4311501450192" + "f"


@pytest.mark.parametrize(
    "codes", [(), ("milk", "bread"), ("P1", "Q1"), ("P1", "P10"), ("1", "٣"), ("a1", "a²")]
)
def test_codes_of_other_forms_stay_as_they_are(codes):
    assert packed(codes) == (codes, b"")


LINES = st.lists(
    st.builds(
        Line,
        st.one_of(
            st.integers(0, 9999).map("PRD{:07}".format),
            st.integers(0, 10**14).map(str),
            st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=9),
        ),
        st.integers(1, 3000),
        st.integers(0, 9999),
        st.sampled_from(["piece", "piece", "gram", "millilitre"]),
        st.sampled_from([0, 5]),
        st.sampled_from(["", "CL01", "CL02", "dairy"]),
        st.sampled_from(["sale", "sale", "sale", "deposit", "gift_card", "reward"]),
        st.booleans(),
        brand=st.sampled_from(["", "own"]),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@given(LINES)
def test_lines_come_back_from_their_columns_and_from_the_log(lines):
    stored = msgspec.msgpack.encode(goods_of(lines))
    goods = msgspec.msgpack.decode(stored, type=e.Goods)
    assert lines_of(goods) == lines
    assert goods.product_codes == tuple(line.product for line in lines)
    assert (goods.category_codes or ("",) * len(lines)) == tuple(line.category for line in lines)


@pytest.mark.parametrize(("letters", "words"), [(UNIT_LETTERS, Unit), (KIND_LETTERS, LineKind)])
def test_every_word_has_a_letter_of_its_own(letters, words):
    assert set(letters) == set(get_args(words))
    assert len(set("".join(letters.values()))) == len(letters)
    column = get_args(words) * 3
    kept, found = lettered(column, letters)
    assert (kept, named(found, letters)) == ((), column)


def test_a_word_without_a_letter_leaves_the_column_as_it_is():
    assert lettered(("piece", "keg"), UNIT_LETTERS) == (("piece", "keg"), "")


def test_no_lines_are_no_columns():
    assert goods_of(()) == e.Goods((), (), ())


def test_goods_brought_back_loose_keep_their_codes():
    lines = [
        Line("4006381333931", -1, -100, category="CL01", kind="return"),
        Line("4006381333948", 1, 250, category="CL02"),
    ]
    goods = goods_of(lines)
    assert goods.product_digits
    assert loose_of(goods) == lines[:1]
