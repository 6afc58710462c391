"""Odoo: orders of both calls into exactly the receipts they stand for."""

import pytest
from hypothesis import given, settings
from tills import BERLIN, amount, bad, dump, holds, noise, plain, put, read, receipts

from adapters.pos import odoo
from adapters.pos.gs1 import scale
from adapters.records import Bad, Good
from ledger.policies.ean import with_check_digit

TERMS = BERLIN._replace(store="S014")


def line(product, incl, qty=1, **fields):
    values = {"product_id": product, "qty": qty, "price_unit": 3.0, "discount": 0,
              "price_subtotal": 0, "price_subtotal_incl": incl, **fields}  # fmt: skip
    return [0, 0, values]


FLAT = {
    "uuid": "7b0e0a4e-5d6a-4d7e-9a3c-1f0c3a7d5e11",
    "pos_reference": "Order 00042-003-0172",
    "state": "paid",
    "session_id": 42,
    "config_id": 3,
    "date_order": "2026-03-07 23:15:09",
    "partner_id": 17,
    "user_id": 2,
    "amount_total": 12.18,
    "amount_return": 0,
    "lines": [
        line(101, 5.970000000000001, 3),
        line(102, 2.01, 0.842, discount=20),
        line(103, 4.2, barcode="4006381333931"),
        line(999, -1.0, reward_id=5),
    ],
    "payment_ids": [[0, 0, {"payment_method_id": 1, "amount": 20.0}],
                    [0, 0, {"payment_method_id": 1, "amount": -7.82}]],
}  # fmt: skip
OLD = {
    "id": "00042-003-0173",
    "to_invoice": False,
    "data": {
        "name": "Order 00042-003-0173",
        "uid": "00042-003-0173",
        "pos_session_id": 42,
        "creation_date": "2026-03-07T22:59:59.123Z",
        "partner_id": False,
        "user_id": 2,
        "amount_return": 0.5,
        "lines": [line(101, 1.99), [0, 0, {"product_id": 5, "qty": 2, "price_unit": 1.46,
                                           "discount": 10}]],
        "statement_ids": [[0, 0, {"payment_method_id": 2, "amount": 5.12}]],
    },
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "orders.json"


def test_a_flat_order(file):
    (found,) = receipts(odoo, file, dump([FLAT]), BERLIN._replace(stores={"3": "S014"}))
    assert plain(found) == {
        "store": "S014", "lane": "", "business_date": "2026-03-08", "number": "00042-003-0172",
        "captured_at": "2026-03-08T00:15:09+01:00", "currency": "EUR", "card": "odoo:17",
        "cashier": "2",
        "lines": [
            {"product": "101", "quantity": 3, "amount_minor": 548, "discount_minor": 49},
            {"product": "102", "quantity": 842, "unit": "gram", "amount_minor": 184,
             "discount_minor": 67},
            {"product": "4006381333931", "quantity": 1, "amount_minor": 386, "discount_minor": 34},
        ],
        "tenders": [{"kind": "1", "amount_minor": 2000}, {"kind": "1", "amount_minor": -782}],
    }  # fmt: skip
    assert amount(found) == 597 + 201 + 420 - 100 == 1118


def test_an_order_of_the_older_call(file):
    (found,) = receipts(odoo, file, dump([OLD]), TERMS)
    assert (found.store, found.number, found.card) == ("S014", "00042-003-0173", None)
    assert found.captured_at.isoformat() == "2026-03-07T23:59:59+01:00"
    assert [(one.quantity, one.amount_minor) for one in found.lines] == [(1, 199), (2, 263)]
    assert [(one.kind, one.amount_minor) for one in found.tenders] == [("2", 512), ("change", -50)]


@pytest.mark.parametrize(
    "document",
    [FLAT, [FLAT], [[FLAT]], {"orders": [FLAT]}, {"params": {"args": [[FLAT]]}}],
    ids=["one", "a list", "arguments", "named", "a call"],
)
def test_the_ways_an_order_comes_in(document, file):
    (found,) = receipts(odoo, file, dump(document))
    assert found.number == "00042-003-0172"


def test_goods_that_come_back_to_an_order_of_the_database_name_its_line(file):
    bought = {**FLAT, "id": 900, "lines": [line(101, 5.97, 3, id=10), line(102, 1.0, id=11)]}
    back = {**FLAT, "pos_reference": "Order 00043-001-0001",
            "lines": [line(102, 1.0, -1, refunded_orderline_id=11)]}  # fmt: skip
    _, found = receipts(odoo, file, dump([bought, back]))
    (one,) = found.lines
    assert (one.quantity, one.amount_minor) == (-1, -100)
    assert (one.return_of.number, one.return_of.line) == ("00042-003-0172", 2)


def test_the_number_a_till_gives_a_line_is_not_the_databases(file):
    bought = {**FLAT, "id": "00042-003-0172", "lines": [line(101, 5.97, 3, id=10)]}
    back = {**FLAT, "pos_reference": "Order 00043-001-0001",
            "lines": [line(101, -1.99, -1, refunded_orderline_id=10)]}  # fmt: skip
    _, found = receipts(odoo, file, dump([bought, back]))
    assert (found.lines[0].kind, found.lines[0].amount_minor) == ("return", -199)


def test_a_weight_in_a_barcode_is_grams(file):
    code = with_check_digit("281234501234")
    order = {**FLAT, "lines": [line(1, 2.5, barcode=code)]}
    terms = BERLIN._replace(scales=(scale("28IIIIIWWWWWC"),))
    (found,) = receipts(odoo, file, dump(order), terms)
    assert (found.lines[0].quantity, found.lines[0].unit) == (1234, "gram")
    assert found.lines[0].product == with_check_digit("281234500000")


def test_what_is_no_receipt_is_left_out_and_counted(file):
    items, reading = read(odoo, file, dump(
        {**FLAT, "state": "draft"}, {**FLAT, "lines": []}, {**FLAT, "lines": [line(1, 0, 0)]}
    ))  # fmt: skip
    assert items == []
    assert reading.left_out == {"drafts and cancelled orders": 1, "nothing sold": 2}


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("lines", 0), 7, "lines"),
        (("lines",), {"a": 1}, "lines"),
        (("lines", 0, 2, "qty"), "x", "qty"),
        (("lines", 3, 2, "price_subtotal_incl"), -99.0, "price_subtotal_incl"),
        (("date_order",), False, "date_order"),
        (("config_id",), None, "store"),
        (("lines", 0, 2, "product_id"), None, "lines[0].product"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_the_rest_taken(path, value, field, file):
    items, _ = read(odoo, file, dump(FLAT, put(FLAT, path, value), FLAT))
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert (items[1].field, items[1].place.line) == (field, 2)


def test_orders_that_name_no_currency_need_one(file):
    assert bad(odoo, file, dump(FLAT), BERLIN._replace(currency="")).field == "currency"


@settings(max_examples=300)
@given(data=noise([FLAT, OLD, {**FLAT, "id": 9, "lines": [line(1, -1.0, -1, id=4)]}]))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    holds(odoo, tmp_path_factory.getbasetemp() / "noise.json", data, TERMS)
