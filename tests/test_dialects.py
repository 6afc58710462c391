"""Every dialect through `loyalty ingest`: told by its file, and its totals are the ledger's."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dsfinvk import SOLD, SOUP, Export
from test_erpnext import INVOICE
from test_erpnext import RETURN as CREDIT
from test_odoo import FLAT, OLD
from test_odoo import line as odoo_line
from test_pos_csv import NEXT, SALE, text
from test_poslog import ARTS, BEANS, BOUGHT, CARD, END, MINUS, NCR, arts, arts_sale, link
from test_poslog import SALE as NCR_SALE
from test_shopify import ORDER, REFUND
from test_square import ORDER as SQUARE
from test_square import RETURN as SQUARE_BACK
from till import rejected

from adapters.pos.dialects import DIALECTS, detect
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.policies.ean import with_check_digit
from ledger.projections.receipt import FCT_RECEIPT, FCT_RECEIPT_LINE


def dump(document):
    return json.dumps(document).encode()


BACK = arts(arts_sale(1, BEANS, "1.50", MINUS, link()), 18)
FILES = {
    "poslog": ARTS + arts(CARD + arts_sale(1, SOUP, "2.00"), 16) + BOUGHT + BACK + END,
    "dsfinvk": Export()
    .bon("b1", *SOLD)
    .bon("b2", ("Umsatz", SOUP, "-1", "-1,99000"), of="b1")
    .zip(),
    "odoo": json.dumps([FLAT, OLD]).encode(),
    "square": json.dumps({"orders": [SQUARE, SQUARE_BACK]}, indent=1).encode(),
    "shopify": json.dumps({"orders": [{**ORDER, "refunds": [REFUND]}]}).encode(),
    "erpnext": "\n".join(map(json.dumps, [INVOICE, CREDIT])).encode(),
    "csv": text(SALE, NEXT),
}
TOTALS = {
    "poslog": (3, 200 + 550 - 150), "dsfinvk": (2, 597 + 201 + 150 + 2500 - 199),
    "odoo": (2, 1118 + 462), "square": (2, 3301 - 300), "shopify": (2, 3300 - 300),
    "erpnext": (2, 1100 - 219), "csv": (2, 948 + 150),
}  # fmt: skip
OPTIONS = {"odoo": ["--store", "S9", "--store", "3=S014"], "dsfinvk": ["--zone", "Europe/Berlin"]}
each = pytest.mark.parametrize("name", FILES)


def in_ledger(db):
    """Receipts, the sum of what was paid on them, and how many of their lines name another."""
    with LoyaltyLedger.open(db) as ledger, ledger.reading() as reader:
        ((count, amount),) = reader.rows(
            f"SELECT count(*), coalesce(sum(amount_minor), 0) FROM {reader.name(FCT_RECEIPT)}", ()
        )
        ((back,),) = reader.rows(
            "SELECT coalesce(sum(returned_quantity), 0)"
            f" FROM {reader.name(FCT_RECEIPT_LINE)}", ()
        )  # fmt: skip
        assert ledger.verify().clean
    return int(count), int(amount), int(back)


def test_every_dialect_is_here():
    assert set(FILES) == set(DIALECTS)


@each
def test_totals_of_a_file_are_totals_of_the_ledger(name, till, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(FILES[name])
    told = till("ingest", path, "--history", "--enrol", *OPTIONS.get(name, ()))
    count, amount = TOTALS[name]
    assert (told["read"], told["recorded"], told["recorded_minor"]) == (count, count, amount)
    assert in_ledger(till.db)[:2] == (count, amount)

    again = till("ingest", path, "--history", "--enrol", *OPTIONS.get(name, ()))
    assert (again["repeated"], again["repeated_minor"]) == (count, amount)
    assert in_ledger(till.db)[:2] == (count, amount)


@each
def test_a_file_tells_its_dialect(name, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(FILES[name])
    assert detect(path) == name


def test_what_is_not_certain_is_asked_for(tmp_path):
    path = tmp_path / "file"
    for data in (b"[1]", b"<html>", b"PK\x03\x04", b'{"total_money": 1, "financial_status": 2}'):
        path.write_bytes(data)
        with pytest.raises(InputInvalid, match="--format"):
            detect(path)
    path.write_bytes(b'{"rejected":{},"receipt":{"financial_status":"paid"}}')
    assert detect(path) == "ndjson"


@given(data=st.binary(max_size=60).map(lambda data: FILES["dsfinvk"][:-40] + data))
def test_an_archive_of_any_bytes_is_told_or_asked_for(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(data)
    with suppress(InputInvalid):
        assert detect(path) in {"dsfinvk", "ndjson"}


APART = {
    "poslog": (ARTS + BOUGHT + END, ARTS + BACK + END, 550 - 150),
    "dsfinvk": (
        Export().bon("b1", *SOLD).zip(),
        Export().bon("b2", ("Umsatz", SOUP, "-1", "-1,99000"), of="b1").zip(),
        597 + 201 + 150 + 2500 - 199,
    ),
    "square": (dump(SQUARE), dump(SQUARE_BACK), 3301 - 300),
    "shopify": (dump({**ORDER, "location_id": None}), dump(REFUND), 3300 - 300),
    "erpnext": (dump(INVOICE), dump(CREDIT), 1100 - 219),
}


@pytest.mark.parametrize("name", APART)
def test_a_return_finds_its_receipt_of_a_file_before_and_is_the_same_when_fed_again(
    name, till, tmp_path
):
    sale, back, amount = APART[name]
    for data in (sale, back):
        (tmp_path / "file").write_bytes(data)
        for repeated in (0, 1):
            told = till("ingest", tmp_path / "file", "--format", name, "--history")
            assert (told["recorded"], told["repeated"]) == (1 - repeated, repeated)
    assert in_ledger(till.db) == (2, amount, 1)


def test_a_refund_by_itself_is_the_one_in_its_order(till, tmp_path):
    path = tmp_path / "file"
    for document, counts in (({**ORDER, "refunds": [REFUND]}, (2, 0)), (REFUND, (0, 1))):
        path.write_bytes(dump(document))
        told = till("ingest", path, "--history", "--store", "88=S014")
        assert (told["recorded"], told["repeated"]) == counts


def test_a_day_of_tills_by_two_workers(till, tmp_path):
    path = tmp_path / "day.xml"
    sales = [arts(CARD + arts_sale(1, SOUP, "2.00"), n) for n in range(100, 400)]
    path.write_bytes(ARTS + b"".join(sales) + END)
    told = till("ingest", path, "--history", "--enrol", "--workers", "2", "--batch", "50")
    assert (told["recorded"], told["recorded_minor"]) == (300, 60_000)
    assert in_ledger(till.db)[:2] == (300, 60_000)


def test_what_is_left_out_is_told(till, tmp_path):
    path = tmp_path / "day.zip"
    path.write_bytes(Export().bon("b1", ("Umsatz", SOUP, "1", "1,00000"), kind="AVTraining").zip())
    assert till("ingest", path)["left_out"] == {"no receipts: AVTraining": 1}
    assert "left out: 1 x no receipts: AVTraining" in till("ingest", path, json_=False)


def test_what_is_refused_is_corrected_as_a_canonical_receipt(till, tmp_path):
    path = tmp_path / "day.xml"
    path.write_bytes(NCR.replace(b"<POSLog", b"<POSLog") + NCR_SALE + END)
    told = till("ingest", path, "--history", code=4)
    (envelope,) = rejected(told["rejects"])
    assert envelope["rejected"]["line"] == 1
    assert "USD" in json.dumps(envelope)
    envelope["receipt"]["currency"] = "EUR"
    mended = tmp_path / "mended.ndjson"
    mended.write_text(json.dumps(envelope))
    assert till("ingest", mended, "--history")["recorded"] == 1


def test_options_of_tills_reach_the_receipt(till, tmp_path):
    path = tmp_path / "orders.json"
    weighed = [odoo_line(7, 2.0, barcode=with_check_digit("281234501234"))]
    path.write_bytes(json.dumps([{**FLAT, "config_id": None, "lines": weighed}]).encode())
    till("ingest", path, "--history", "--store", "S014", "--scale", "28IIIIIWWWWWC",
         "--zone", "America/New_York")  # fmt: skip
    with LoyaltyLedger.open(till.db) as ledger, ledger.reading() as reader:
        rows = reader.rows(
            "SELECT r.store, r.offset_minutes, l.unit, l.quantity FROM"
            f" {reader.name(FCT_RECEIPT)} r JOIN {reader.name(FCT_RECEIPT_LINE)} l"
            " ON l.receipt_id = r.receipt_id", ()
        )  # fmt: skip
    assert [tuple(row) for row in rows] == [("S014", -300, "gram", 1234)]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--zone", "Mars/Base"], "zone"),
        (["--scale", "28"], "scale"),
        (["--store", "a", "--store", "b"], "store"),
        (["--format", "ndjson", "--zone", "Europe/Berlin"], "zone"),
        (["--format", "csv"], "header"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, field, till, tmp_path):
    path = tmp_path / "orders.json"
    path.write_bytes(FILES["shopify"])
    told = till("ingest", path, *options, code=1)
    assert told["field"] == field
