"""Rules as formulas: what can be published, and what they give."""

import subprocess
import sys

import pytest

from ledger.errors import ProgrammeInvalid
from ledger.policies.basket import ALL, Basket, Given, Shopper, eligible
from ledger.policies.earn import earn
from ledger.programme import EXPRESSION_VARIABLES, Earn, Expression, load
from ledger.programme.cel import MAX_LENGTH, MAX_NESTING, evaluate, fault
from ledger.types import MOST_POINTS, Line
from tests.test_programme import MINIMAL

MONDAY_18_MAY_2026 = 20_591
FILE = MINIMAL + "[[earn.expression]]\nname = 'x'\npoints = '''{}'''\n"
KEY = "earn.expression[0].points"


def given(text, *lines, shopper=None, hour=13):
    """What an expression gives on a receipt."""
    lines = lines or (Line("1", 1, 1050),)
    rules = Earn(1, 1_000_000, expression=(Expression("x", text),))
    amounts = eligible(rules, lines, ())
    return earn(Basket(rules, lines, amounts, MONDAY_18_MAY_2026, shopper or Shopper(), hour, "s1"))


def refused(text):
    with pytest.raises(ProgrammeInvalid) as error:
        load(FILE.format(text))
    assert error.value.field == KEY
    return error.value.detail


GOOD = [
    "5", "spend_minor / 1000", "weekday == 1 ? 10 : 0", "weekday in [6, 7] && hour >= 18 ? 20 : 0",
    "(lines - 3) * 2", "first_purchase == 1 || month == 12 ? 50 : -1", "!(pieces > 3) ? 1 : 0",
    "1000 / receipts_before",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_a_formula_over_integers_can_be_published(text):
    assert load(FILE.format(text)).earn.expression == (Expression("x", text),)


BAD = {
    "nothing": ("", "Failed to parse"),
    "half a formula": ("1 +", "Failed to parse"),
    "a name that is none": ("spent * 2", "there is no `spent`"),
    "a name that no trial would meet": ("month == 13 ? spent : 1", "there is no `spent`"),
    "a fraction": ("1.5", "`.5` is not understood"),
    "a text": ("'a'", "`'a'` is not understood"),
    "an unsigned number": ("1u", "there is no `u`"),
    "a function": ("size([1])", "there is no `size`"),
    "a variable as a function": ("month(1)", "`month` is no function"),
    "a macro": ("[1, 2].map(x, x)", "`.map(x, x)` is not understood"),
    "a map": ("{1: 2}[1]", "`{1: 2}[1]` is not understood"),
    "a truth": ("weekday == 1", "which is no integer"),
    "a truth now and then": ("weekday == 55 ? true : 1", "gives True, which is no integer"),
    "a list": ("[1, 2]", "which is no integer"),
    "a sum of a number and a truth": ("1 + true", "No such overload"),
    "a number beyond 64 bits": ("9223372036854775808", "Failed to parse"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_any_other_formula_is_refused_with_its_key(text, why):
    assert why in refused(text)


@pytest.mark.parametrize(("length", "fine"), [(MAX_LENGTH, True), (MAX_LENGTH + 1, False)])
def test_a_formula_has_a_length_limit(length, fine):
    text = "1" + "+1" * (length // 2 - 1) + " " * (length % 2)
    text = text.ljust(length, "1") if len(text) < length else text
    assert (fault(text, EXPRESSION_VARIABLES) == "") is fine


@pytest.mark.parametrize(("depth", "fine"), [(MAX_NESTING, True), (MAX_NESTING + 1, False)])
def test_a_formula_has_a_nesting_limit(depth, fine):
    assert (fault("(" * depth + "1" + ")" * depth, EXPRESSION_VARIABLES) == "") is fine


@pytest.mark.parametrize("sign", ["-", "!", "1?", "1+(", "1-"])
def test_no_chain_of_signs_brings_the_parser_down(sign):
    code = f"from ledger.programme.cel import fault; fault('{sign}' * 200 + '1', set())"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_expressions_need_two_names():
    with pytest.raises(ProgrammeInvalid) as error:
        load(FILE.format("1") + FILE.format("1").removeprefix(MINIMAL))
    assert error.value.field == "earn.expression[1].name"


def test_without_the_extra_a_formula_is_refused_with_its_key():
    code = (
        "import sys; sys.modules['cel'] = None\n"
        "from ledger.programme import load\n"
        f"text = {FILE.format('1')!r}\n"
        "try: load(text)\n"
        "except Exception as e: print(type(e).__name__, e.field, e.detail)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.strip() == f"ProgrammeInvalid {KEY} it needs the extra `expressions`"


def test_without_expressions_the_library_is_not_loaded():
    code = (
        "import sys; from ledger.programme import load\n"
        f"load({MINIMAL!r}); print('cel' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.strip() == "False"


# --- on a receipt ------------------------------------------------------------------------


def test_the_points_are_spread_over_the_lines_that_earn():
    got = given("10", Line("1", 1, 700), Line("2", 1, 500, kind="deposit"), Line("3", 1, 300))
    assert got.points == [7, 0, 3]
    assert got.rules == (("expression:x", 10),)


@pytest.mark.parametrize("text", ["0", "-5", "spend_minor - 1051"])
def test_nothing_or_less_gives_nothing_and_says_nothing(text):
    assert given(text).rules == ()


@pytest.mark.parametrize(
    "text",
    [
        "7 / receipts_before",
        "7 % receipts_before",
        "9223372036854775807 + lines",
        "weekday == 1 ? true : 1",
    ],
)
def test_what_cannot_be_worked_out_gives_nothing_and_says_so(text):
    got = given(text)
    assert (got.points, got.rules) == ([0], (("expression:x!", 0),))


@pytest.mark.parametrize(
    ("points", "expected"), [(MOST_POINTS, MOST_POINTS), (MOST_POINTS + 1, None)]
)
def test_more_points_than_can_be_given_are_none(points, expected):
    assert evaluate(f"{points}", {}) == expected


def test_a_receipt_that_cannot_earn_gets_nothing_of_it():
    assert given("10", Line("1", 1, 500, kind="gift_card")).rules == ()


def test_an_expression_sees_the_receipt_and_the_member():
    lines = (
        Line("1", 3, 1000), Line("2", 500, 200, unit="gram"), Line("3", 1, 40, kind="deposit"),
        Line("4", 9, 900, voided=True),
    )  # fmt: skip
    shopper = Shopper(
        tier_index=2, receipts=6, earned=700, birthday=True, given={ALL: Given(31, 0)}
    )
    values = {
        "spend_minor": 1240, "eligible_minor": 1200, "lines": 3, "pieces": 3 + 1 + 1, "weekday": 1,
        "hour": 13, "day_of_month": 18, "month": 5, "tier_index": 2, "receipts_before": 6,
        "earned_before": 700, "earned_today": 31, "first_purchase": 0, "birthday": 1,
    }  # fmt: skip
    assert set(values) == EXPRESSION_VARIABLES
    for name, value in values.items():
        assert given(f"{name} + 1", *lines, shopper=shopper).rules == (("expression:x", value + 1),)


def test_the_first_purchase_is_seen():
    assert given("first_purchase").rules == (("expression:x", 1),)
