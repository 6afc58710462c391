"""The made-up chain."""

import datetime as dt
from itertools import islice, pairwise

import msgspec
import pytest

from adapters.catalogue import card_number
from adapters.simulate import simulate
from ledger.policies.ean import with_check_digit
from ledger.types import Receipt

SMALL = {"members": 60, "weeks": 8, "stores": 3}


@pytest.fixture(scope="module")
def receipts():
    return list(simulate(**SMALL, returns_bp=800))


def test_same_seed_gives_the_same_bytes():
    one, other = (msgspec.json.encode(list(simulate(**SMALL, seed=7))) for _ in range(2))
    assert one == other


def test_other_seed_gives_other_receipts():
    assert list(simulate(**SMALL, seed=7)) != list(simulate(**SMALL, seed=8))


def test_every_receipt_is_canonical(receipts):
    for receipt in receipts:
        assert msgspec.json.decode(msgspec.json.encode(receipt), type=Receipt) == receipt


def test_receipts_come_in_the_order_of_their_capture(receipts):
    assert all(one.captured_at <= other.captured_at for one, other in pairwise(receipts))


def test_no_key_is_used_twice(receipts):
    assert len({receipt.key for receipt in receipts}) == len(receipts)


def test_tenders_sum_to_the_receipt(receipts):
    for receipt in receipts:
        paid = sum(tender.amount_minor for tender in receipt.tenders)
        assert paid == sum(line.amount_minor for line in receipt.lines)
    assert any(len(receipt.tenders) == 2 for receipt in receipts)


def test_returns_bring_back_no_more_than_was_bought(receipts):
    known = {receipt.key: receipt for receipt in receipts}
    returns = [receipt for receipt in receipts if receipt.lines[0].return_of]
    assert len(returns) > 20
    for receipt in returns:
        [back] = receipt.lines
        bought = known[back.return_of.key]
        line = bought.lines[back.return_of.line - 1]
        assert bought.captured_at < receipt.captured_at
        assert (bought.store, bought.card, line.product) == (
            receipt.store,
            receipt.card,
            back.product,
        )
        assert 0 < -back.quantity <= line.quantity
        assert 0 <= -back.amount_minor <= line.amount_minor


def test_returns_come_one_to_fourteen_days_later():
    found = simulate(**SMALL, returns_bp=4_000)
    waits = {
        (receipt.business_date - line.return_of.business_date).days
        for receipt in found
        for line in receipt.lines
        if line.return_of
    }
    assert waits == set(range(1, 15))


@pytest.mark.parametrize(("anonymous_bp", "low", "high"), [(0, 0, 0), (2000, 1900, 2100)])
def test_share_of_anonymous_purchases_is_as_asked(anonymous_bp, low, high):
    found = list(simulate(**SMALL, anonymous_bp=anonymous_bp, returns_bp=0))
    share_bp = sum(receipt.card is None for receipt in found) * 10_000 // len(found)
    assert low <= share_bp <= high


def test_all_anonymous_is_refused():
    with pytest.raises(ValueError, match="anonymous_bp"):
        next(simulate(anonymous_bp=10_000))


def test_no_returns_when_none_are_asked_for():
    found = simulate(**SMALL, returns_bp=0)
    assert all(line.quantity > 0 for receipt in found for line in receipt.lines)


def test_members_have_a_store_and_products_they_come_back_to(receipts):
    mine = [receipt for receipt in receipts if receipt.card == card_number(1)]
    stores = [receipt.store for receipt in mine]
    products = [line.product for receipt in mine for line in receipt.lines if line.kind == "sale"]
    assert len(mine) > 3
    assert stores.count(max(stores, key=stores.count)) * 3 > len(stores) * 2
    assert len(set(products)) * 3 < len(products) * 2


def test_chain_sells_gift_cards_deposits_and_goods_by_weight(receipts):
    lines = [line for receipt in receipts for line in receipt.lines]
    assert {line.kind for line in lines} == {"sale", "gift_card", "deposit"}
    assert {line.unit for line in lines} == {"piece", "gram"}
    assert any(line.discount_minor for line in lines)
    assert len({line.category for line in lines}) == 21


def test_cards_are_ean_13_with_the_in_store_prefix(receipts):
    assert with_check_digit("400638133393") == "4006381333931"
    for card in {receipt.card for receipt in receipts} - {None}:
        assert card.startswith("29")
        assert card == with_check_digit(card[:12])


def test_dates_stores_and_currency_are_as_asked():
    start = dt.date(2024, 3, 25)
    found = list(simulate(**SMALL, start=start, currency="CHF"))
    days = {receipt.business_date for receipt in found}
    assert (min(days), max(days)) == (start, start + dt.timedelta(days=55))
    assert {receipt.store for receipt in found} == {"S001", "S002", "S003"}
    assert {receipt.currency for receipt in found} == {"CHF"}
    assert all(receipt.captured_at.date() == receipt.business_date for receipt in found)


def test_captured_at_has_the_zones_offset_on_both_sides_of_a_clock_change():
    found = list(simulate(members=60, weeks=2, start=dt.date(2025, 3, 24)))
    hours = {r.business_date: r.captured_at.utcoffset() // dt.timedelta(hours=1) for r in found}
    assert (hours[dt.date(2025, 3, 29)], hours[dt.date(2025, 3, 31)]) == (1, 2)


def test_first_receipts_do_not_wait_for_the_last():
    assert len(list(islice(simulate(members=20, weeks=10_000), 50))) == 50
