"""ERPNext: POS invoices and their returns into exactly the receipts they stand for."""

import pytest
from hypothesis import given, settings
from tills import BERLIN, amount, dump, holds, noise, plain, put, read, receipts

from adapters.pos import erpnext
from adapters.records import Bad, Good

TERMS = BERLIN._replace(nobody=frozenset({"Walk-in"}))


def item(row, code, amount, qty=1.0, **fields):
    return {"name": row, "item_code": code, "qty": qty, "uom": "Nos", "rate": amount,
            "amount": amount, **fields}  # fmt: skip


INVOICE = {
    "doctype": "POS Invoice",
    "name": "ACC-PSINV-2026-00012",
    "docstatus": 1,
    "is_return": 0,
    "pos_profile": "Main till",
    "company": "Mill",
    "posting_date": "2026-03-07",
    "posting_time": "9:42:09.123456",
    "currency": "EUR",
    "customer": "CUST-0007",
    "owner": "ada@shop.example",
    "grand_total": 11.0,
    "items": [
        item("r1", "SOUP", 5.97, 3.0, rate=1.99, price_list_rate=2.19, item_group="Tins"),
        item("r2", "APPLES", 2.01, 0.842, uom="Kg"),
        item("r3", "BEANS", 2.02, barcode="4006381333931", brand="Mill"),
    ],
    "payments": [{"mode_of_payment": "Cash", "amount": 20.0},
                 {"mode_of_payment": "Card", "amount": 0.0}],
    "change_amount": 9.0,
}  # fmt: skip
RETURN = {
    **INVOICE,
    "name": "ACC-PSINV-2026-00020",
    "is_return": 1,
    "return_against": "ACC-PSINV-2026-00012",
    "posting_date": "2026-03-09",
    "grand_total": -2.19,
    "items": [item("x1", "SOUP", -1.99, -1.0, pos_invoice_item="r1")],
    "payments": [{"mode_of_payment": "Cash", "amount": -2.19}],
    "change_amount": 0,
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "invoices.json"


def test_an_invoice(file):
    (found,) = receipts(erpnext, file, dump({"data": INVOICE}), TERMS)
    assert plain(found) == {
        "store": "Main till", "lane": "", "business_date": "2026-03-07",
        "number": "ACC-PSINV-2026-00012", "captured_at": "2026-03-07T09:42:09+01:00",
        "currency": "EUR", "card": "erpnext:CUST-0007", "cashier": "ada@shop.example",
        "lines": [
            {"product": "SOUP", "quantity": 3, "amount_minor": 657, "discount_minor": 60,
             "category": "Tins"},
            {"product": "APPLES", "quantity": 842, "unit": "gram", "amount_minor": 221},
            {"product": "4006381333931", "quantity": 1, "amount_minor": 222, "brand": "Mill"},
        ],
        "tenders": [{"kind": "Cash", "amount_minor": 2000}, {"kind": "change",
                                                             "amount_minor": -900}],
    }  # fmt: skip
    assert amount(found) == 1100, "taxes are in it, without a remainder"


def test_the_customer_that_stands_for_nobody_is_no_card(file):
    (found,) = receipts(erpnext, file, dump({**INVOICE, "customer": "Walk-in"}), TERMS)
    assert found.card is None


@pytest.mark.parametrize(
    "document",
    [INVOICE, {"data": [INVOICE]}, {"message": INVOICE}, [INVOICE], {"doc": INVOICE}],
    ids=["a webhook", "a list of the API", "a method", "a list", "an event"],
)
def test_the_ways_an_invoice_comes_in(document, file):
    (found,) = receipts(erpnext, file, dump(document))
    assert found.number == INVOICE["name"]


def test_a_return_names_the_line_it_takes_back(file):
    _, back = receipts(erpnext, file, dump(INVOICE, RETURN))
    (line,) = back.lines
    assert (line.quantity, line.amount_minor) == (-1, -219)
    assert (line.return_of.number, line.return_of.line) == (INVOICE["name"], 1)
    assert [one.amount_minor for one in back.tenders] == [-219]


def test_an_older_return_is_matched_by_its_item(file):
    older = put(RETURN, ("items", 0, "pos_invoice_item"), None)
    _, back = receipts(erpnext, file, dump(INVOICE, older))
    assert back.lines[0].return_of.line == 1


def test_a_return_alone_is_one_of_its_kind(file):
    (back,) = receipts(erpnext, file, dump(RETURN))
    assert (back.lines[0].kind, back.lines[0].amount_minor) == ("return", -219)


def test_points_that_paid_are_a_tender(file):
    (found,) = receipts(erpnext, file, dump({**INVOICE, "loyalty_amount": 5.0}))
    assert found.tenders[-1].kind == "loyalty"


def test_what_is_no_receipt_is_left_out_and_counted(file):
    items, reading = read(erpnext, file, dump(
        {**INVOICE, "docstatus": 0}, {**INVOICE, "docstatus": 2}, {**INVOICE, "items": []}
    ))  # fmt: skip
    assert items == []
    assert reading.left_out == {"drafts": 1, "cancelled invoices": 1, "nothing sold": 1}


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("items", 0, "qty"), 0.5, "items.qty"),
        (("items", 0, "qty"), None, "items.qty"),
        (("items", 0, "amount"), "much", "items.amount"),
        (("items", 0, "amount"), -50.0, "grand_total"),
        (("posting_date",), "03/07/2026", "posting_date"),
        (("posting_time",), "soon", "posting_time"),
        (("name",), "x" * 65, "number"),
        (("docstatus",), [], "docstatus"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_the_rest_taken(path, value, field, file):
    items, _ = read(erpnext, file, dump(INVOICE, put(INVOICE, path, value), INVOICE))
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert (items[1].field, items[1].place.line) == (field, 2)


@settings(max_examples=300)
@given(data=noise({"data": [INVOICE, RETURN]}))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    holds(erpnext, tmp_path_factory.getbasetemp() / "noise.json", data, TERMS)
