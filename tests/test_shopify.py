"""Shopify: orders and refunds into exactly the receipts they stand for."""

import json

import pytest
from hypothesis import given, settings
from tills import (
    BERLIN,
    PUBLIC_SAMPLES,
    amount,
    bad,
    dump,
    holds,
    noise,
    plain,
    put,
    read,
    receipts,
)

from adapters.pos import documents, shopify
from adapters.records import Bad, Good
from ledger.types import LineRef


def item(number, price, quantity=1, **fields):
    return {
        "id": number, "title": "Soup", "sku": f"SOUP-{number}", "vendor": "Mill", "price": price,
        "quantity": quantity, "current_quantity": quantity, "gift_card": False, "tax_lines": [],
        "discount_allocations": [], **fields,
    }  # fmt: skip


ORDER = {
    "id": 5501,
    "name": "#1001",
    "currency": "EUR",
    "created_at": "2026-03-07T23:58:09+01:00",
    "processed_at": "2026-03-07T23:58:09+01:00",
    "location_id": 88,
    "user_id": 7,
    "test": False,
    "financial_status": "paid",
    "taxes_included": True,
    "total_price": "33.00",
    "payment_gateway_names": ["cash"],
    "customer": {"id": 2071},
    "line_items": [
        item(1, "3.50", 2, discount_allocations=[{"amount": "0.40"}, {"amount": "0.60"}]),
        item(2, "25.00", gift_card=True, sku=None, variant_id=991),
        item(3, "2.00", barcode="4006381333931", tax_lines=[{"price": "0.13"}]),
        item(4, "9.99", 0),
    ],
    "refunds": [],
}
REFUND = {
    "id": 900,
    "order_id": 5501,
    "created_at": "2026-03-09T10:00:00+01:00",
    "user_id": 7,
    "refund_line_items": [
        {
            "quantity": 1, "line_item_id": 1, "subtotal": 3.0, "total_tax": 0,
            "line_item": item(1, "3.50", 2),
        }
    ],
    "transactions": [
        {"kind": "refund", "status": "success", "gateway": "cash", "amount": "3.00",
         "currency": "EUR"},
        {"kind": "refund", "status": "failure", "gateway": "cash", "amount": "3.00"},
    ],
}  # fmt: skip
BACK = {
    "store": "shopify",
    "lane": "",
    "business_date": "2026-03-09",
    "number": "R900",
    "captured_at": "2026-03-09T10:00:00+01:00",
    "currency": "EUR",
    "cashier": "7",
    "tenders": [{"kind": "cash", "amount_minor": -300}],
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "orders.json"


def test_an_order(file):
    (found,) = receipts(shopify, file, dump(ORDER))
    assert plain(found) == {
        "store": "88", "lane": "", "business_date": "2026-03-07", "number": "5501",
        "captured_at": "2026-03-07T23:58:09+01:00", "currency": "EUR", "card": "shopify:2071",
        "cashier": "7",
        "lines": [
            {"product": "SOUP-1", "quantity": 2, "amount_minor": 600, "discount_minor": 100,
             "brand": "Mill"},
            {"product": "991", "quantity": 1, "amount_minor": 2500, "kind": "gift_card",
             "brand": "Mill"},
            {"product": "4006381333931", "quantity": 1, "amount_minor": 200, "brand": "Mill"},
        ],
        "tenders": [{"kind": "cash", "amount_minor": 3300}],
    }  # fmt: skip
    assert amount(found) == 3300


def test_taxes_beside_the_price_were_paid_too(file):
    (found,) = receipts(shopify, file, dump({**ORDER, "taxes_included": False}))
    assert [line.amount_minor for line in found.lines] == [600, 2500, 213]


def test_an_older_order_tells_its_lines_own_discount_alone(file):
    line = item(1, "3.50", 2, total_discount="0.50")
    del line["discount_allocations"]
    (found,) = receipts(shopify, file, dump({**ORDER, "line_items": [line]}))
    assert (found.lines[0].amount_minor, found.lines[0].discount_minor) == (650, 50)


def test_payments_that_went_through_are_the_tenders(file):
    paid = [
        {"kind": "authorization", "status": "success", "gateway": "card", "amount": "33.00"},
        {"kind": "capture", "status": "success", "gateway": "card", "amount": "30.00"},
        {"kind": "sale", "status": "success", "gateway": "gift_card", "amount": "3.00"},
        {"kind": "sale", "status": "failure", "gateway": "card", "amount": "33.00"},
    ]
    (found,) = receipts(shopify, file, dump({**ORDER, "transactions": paid}))
    assert [(one.kind, one.amount_minor) for one in found.tenders] == [
        ("card", 3000), ("gift_card", 300),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [{"orders": [ORDER]}, {"order": ORDER}, [ORDER], ORDER],
    ids=["a list of the API", "one of the API", "a list", "a webhook"],
)
def test_the_ways_an_order_comes_in(document, file):
    (found,) = receipts(shopify, file, dump(document))
    assert found.number == "5501"


def test_a_store_has_the_chains_name(file):
    terms = BERLIN._replace(stores={"88": "S014"}, store="web")
    (found,) = receipts(shopify, file, dump(ORDER), terms)
    assert found.store == "S014"
    (found,) = receipts(shopify, file, dump({**ORDER, "location_id": None}), terms)
    assert found.store == "web"


def test_no_customer_is_an_anonymous_receipt(file):
    (found,) = receipts(shopify, file, dump({**ORDER, "customer": None}))
    assert found.card is None


@pytest.mark.parametrize("way", ["in its order", "after its order"])
def test_a_refund_names_the_line_it_takes_back(way, file):
    data = (
        dump({**ORDER, "refunds": [REFUND]})
        if way == "in its order"
        else dump({"orders": [ORDER]}, {"refund": REFUND})
    )
    _, back = receipts(shopify, file, data)
    of = {"store": "88", "lane": "", "business_date": "2026-03-07", "number": "5501", "line": 1}
    assert plain(back) == BACK | {
        "lines": [{"product": "SOUP-1", "quantity": -1, "amount_minor": -300, "brand": "Mill",
                   "return_of": of}]
    }  # fmt: skip
    assert isinstance(back.lines[0].return_of, LineRef)


def test_a_refund_alone_is_a_return_that_nobody_knows_the_receipt_of(file):
    (back,) = receipts(shopify, file, dump(REFUND))
    assert plain(back) == BACK | {
        "lines": [{"product": "SOUP-1", "quantity": -1, "amount_minor": -300, "kind": "return",
                   "brand": "Mill"}]
    }  # fmt: skip


def test_a_refund_without_sums_takes_its_share_of_the_discount(file):
    bought = item(1, "3.50", 2, discount_allocations=[{"amount": "1.00"}])
    line = {"quantity": 1, "line_item_id": 1, "line_item": bought}
    (back,) = receipts(shopify, file, dump({**REFUND, "refund_line_items": [line]}))
    assert back.lines[0].amount_minor == -300


def test_what_is_no_receipt_is_left_out_and_counted(file):
    items, reading = read(shopify, file, dump(
        {**ORDER, "test": True}, {**ORDER, "financial_status": "voided"},
        {**ORDER, "line_items": []}, {**REFUND, "refund_line_items": []},
    ))  # fmt: skip
    assert items == []
    assert reading.left_out == {
        "test orders": 1, "orders not paid": 1, "nothing sold": 1, "refunds of money alone": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("line_items", 0, "price"), "3.505", "line_items.price"),
        (("line_items", 0, "price"), None, "line_items.price"),
        (("line_items", 0, "quantity"), "many", "line_items.quantity"),
        (("line_items",), "none", "line_items"),
        (("processed_at",), "yesterday", "created_at"),
        (("currency",), "euro", "currency"),
        (("id",), None, "number"),
        (("line_items", 0, "discount_allocations", 0, "amount"), "9.00", "lines[0].amount_minor"),
        (("customer",), [], "customer"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_the_rest_taken(path, value, field, file):
    items, _ = read(shopify, file, dump(ORDER, put(ORDER, path, value), ORDER))
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert (items[1].field, items[1].place.line) == (field, 2)


def test_the_place_in_one_document_is_the_number_of_the_order(file):
    items, _ = read(shopify, file, dump({"orders": [ORDER, {}, 5]}))
    assert [one.place.line for one in items] == [1, 3]
    assert items[1].error == "not a JSON object"
    indented = json.dumps({"orders": [ORDER, 5]}, indent=1).encode()
    assert [one.place.line for one in read(shopify, file, indented)[0]] == [1, 2]


@pytest.mark.parametrize("value", [False, 5, "orders", None])
@pytest.mark.parametrize("wrapped", ["order", "refund"])
def test_what_holds_no_order_is_refused_and_the_rest_taken(wrapped, value, file):
    items, _ = read(shopify, file, dump({"order": ORDER}, {wrapped: value}, ORDER))
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert items[1].error == "not a JSON object"


def test_a_document_larger_than_is_read_is_refused_without_keeping_it(file, monkeypatch):
    monkeypatch.setattr(documents, "MOST_BYTES", 5_000)
    data = dump({"orders": [ORDER] * 10})
    found = bad(shopify, file, data)
    assert (found.error, found.raw) == ("one document of more than 5000 bytes", None)
    assert len(receipts(shopify, file, dump(*[ORDER] * 10))) == 10, "lines may be as many"


def test_a_broken_document_is_one_reason(file):
    assert bad(shopify, file, dump(ORDER)[:-5]).error.startswith("not JSON")


@pytest.mark.skipif(not PUBLIC_SAMPLES.exists(), reason="the public samples are not here")
def test_the_public_samples_map_to_what_they_say(tmp_path):
    file = tmp_path / "sample.json"
    data = (PUBLIC_SAMPLES / "shopify_orders.json").read_bytes()
    assert read(shopify, file, data)[1].left_out == {"nothing sold": 1}, "the sample has no lines"
    (back,) = receipts(shopify, file, (PUBLIC_SAMPLES / "shopify_refund.json").read_bytes())
    assert (back.number, back.currency, back.captured_at.isoformat()) == (
        "R509562969", "USD", "2016-06-20T13:35:06-04:00",
    )  # fmt: skip
    assert [(one.product, one.quantity, one.amount_minor) for one in back.lines] == [
        ("IPOD2008BLACK", -1, -19900), ("IPOD2008GREEN", -1, -19900),
    ]  # fmt: skip
    assert [one.amount_minor for one in back.tenders] == [-20900]


WHOLE = {"orders": [{**ORDER, "refunds": [REFUND]}, ORDER]}


@settings(max_examples=300)
@given(data=noise(WHOLE))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    holds(shopify, tmp_path_factory.getbasetemp() / "noise.json", data)


def test_amounts_are_never_floats(file):
    data = dump(REFUND).replace(b'"subtotal": 3.0', b'"subtotal": 1.1500000000000001')
    (back,) = receipts(shopify, file, data)
    assert back.lines[0].amount_minor == -115
