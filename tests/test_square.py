"""Square: orders, returns and notices into exactly the receipts they stand for."""

import pytest
from hypothesis import given, settings
from tills import BERLIN, amount, bad, dump, holds, noise, plain, put, read, receipts

from adapters.pos import square
from adapters.pos.terms import Reading
from adapters.records import Bad, Good, Place


def money(amount_minor):
    return {"amount": amount_minor, "currency": "EUR"}


def item(uid, amount_minor, quantity="1", **fields):
    return {
        "uid": uid, "name": "Soup", "quantity": quantity, "catalog_object_id": f"CAT{uid}",
        "item_type": "ITEM", "total_money": money(amount_minor),
        "total_discount_money": money(0), **fields,
    }  # fmt: skip


KILOS = {"measurement_unit": {"weight_unit": "METRIC_KILOGRAM"}, "precision": 3}
ORDER = {
    "id": "ORD1",
    "location_id": "L88",
    "state": "COMPLETED",
    "created_at": "2026-03-07T22:40:00.123Z",
    "closed_at": "2026-03-07T23:05:09.456Z",
    "customer_id": "CUST1",
    "line_items": [
        item("a", 600, "2", total_discount_money=money(100)),
        item("b", 201, "0.842", quantity_unit=KILOS),
        item("c", 2500, item_type="GIFT_CARD"),
        item("d", 0, "0"),
    ],
    "tenders": [
        {"type": "CASH", "amount_money": money(3000)},
        {"type": "CARD", "amount_money": money(301)},
    ],
}
RETURN = {
    "id": "ORD2",
    "location_id": "L88",
    "state": "COMPLETED",
    "created_at": "2026-03-09T09:00:00Z",
    "returns": [
        {
            "source_order_id": "ORD1",
            "return_line_items": [item("r", 300, "1", source_line_item_uid="a") | {
                "catalog_object_id": "CATa"}],
        }
    ],
    "refunds": [{"amount_money": money(300)}],
}  # fmt: skip
NOTICE = {
    "merchant_id": "M", "type": "order.updated", "event_id": "E1",
    "data": {"type": "order_updated", "id": "ORD1",
             "object": {"order_updated": {"order_id": "ORD1", "state": "COMPLETED"}}},
}  # fmt: skip
PAYMENT = {
    "merchant_id": "M", "type": "payment.updated", "event_id": "E2",
    "data": {"type": "payment", "id": "P",
             "object": {"payment": {"id": "P", "order_id": "ORD1", "amount_money": money(5)}}},
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "orders.json"


def test_an_order(file):
    (found,) = receipts(square, file, dump({"order": ORDER}))
    assert plain(found) == {
        "store": "L88", "lane": "", "business_date": "2026-03-08", "number": "ORD1",
        "captured_at": "2026-03-08T00:05:09+01:00", "currency": "EUR", "card": "square:CUST1",
        "lines": [
            {"product": "CATa", "quantity": 2, "amount_minor": 600, "discount_minor": 100},
            {"product": "CATb", "quantity": 842, "unit": "gram", "amount_minor": 201},
            {"product": "CATc", "quantity": 1, "amount_minor": 2500, "kind": "gift_card"},
        ],
        "tenders": [{"kind": "CASH", "amount_minor": 3000}, {"kind": "CARD", "amount_minor": 301}],
    }  # fmt: skip
    assert amount(found) == 3301


def test_the_day_of_an_order_is_that_of_its_store(file):
    (found,) = receipts(square, file, dump(ORDER), BERLIN._replace(zone="America/New_York"))
    assert found.business_date.isoformat() == "2026-03-07"


def test_a_customer_of_a_payment_counts_where_the_order_has_none(file):
    order = {**ORDER, "customer_id": None, "tenders": [{"type": "CARD", "customer_id": "C2"}]}
    (found,) = receipts(square, file, dump(order))
    assert found.card == "square:C2"
    (found,) = receipts(square, file, dump({**ORDER, "customer_id": None}))
    assert found.card is None


def test_a_return_names_the_line_it_takes_back(file):
    _, back = receipts(square, file, dump({"orders": [ORDER, RETURN]}))
    assert plain(back) == {
        "store": "L88", "lane": "", "business_date": "2026-03-09", "number": "ORD2",
        "captured_at": "2026-03-09T10:00:00+01:00", "currency": "EUR",
        "lines": [{"product": "CATa", "quantity": -1, "amount_minor": -300, "return_of": {
            "store": "L88", "lane": "", "business_date": "2026-03-08", "number": "ORD1",
            "line": 1}}],
        "tenders": [{"kind": "refund", "amount_minor": -300}],
    }  # fmt: skip


def test_a_return_of_an_order_that_is_not_here_is_one_of_its_kind(file):
    (back,) = receipts(square, file, dump(RETURN))
    assert (back.lines[0].kind, back.lines[0].return_of) == ("return", None)


def test_an_exchange_has_both(file):
    order = {**RETURN, "line_items": [item("n", 500)]}
    _, both = receipts(square, file, dump(ORDER, order))
    assert [line.amount_minor for line in both.lines] == [500, -300]


def test_what_is_no_receipt_is_left_out_and_counted(file):
    custom = put(RETURN, ("returns", 0, "return_line_items", 0, "item_type"), "CUSTOM_AMOUNT")
    items, reading = read(square, file, dump(
        put(NOTICE, ("data", "object", "order_updated", "state"), "OPEN"), PAYMENT,
        {**ORDER, "state": "OPEN"}, {**ORDER, "state": "CANCELED"}, custom,
    ))  # fmt: skip
    assert items == []
    assert reading.left_out == {
        "notices of no order that is completed": 2, "orders not completed": 2, "nothing sold": 1,
        "lines that refund money alone": 1,
    }  # fmt: skip


def test_a_notice_of_a_completed_order_is_refused_until_somebody_fetches_it(file):
    found = bad(square, file, dump(NOTICE))
    assert (found.field, found.error) == (
        "order_updated.order_id", "fetch the order `ORD1` and feed that",
    )  # fmt: skip


@pytest.mark.parametrize(("notice", "order"), [(NOTICE, "ORD1"), (PAYMENT, "ORD1"), ({}, "")])
def test_a_notice_names_the_order_to_fetch(notice, order):
    assert square.order_named(notice) == order


def test_a_body_is_parsed_without_a_file():
    place = Place("webhook", 1, 0, 0)
    (found,) = square.parse(dump({"order": ORDER}), Reading(BERLIN), place=place)
    assert isinstance(found, Good)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("line_items", 0, "total_money", "amount"), 6.5, "total_money.amount"),
        (("line_items", 1, "total_money", "currency"), "USD", "total_money.currency"),
        (("line_items", 0, "quantity"), "1.5", "quantity"),
        (("line_items", 0, "quantity"), 10**40, "quantity"),
        (("closed_at",), "noon", "closed_at"),
        (("id",), "", "number"),
        (("location_id",), None, "store"),
        (("line_items", 1, "total_money", "amount"), -1, "lines[1].amount_minor"),
        (("line_items", 1, "total_money", "amount"), 10**30, "lines[1].amount_minor"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_the_rest_taken(path, value, field, file):
    items, _ = read(square, file, dump(ORDER, put(ORDER, path, value), ORDER))
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert (items[1].field, items[1].place.line) == (field, 2)


def test_a_return_of_itself_is_refused(file):
    order = put(RETURN, ("returns", 0, "source_order_id"), "ORD2")
    assert bad(square, file, dump(order)).field == "returns.source_order_id"


@settings(max_examples=300)
@given(data=noise({"orders": [ORDER, RETURN, NOTICE]}))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    holds(square, tmp_path_factory.getbasetemp() / "noise.json", data)
