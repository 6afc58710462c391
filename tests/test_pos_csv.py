"""Canonical receipts as CSV: a receipt over several rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tills import BERLIN, bad, cut, holds, plain, read, receipts

from adapters.pos import csv
from adapters.records import Bad, Good
from ledger.errors import InputInvalid

HEAD = "store,lane,business_date,number,captured_at,currency,card,product,quantity,unit,amount_minor,discount_minor,kind,tender,tender_minor"
SALE = """S014,3,2026-03-07,172,2026-03-07T17:42:09+01:00,EUR,2900000000018,4006381333931,3,,597,50,,,
S014,3,2026-03-07,172,,,,APPLES,842,gram,201,,,,
S014,3,2026-03-07,172,,,,deposit,6,,150,,deposit,card,948"""
NEXT = "S014,3,2026-03-07,173,2026-03-07T17:50:00,EUR,,BEANS,1,,150,,,,"
RECEIPT = {
    "store": "S014", "lane": "3", "business_date": "2026-03-07", "number": "172",
    "captured_at": "2026-03-07T17:42:09+01:00", "currency": "EUR", "card": "2900000000018",
    "lines": [
        {"product": "4006381333931", "quantity": 3, "amount_minor": 597, "discount_minor": 50},
        {"product": "APPLES", "quantity": 842, "unit": "gram", "amount_minor": 201},
        {"product": "deposit", "quantity": 6, "amount_minor": 150, "kind": "deposit"},
    ],
    "tenders": [{"kind": "card", "amount_minor": 948}],
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "receipts.csv"


def text(*lines, head=HEAD):
    return "\n".join([head, *lines]).encode()


def test_a_receipt_over_several_rows(file):
    first, second = receipts(csv, file, text(SALE, NEXT))
    assert plain(first) == RECEIPT
    assert (second.number, second.card) == ("173", None)
    assert second.captured_at.isoformat() == "2026-03-07T17:50:00+01:00", "the store's zone"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_line_ends(delimiter, file):
    data = text(SALE).replace(b",", delimiter.encode()).replace(b"\n", b"\r\n")
    (found,) = receipts(csv, file, b"\xef\xbb\xbf" + data)
    assert plain(found) == RECEIPT


def test_the_place_of_a_receipt_is_that_of_its_rows(file):
    data = text(SALE, NEXT)
    first, second = read(csv, file, data)[0]
    assert (first.place.line, second.place.line) == (2, 5)
    for found, rows in ((first, SALE), (second, NEXT)):
        place = found.place
        assert data[place.offset : place.offset + place.length] == rows.encode()


def test_decimals_and_returns(file):
    head = "store,business_date,number,captured_at,product,quantity,amount,discount,return_date,return_number,return_line,voided,tender,tender_amount,offers"
    sale = "S1,2026-03-07,1,2026-03-07T10:00:00Z,7,2,4.50,0.50,,,,,,,2990000000012|2990000000029"
    back = "S1,2026-03-09,9,2026-03-09T10:00:00Z,7,-1,-2.25,,2026-03-07,1,1,no,cash,-2.25,"
    first, second = receipts(csv, file, text(sale, back, head=head))
    assert (first.lines[0].amount_minor, first.lines[0].discount_minor) == (450, 50)
    assert first.offers == ("2990000000012", "2990000000029")
    assert first.currency == "EUR"
    assert second.lines[0].return_of.key == first.key
    assert second.tenders[0].amount_minor == -225


WRONG = {
    "quantity": NEXT.replace(",1,,150", ",one,,150"),
    "amount_minor": NEXT.replace(",150,", ",1.50,"),
    "business_date": NEXT.replace("2026-03-07,173", "07.03.2026,173"),
    "captured_at": NEXT.replace("2026-03-07T17:50:00", "noon"),
    "product": NEXT.replace("BEANS", ""),
    "lines[0].quantity": NEXT.replace(",1,,150", ",0,,150"),
    "lines[0].unit": NEXT.replace(",1,,150", ",1,barrel,150"),
    "currency": NEXT.replace("EUR", "euro"),
    "card": NEXT + "\n" + NEXT.replace(",EUR,,", ",EUR,77,"),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_refused_with_its_column_and_the_rest_taken(field, file):
    items, _ = read(csv, file, text(SALE, WRONG[field], NEXT.replace("173", "174")))
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert (items[1].field, items[1].place.line) == (field, 5)


@pytest.mark.parametrize("row", ["a,b", '"open,1', "S014,\xff"], ids=["short", "a mark", "bytes"])
def test_no_part_of_a_receipt_is_taken_beside_a_row_that_cannot_be_read(row, file):
    rows = SALE.split("\n")
    data = text(NEXT, *rows[:2], row, rows[2], NEXT.replace("173", "174")).replace(
        b"\xc3\xbf", b"\xff"
    )
    items, _ = read(csv, file, data)
    assert [type(one) for one in items] == [Good, Bad, Bad, Good]
    assert items[1].place.line == 5
    assert items[2].place.line == 3
    between = text(NEXT, row, SALE, NEXT.replace("173", "174")).replace(b"\xc3\xbf", b"\xff")
    assert [type(one) for one in read(csv, file, between)[0]] == [Bad, Bad, Bad, Good]


def test_a_receipt_of_more_rows_than_any_can_have_is_refused_without_keeping_them(file):
    found = bad(csv, file, text(*[NEXT] * (csv.MOST_ROWS + 50)))
    assert "more than" in found.error


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "header"),
        (b"\xff\xfe", "header"),
        (b"a,a\n", "header"),
        (b"store,number\n", "business_date"),
        (text(head=HEAD + ",colour"), "colour"),
        (text(head=HEAD.replace(",amount_minor", "")), "amount_minor"),
    ],
)
def test_a_file_without_its_columns_is_refused_as_a_whole(data, field, file):
    with pytest.raises(InputInvalid) as refused:
        read(csv, file, data)
    assert refused.value.field == field


WHOLE = text(SALE, NEXT)
PIECES = [b",", b'"', b"\n", b"\0", b"\xff", b"-", b"9" * 30, b"S014", b"gram", b"0", b"x" * 80]
CUTS = st.tuples(
    st.integers(len(HEAD) + 1, len(WHOLE)), st.integers(0, 20), st.sampled_from(PIECES)
)


def spoiled(cuts):
    return cut(WHOLE, cuts)


@settings(max_examples=300)
@given(data=st.binary(max_size=200).map(lambda b: text() + b"\n" + b) | st.lists(CUTS).map(spoiled))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    holds(csv, tmp_path_factory.getbasetemp() / "noise.csv", data, BERLIN)


@given(data=st.binary(max_size=200))
def test_any_bytes_without_a_header_are_refused_as_a_whole(tmp_path_factory, data):
    with pytest.raises(InputInvalid):
        read(csv, tmp_path_factory.getbasetemp() / "noise.csv", data)
