"""Values as tills write them: times, money, measures, discounts, sales that are remembered."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pos import terms as module
from adapters.pos.money import decimal, german, measured, minor, rounded
from adapters.pos.terms import (
    Reading,
    Sold,
    SoldLine,
    Terms,
    Unmapped,
    calendar_date,
    days_before,
    take_off,
)
from ledger.types import ReceiptKey

BERLIN = Terms("Europe/Berlin", "EUR")


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("2026-01-07T10:00:00", "Europe/Berlin", "2026-01-07T10:00:00+01:00"),
        ("2026-07-07 10:00:00", "Europe/Berlin", "2026-07-07T10:00:00+02:00"),
        ("2026-07-07T10:00:00Z", "Europe/Berlin", "2026-07-07T10:00:00+00:00"),
        ("2026-07-07T10:00:00.987-05:00", "Europe/Berlin", "2026-07-07T10:00:00-05:00"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T02:30:00+02:00"),  # comes twice
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T02:30:00+01:00"),  # is skipped
        ("2026-01-07T23:59:59", "Asia/Kathmandu", "2026-01-07T23:59:59+05:45"),
    ],
)
def test_a_time_is_that_of_its_offset_or_of_the_stores_zone(text, zone, told):
    assert Terms(zone).moment("t", text).isoformat() == told


@pytest.mark.parametrize(
    "text", ["", "noon", "1969-12-31T00:00:00", "9001-01-01T00:00:00", "2026-13-01"]
)
def test_what_is_no_time_of_a_till_is_refused(text):
    with pytest.raises(Unmapped) as refused:
        BERLIN.moment("EndDateTime", text)
    assert refused.value.field == "EndDateTime"


@pytest.mark.parametrize("text", ["", "07.03.2026", "1969-12-31", "9001-01-01"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(Unmapped):
        calendar_date("d", text)
    assert calendar_date("d", "2026-03-07T10:00:00") == dt.date(2026, 3, 7)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("5.97", "EUR", 597), ("-5.9", "EUR", -590), ("5", "JPY", 5), ("1.250", "KWD", 1250),
     ("1.2300", "EUR", 123), ("+0", "", 0), (" 7 ", "EUR", 700), ("999999999999", "EUR", 10**14 - 100)],
)  # fmt: skip
def test_money_is_whole_minor_units_of_its_currency(text, currency, amount):
    assert minor("m", text, currency) == amount


@pytest.mark.parametrize(
    "value", ["5.975", "", "5,97", "1e3", "NaN", "Infinity", "--1", "0x1", "9" * 16, None, True, [1],
              {}, Decimal("1E+20"), Decimal("NaN"), Decimal("1.001"), 10**15, "٣"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(value):
    with pytest.raises(Unmapped):
        minor("m", value, "EUR")


@given(st.integers(-(10**10), 10**10))
def test_an_amount_is_the_same_as_decimal_and_as_minor_units(amount):
    assert minor("m", str(Decimal(amount).scaleb(-2)), "EUR") == amount
    assert rounded("m", Decimal(amount).scaleb(-2) + Decimal("0.00000000001"), "EUR") == amount


@pytest.mark.parametrize(("value", "amount"), [("0.005", 1), ("-0.005", -1), ("0.0049", 0)])
def test_half_a_minor_unit_is_rounded_away_from_zero(value, amount):
    assert rounded("m", value, "EUR") == amount


@pytest.mark.parametrize(
    ("text", "value"),
    [("5,97", "5.97"), ("1.234,5", "1234.5"), ("12.345.678", "12345678"), ("-1,00000", "-1"),
     ("1234,5", "1234.5")],
)  # fmt: skip
def test_a_number_with_a_comma(text, value):
    assert german("n", text) == Decimal(value)


@pytest.mark.parametrize("text", ["5.97", "1.23,5", "1,2,3", "", "x", "1.234.5"])
def test_a_point_before_a_fraction_is_not_taken_for_thousands(text):
    with pytest.raises(Unmapped):
        german("n", text)


@pytest.mark.parametrize(
    ("value", "code", "told"),
    [("0.842", "KGM", (842, "gram")), ("0.42", "LBR", (191, "gram")), ("12", "oz", (340, "gram")),
     ("0.75", "LTR", (750, "millilitre")), ("3", "", (3, "piece")), ("3.000", "EA", (3, "piece")),
     ("-0.5", "kg", (-500, "gram")), ("250", "GRM", (250, "gram")), ("5", "ML", (5, "millilitre"))],
)  # fmt: skip
def test_measures_are_whole_grams_millilitres_and_pieces(value, code, told):
    assert measured("q", decimal("q", value), code) == told


def test_half_a_piece_is_refused():
    with pytest.raises(Unmapped, match="pieces"):
        measured("q", Decimal("0.5"), "")


def line(amount, **fields):
    return {"product": "p", "quantity": 1, "amount_minor": amount, **fields}


def test_a_discount_is_shared_among_what_was_sold_alone():
    lines = [line(100), line(200, discount_minor=5), line(-50), line(100, voided=True)]
    take_off("d", lines, 31)
    assert [one["amount_minor"] for one in lines] == [90, 179, -50, 100]
    assert [one.get("discount_minor") for one in lines] == [10, 26, None, None]


@pytest.mark.parametrize("off", [-1, 301])
def test_a_discount_that_does_not_fit_is_refused(off):
    with pytest.raises(Unmapped):
        take_off("d", [line(100), line(200)], off)


KEY = ReceiptKey("s", "", 20_000, "1")


def test_a_return_takes_the_line_that_sold_just_as_much_first():
    reading = Reading(BERLIN)
    reading.keep("a", Sold(KEY, [SoldLine(1, "p", 3), SoldLine(2, "p", 1), SoldLine(3, "q", 9)]))
    found = [reading.return_of("a", "p", -1) for _ in range(5)]
    assert [one and one["line"] for one in found] == [2, 1, 1, 1, None]
    assert reading.return_of("a", "p", -1, line="x") is None
    assert reading.return_of("b", "q", -1) is None


def test_a_sale_that_was_looked_up_is_not_looked_up_again():
    asked = []

    def recorded(keys):
        asked.extend(keys)
        return Sold(KEY, [SoldLine(1, "p", 2)])

    reading = Reading(BERLIN, recorded=recorded)
    found = [reading.return_of("a", "p", -1, keys=(KEY,)) for _ in range(3)]
    assert [one and one["line"] for one in found] == [1, 1, None]
    assert asked == [KEY]


def test_the_days_before_are_asked_for_from_the_latest_on():
    keys = list(days_before(("a", "b"), "7", 20_000))
    assert keys[:3] == [
        ReceiptKey("a", "", 20_000, "7"), ReceiptKey("b", "", 20_000, "7"),
        ReceiptKey("a", "", 19_999, "7"),
    ]  # fmt: skip
    assert len(keys) == 2 * module.MOST_DAYS


def test_only_so_many_sales_are_remembered(monkeypatch):
    monkeypatch.setattr(module, "MOST_KNOWN", 2)
    reading = Reading(BERLIN)
    for name in "abc":
        reading.keep(name, Sold(KEY, [SoldLine(1, "p", 1)]))
    assert [bool(reading.return_of(name, "p", -1)) for name in "abc"] == [False, True, True]


@pytest.mark.parametrize("kind", ["deposit", "gift_card"])
def test_what_earned_nothing_and_is_not_known_gives_nothing_back(kind):
    reading = Reading(BERLIN)
    assert reading.back(line(100, kind=kind), None) == []
    assert reading.left_out == {f"lines of kind {kind} given back": 1}
    (known,) = reading.back(line(100, kind=kind, discount_minor=3), {"line": 1})
    assert known == {"product": "p", "quantity": -1, "amount_minor": -100, "return_of": {"line": 1}}
