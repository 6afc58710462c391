"""The readers of retail data in Parquet, on small tables and on the real ones."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from adapters.pos import ndjson
from adapters.records import Bad, Good
from adapters.rejects import Rejects
from adapters.retail import FORMATS, completejourney, detect, lgsr, parquet
from ledger.errors import InputInvalid

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("LOYALTY_DATA") or ROOT.parent / "shared" / "data")

pa = pytest.importorskip("pyarrow", reason="pyarrow (the `data` extra) is not installed")
pq = pytest.importorskip("pyarrow.parquet")
pc = pytest.importorskip("pyarrow.compute")


def real(name):
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"no retail data at {folder}; set LOYALTY_DATA to its parent")
    return folder


LGSR = {
    "SHOP_DATE": pa.date32(),
    "SHOP_HOUR": pa.int8(),
    "BASKET_ID": pa.int64(),
    "CUST_CODE": pa.dictionary(pa.uint32(), pa.string()),
    "STORE_CODE": pa.dictionary(pa.uint32(), pa.string()),
    "PROD_CODE": pa.dictionary(pa.uint32(), pa.string()),
    "QUANTITY": pa.int32(),
    "SPEND": pa.float64(),
}
JULY = dt.date(2006, 7, 3)
ROWS = [
    (JULY, 8, 130, "CUST1", "STORE1", "PRD1", 3, 2.43),
    (JULY, 8, 130, "CUST1", "STORE1", "PRD2", 1, 1.15),
    (JULY, 9, 61, "", "STORE2", "PRD9", 2, 0.0),
    (dt.date(2006, 12, 4), 22, 200, "CUST2", "STORE1", "PRD1", 1, 0.81),
]


def lgsr_folder(tmp_path, rows, types=LGSR, **options):
    table = pa.table(
        {
            name: pa.array([row[i] for row in rows], LGSR[name]).cast(types[name])
            for i, name in enumerate(types)
        }
    )
    pq.write_table(table, tmp_path / "lines.parquet", **options)
    products = {"PROD_CODE": ["PRD1", "PRD2"], "PROD_CODE_10": ["CL1", None]}
    pq.write_table(pa.table(products), tmp_path / "products.parquet")
    return tmp_path


def changed(**changes):
    row = dict(zip(LGSR, ROWS[0], strict=True)) | changes
    return tuple(row.values())


def test_lgsr_baskets_become_canonical_receipts(tmp_path):
    first, second, third = lgsr.read(lgsr_folder(tmp_path, ROWS))
    assert msgspec.json.decode(msgspec.json.encode(first.receipt)) == {
        "store": "STORE1",
        "lane": "",
        "business_date": "2006-07-03",
        "number": "130",
        "captured_at": "2006-07-03T08:10:00+01:00",
        "currency": "GBP",
        "card": "CUST1",
        "lines": [
            {"product": "PRD1", "quantity": 3, "amount_minor": 243, "category": "CL1"},
            {"product": "PRD2", "quantity": 1, "amount_minor": 115},
        ],
    }
    assert second.receipt.card is None
    assert second.receipt.lines[0].amount_minor == 0
    assert third.receipt.captured_at.isoformat() == "2006-12-04T22:20:00+00:00"
    assert [item.place[1:] for item in (first, second, third)] == [(1, 0, 0), (3, 0, 0), (4, 0, 0)]
    assert first.place.file == str(tmp_path / "lines.parquet")
    assert first.raw == b""


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_lgsr_basket_across_batches_and_row_groups_is_one_receipt(tmp_path, monkeypatch, batch):
    folder = lgsr_folder(tmp_path, ROWS, row_group_size=1 if batch == 1 else 3)
    whole = list(lgsr.read(folder))
    monkeypatch.setattr(parquet, "_BATCH_ROWS", batch)
    told = []
    assert list(lgsr.read(folder, progress=told.append)) == whole
    assert len(whole) == 3
    assert sum(told) == lgsr.total(folder) == 4


def test_lgsr_plain_strings_and_wide_integers_read_the_same(tmp_path):
    types = {name: pa.string() if name.endswith("CODE") else kind for name, kind in LGSR.items()}
    types |= {"SHOP_HOUR": pa.int64(), "QUANTITY": pa.int64()}
    expected = list(lgsr.read(lgsr_folder(tmp_path, ROWS)))
    assert list(lgsr.read(lgsr_folder(tmp_path, ROWS, types))) == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"QUANTITY": 0}, "lines[1].quantity"),
        ({"QUANTITY": -1}, "lines[1].quantity"),
        ({"QUANTITY": None}, "lines[1].quantity"),
        ({"QUANTITY": 2_000_000_000}, "lines[1].quantity"),
        ({"SPEND": -0.5}, "lines[1].amount_minor"),
        ({"SPEND": None}, "lines[1].amount_minor"),
        ({"SPEND": float("nan")}, "lines[1].amount_minor"),
        ({"SPEND": float("inf")}, "lines[1].amount_minor"),
        ({"SPEND": 1e300}, "lines[1].amount_minor"),
        ({"PROD_CODE": None}, "lines[1].product"),
        ({"PROD_CODE": ""}, "lines[1].product"),
    ],
)
def test_lgsr_basket_with_a_wrong_line_is_bad_and_the_next_is_read(tmp_path, changes, field):
    rows = [ROWS[0], changed(**changes), *ROWS[2:]]
    bad, *rest = lgsr.read(lgsr_folder(tmp_path, rows))
    assert (bad.field, bad.place.line) == (field, 1)
    assert [type(item) for item in rest] == [Good, Good]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"SHOP_HOUR": 24}, "captured_at"),
        ({"SHOP_HOUR": None}, "captured_at"),
        ({"SHOP_DATE": None}, "business_date"),
        ({"BASKET_ID": None}, "number"),
        ({"STORE_CODE": None}, "store"),
        ({"STORE_CODE": "S" * 65}, "store"),
        ({"CUST_CODE": "C" * 65}, "card"),
    ],
)
def test_lgsr_basket_with_a_wrong_head_is_bad(tmp_path, changes, field):
    [bad] = lgsr.read(lgsr_folder(tmp_path, [changed(**changes)]))
    assert isinstance(bad, Bad)
    assert bad.field == field


def test_lgsr_missing_card_is_anonymous(tmp_path):
    [good] = lgsr.read(lgsr_folder(tmp_path, [changed(CUST_CODE=None)]))
    assert good.receipt.card is None


def test_bad_basket_can_be_corrected_in_the_reject_file(tmp_path):
    [bad] = lgsr.read(lgsr_folder(tmp_path, [changed(QUANTITY=0)]))
    path = tmp_path / "rejects.ndjson"
    with Rejects(path) as out:
        out.write(bad)
    path.write_bytes(path.read_bytes().replace(b'"quantity":0', b'"quantity":3'))
    [good] = ndjson.read(path)
    [expected] = lgsr.read(lgsr_folder(tmp_path, ROWS[:1]))
    assert (good.place, good.receipt) == (expected.place, expected.receipt)


def test_lgsr_lines_that_are_alike_are_one_object_and_memory_stays_bounded(tmp_path, monkeypatch):
    rows = [changed(BASKET_ID=i, SPEND=i % 7 / 100) for i in range(50)]
    monkeypatch.setattr(lgsr, "_LINES_KEPT", 3)
    amounts = [
        item.receipt.lines[0].amount_minor for item in lgsr.read(lgsr_folder(tmp_path, rows))
    ]
    assert amounts == [i % 7 for i in range(50)]
    monkeypatch.undo()
    one, other = lgsr.read(lgsr_folder(tmp_path, [ROWS[0], changed(BASKET_ID=5)]))
    assert one.receipt.lines[0] is other.receipt.lines[0]


def test_empty_table_yields_nothing(tmp_path):
    assert list(lgsr.read(lgsr_folder(tmp_path, []))) == []


def test_file_that_is_no_parquet_is_refused(tmp_path):
    lgsr_folder(tmp_path, ROWS)
    (tmp_path / "lines.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputInvalid, match=r"lines\.parquet"):
        list(lgsr.read(tmp_path))


def test_file_damaged_in_the_middle_is_refused(tmp_path):
    path = lgsr_folder(tmp_path, ROWS, compression="none") / "lines.parquet"
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(data)
    with pytest.raises(InputInvalid, match=r"lines\.parquet"):
        list(lgsr.read(tmp_path))


def test_missing_column_is_named(tmp_path):
    lgsr_folder(tmp_path, ROWS)
    pq.write_table(pa.table({"BASKET_ID": [1]}), tmp_path / "lines.parquet")
    with pytest.raises(InputInvalid, match="SHOP_DATE"):
        list(lgsr.read(tmp_path))


def test_column_of_another_type_is_refused(tmp_path):
    lgsr_folder(tmp_path, ROWS)
    table = pq.read_table(tmp_path / "lines.parquet")
    table = table.set_column(6, "QUANTITY", pa.array(["many"] * 4))
    pq.write_table(table, tmp_path / "lines.parquet")
    with pytest.raises(InputInvalid, match="int64"):
        list(lgsr.read(tmp_path))


STAMP = dt.datetime(2017, 7, 1, 19, 6, 53)  # noqa: DTZ001
CJ_ROW = {
    "household_id": "900",
    "store_id": "309",
    "basket_id": "31",
    "product_id": "94",
    "quantity": 1.0,
    "sales_value": 3.86,
    "retail_disc": 0.43,
    "coupon_disc": 0.29,
    "coupon_match_disc": 0.01,
    "week": 5,
    "transaction_timestamp": STAMP,
}


def journey_folder(tmp_path, *rows):
    whole = [{**CJ_ROW, **row} for row in rows]
    table = pa.table({name: [row[name] for row in whole] for name in CJ_ROW})
    pq.write_table(table, tmp_path / completejourney.FILES[0])
    products = {"product_id": ["94", "95"], "product_category": ["SOUP", None]}
    pq.write_table(pa.table(products), tmp_path / "products.parquet")
    return tmp_path


def test_journey_baskets_are_put_together_and_ordered_by_time(tmp_path):
    early = STAMP.replace(month=1)
    folder = journey_folder(
        tmp_path,
        {},
        {"basket_id": "30", "transaction_timestamp": early, "product_id": "96"},
        {"product_id": "95", "quantity": 4.0},
        {"basket_id": "29"},
    )
    told = []
    first, second, third = completejourney.read(folder, progress=told.append)
    assert [item.receipt.number for item in (first, second, third)] == ["30", "29", "31"]
    assert first.receipt.captured_at.isoformat() == "2017-01-01T19:06:53-05:00"
    assert msgspec.json.decode(msgspec.json.encode(third.receipt)) == {
        "store": "309",
        "lane": "",
        "business_date": "2017-07-01",
        "number": "31",
        "captured_at": "2017-07-01T19:06:53-04:00",
        "currency": "USD",
        "card": "900",
        "lines": [
            {
                "product": "94",
                "quantity": 1,
                "amount_minor": 386,
                "discount_minor": 73,
                "category": "SOUP",
            },
            {"product": "95", "quantity": 4, "amount_minor": 386, "discount_minor": 73},
        ],
    }
    assert third.place[1:] == (1, 0, 0)
    assert second.place.line == 4
    assert sum(told) == completejourney.total(folder) == 4


def test_journey_places_are_rows_of_the_file_in_any_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 2)
    folder = journey_folder(tmp_path, *({"basket_id": number} for number in "31121"))
    found = [(item.receipt.number, item.place.line) for item in completejourney.read(folder)]
    assert found == [("1", 2), ("2", 4), ("3", 1)]


def test_journey_order_holds_across_a_clock_change(tmp_path):
    gap = dt.datetime(2017, 3, 12, 2, 30)  # noqa: DTZ001
    rows = (
        {"transaction_timestamp": gap},
        {"basket_id": "9", "transaction_timestamp": gap.replace(hour=3, minute=0)},
    )
    found = list(completejourney.read(journey_folder(tmp_path, *rows)))
    assert [item.receipt.number for item in found] == ["9", "31"]


def test_journey_line_without_a_quantity_is_one(tmp_path):
    [good] = completejourney.read(journey_folder(tmp_path, {"quantity": 0.0}))
    assert good.receipt.lines[0].quantity == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": 1.5}, "lines[0].quantity"),
        ({"quantity": None}, "lines[0].quantity"),
        ({"quantity": float("nan")}, "lines[0].quantity"),
        ({"quantity": float("inf")}, "lines[0].quantity"),
        ({"coupon_disc": None}, "lines[0].discount_minor"),
        ({"sales_value": -1.0}, "lines[0].amount_minor"),
        ({"transaction_timestamp": None}, "business_date"),
        ({"basket_id": None}, "number"),
        ({"store_id": ""}, "store"),
    ],
)
def test_journey_basket_that_cannot_be_a_receipt_is_bad(tmp_path, changes, field):
    bad, good = sorted(
        completejourney.read(journey_folder(tmp_path, changes, {"basket_id": "99"})),
        key=lambda item: isinstance(item, Good),
    )
    assert isinstance(bad, Bad)
    assert bad.field == field
    assert isinstance(good, Good)


def test_format_is_told_by_the_files_of_a_folder(tmp_path):
    for name, folder in (("lgsr", lgsr_folder), ("completejourney", journey_folder)):
        (tmp_path / name).mkdir()
        folder(tmp_path / name, *([ROWS] if name == "lgsr" else [{}]))
        assert detect(tmp_path / name) == name
        assert all(isinstance(item, Good) for item in FORMATS[name].read(tmp_path / name))


def test_unknown_folder_is_refused_with_the_files_that_are_known(tmp_path):
    with pytest.raises(InputInvalid, match=r"lines\.parquet"):
        detect(tmp_path)


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_pyarrow_is_not_imported_before_a_table_is_read():
    assert run("import sys, adapters.retail; assert 'pyarrow' not in sys.modules").returncode == 0


def test_missing_pyarrow_names_the_extra():
    hidden = "import sys; sys.modules['pyarrow'] = sys.modules['pyarrow.parquet'] = None; "
    code = "from pathlib import Path; from adapters.retail import lgsr; lgsr.total(Path('x'))"
    result = run(hidden + code)
    assert "ImportError: reading and writing Parquet needs pyarrow" in result.stderr


def test_real_lgsr_keeps_every_basket_and_the_sum_to_the_penny():
    folder = real("lgsr")
    count = anonymous = total_minor = lines = 0
    for item in lgsr.read(folder):
        assert isinstance(item, Good)
        count += 1
        anonymous += item.receipt.card is None
        lines += len(item.receipt.lines)
        total_minor += sum(line.amount_minor for line in item.receipt.lines)
    assert (count, anonymous, lines) == (473_028, 97_047, 3_034_288)
    spend = pq.read_table(folder / "lines.parquet", columns=["SPEND"])["SPEND"]
    assert total_minor == sum(round(one.as_py() * 100) for one in spend)


def test_real_journey_keeps_every_line_and_the_sum_to_the_cent():
    folder = real("completejourney")
    found = list(completejourney.read(folder))
    assert all(isinstance(item, Good) for item in found)
    assert len(found) == 56_625
    moments = [(item.receipt.captured_at, item.receipt.number) for item in found]
    assert moments == sorted(moments)
    lines = [line for item in found for line in item.receipt.lines]
    table = pq.read_table(folder / completejourney.FILES[0])
    assert len(lines) == completejourney.total(folder) == table.num_rows
    for name, total_minor in (
        (["sales_value"], sum(line.amount_minor for line in lines)),
        (["retail_disc", "coupon_disc", "coupon_match_disc"], sum(x.discount_minor for x in lines)),
    ):
        values = (one for column in name for one in table[column].to_pylist())
        assert total_minor == sum(round(one * 100) for one in values)
    assert pc.sum(pc.equal(table["quantity"], 0)).as_py() == 577
