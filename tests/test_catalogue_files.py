"""A catalogue from files: CSV, Parquet, corrected rejects, folders of retail data."""

import datetime as dt
import json
import os
import subprocess
import sys

import pytest
from shop import line, receipt
from test_docs import fences
from test_retail import real
from till import ROOT, write

from adapters import products
from adapters.products.feeding import BATCH, feed
from adapters.products.files import format_of
from adapters.products.rows import Listed
from adapters.records import Bad
from adapters.rejects import Rejects
from adapters.retail import completejourney, lgsr
from ledger.errors import Busy, InputInvalid
from ledger.types import Level, Price, Product, Promotion

pa = pytest.importorskip("pyarrow", reason="pyarrow (the `data` extra) is not installed")
pq = pytest.importorskip("pyarrow.parquet")

PRODUCTS = """code,name,level1,level1_name,level2,brand,maker,brand_kind
4006381333931,"Pen, blue",pens,Pens,office,Stabilo,Schwan,national
17,Rice,,,dry,,,own
"""
PRICES = """product,from,until,price_minor,store
4006381333931,2026-06-01,,199,
4006381333931,2026-06-05,2026-06-06,149,s1
"""
PROMOTIONS = """product,promotion,name,from,until,price_minor,withdrawn
17,may,May days,2026-05-01,2026-05-31,,
17,june,,2026-06-01,,99,false
"""
PEN = Product(
    "4006381333931", "Pen, blue", (Level("pens", "Pens"), Level("office")), "Stabilo", "Schwan",
    "national",
)  # fmt: skip
RICE = Product("17", "Rice", (Level(""), Level("dry")), brand_kind="own")
TOLD = {
    "products": (PRODUCTS, [PEN, RICE]),
    "prices": (
        PRICES,
        [
            Price(PEN.code, dt.date(2026, 6, 1), 199),
            Price(PEN.code, dt.date(2026, 6, 5), 149, dt.date(2026, 6, 6), "s1"),
        ],
    ),
    "promotions": (
        PROMOTIONS,
        [
            Promotion("17", "may", dt.date(2026, 5, 1), dt.date(2026, 5, 31), name="May days"),
            Promotion("17", "june", dt.date(2026, 6, 1), price_minor=99),
        ],
    ),
}


def file_of(tmp_path, text, name="f.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def listings(path, kind=None):
    found = list(products.read(path, kind))
    assert all(isinstance(one, Listed) for one in found), found
    return [one.listing for one in found]


def parquet_of(tmp_path, **columns):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table(columns), path)
    return path


# --- reading ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text, lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n").replace("\n", "\n\n"), lambda text: text.replace(",", " , "),
    ],
    ids=["as it is", "from Windows", "blank lines", "blanks"],
)  # fmt: skip
def test_a_csv_file_is_read_by_its_header(tmp_path, kind, change):
    text, told = TOLD[kind]
    if "Pen," in text and " , " in change(","):
        text = text.replace('"Pen, blue"', "Pen")
        told = [Product(PEN.code, "Pen", *[getattr(PEN, n) for n in (
            "levels", "brand", "maker", "brand_kind")]), RICE]  # fmt: skip
    assert listings(file_of(tmp_path, change(text))) == told
    assert listings(file_of(tmp_path, change(text)), kind) == told


@pytest.mark.parametrize("mark", [";", "\t"])
def test_semicolons_and_tabs_part_columns_too(tmp_path, mark):
    text = PRICES.replace(",", mark)
    assert listings(file_of(tmp_path, text)) == TOLD["prices"][1]


@pytest.mark.parametrize("kind", TOLD)
def test_a_parquet_file_is_read_by_column(tmp_path, kind):
    text, told = TOLD[kind]
    names, *lines = [line_.split(",") for line_ in text.replace("Pen, blue", "Pen").splitlines()]
    columns = {}
    for i, name in enumerate(names):
        values = [cells[i].strip('"') or None for cells in lines]
        if name in {"from", "until"}:
            values = [value and dt.date.fromisoformat(value) for value in values]
        elif name == "price_minor":
            values = [value and int(value) for value in values]
        elif name == "withdrawn":
            values = [value and value == "true" for value in values]
        columns[name] = values
    found = list(products.read(parquet_of(tmp_path, **columns)))
    assert [one.place.line for one in found] == [1, 2]
    expected = [PEN.__class__(PEN.code, "Pen", PEN.levels, "Stabilo", "Schwan", "national"), RICE]
    assert [one.listing for one in found] == (expected if kind == "products" else told)


def test_a_code_that_parquet_keeps_as_a_number_is_a_text(tmp_path):
    path = parquet_of(tmp_path, code=[17, 4006381333931], level1=[1, None])
    assert listings(path) == [Product("17", levels=(Level("1"),)), Product("4006381333931")]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "header"), ("\n\n", "header"), ("\xff\n".encode("latin-1"), "header"),
        ('a"b",c\n', "kind"), ('"a\n', "header"), ("code,code\n", "header"),
        ("sku,name\n", "kind"), ("code,prize\n", "prize"), ("product,price_minor\n", "kind"),
        ("product,promotion\n", "kind"), ("product,from\n", "kind"),
        ("product,from,price_minor,promotion,colour\n", "colour"),
    ],
)  # fmt: skip
def test_a_header_that_names_no_known_columns_is_refused_as_a_whole(tmp_path, text, field):
    with pytest.raises(InputInvalid) as refusal:
        list(products.read(file_of(tmp_path, text)))
    assert refusal.value.field == field


def test_a_kind_that_is_asked_for_says_which_column_is_missing(tmp_path):
    for path in (file_of(tmp_path, PRODUCTS), parquet_of(tmp_path, code=["1"])):
        with pytest.raises(InputInvalid, match="no column `product`"):
            list(products.read(path, "prices"))


WRONG = [
    ("products", ",Peas,,,,,,", "code"),
    ("products", f"{'9' * 65},Peas,,,,,,", "code"),
    ("products", f"1,{'x' * 201},,,,,,", "name"),
    ("products", f"1,,{'x' * 65},,,,,", "level1"),
    ("products", f"1,,,{'x' * 201},,,,", "level1_name"),
    ("products", f"1,,,,{'x' * 65},,,", "level2"),
    ("products", "1,,,,,,,Private", "brand_kind"),
    ("products", "1,\0,,,,,,", "name"),
    ("products", "1,2", None),
    ("products", '1,"Peas,,,,,,', None),
    ("products", b"1,\xff,,,,,,", None),
    ("prices", ",2026-06-01,,199,", "product"),
    ("prices", "1,,,199,", "from"),
    ("prices", "1,2026-06-31,,199,", "from"),
    ("prices", "1,1.6.2026,,199,", "from"),
    ("prices", "1,2026-06-02,2026-06-01,199,", "until"),
    ("prices", "1,2026-06-01,,,", "price_minor"),
    ("prices", "1,2026-06-01,,1.99,", "price_minor"),
    ("prices", "1,2026-06-01,,-1,", "price_minor"),
    ("prices", f"1,2026-06-01,,{'9' * 40},", "price_minor"),
    ("prices", "1,2026-06-01,,EUR 1,", "price_minor"),
    ("promotions", "1,,,2026-06-01,,,", "promotion"),
    ("promotions", "1,may,,2026-06-01,,,maybe", "withdrawn"),
]


@pytest.mark.parametrize(("kind", "wrong", "field"), WRONG, ids=[str(w[1])[:25] for w in WRONG])
def test_a_wrong_line_is_named_with_its_field_and_spoils_no_other(tmp_path, kind, wrong, field):
    text, told = TOLD[kind]
    head, first, second = text.encode().splitlines()
    bad_line = wrong if isinstance(wrong, bytes) else wrong.encode()
    path = file_of(tmp_path, b"\n".join([head, first, b"", bad_line, second, b""]))
    good, bad, last = products.read(path)
    assert [good.listing, last.listing] == told
    assert isinstance(bad, Bad)
    assert (bad.place.line, bad.field) == (4, field)
    assert path.read_bytes()[bad.place.offset :][: bad.place.length] == bad_line
    assert bad.error


@pytest.mark.parametrize(
    ("column", "values", "field"),
    [
        ("price_minor", [199, None], "price_minor"),
        ("price_minor", [199.0, 1.5], "price_minor"),
        ("price_minor", [199.0, float("nan")], "price_minor"),
        ("from", [dt.date(2026, 6, 1), None], "from"),
        ("from", [dt.datetime(2026, 6, 1, tzinfo=dt.UTC)] * 2, "from"),
        ("product", ["1", None], "product"),
    ],
)
def test_a_wrong_row_of_parquet_is_named_with_its_column(tmp_path, column, values, field):
    columns = {"product": ["1", "2"], "from": ["2026-06-01"] * 2, "price_minor": [1, 2]}
    found = list(products.read(parquet_of(tmp_path, **{**columns, column: values})))
    assert isinstance(found[1], Bad)
    assert (found[1].place.line, found[1].field) == (2, field)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("from", pa.array([20_454, 10_000_000], pa.int32()).cast(pa.date32())),
        ("from", pa.array([0, 1], pa.int64()).cast(pa.timestamp("ns"))),
        ("product", pa.array([b"1", b"\xff"], pa.binary()).view(pa.string())),
    ],
    ids=["year 29348", "nanoseconds", "not UTF-8"],
)
def test_a_value_of_parquet_that_python_has_none_for_spoils_its_row_only(tmp_path, column, values):
    columns = {"product": ["1", "2"], "from": ["2026-06-01"] * 2, "price_minor": [1, 2]}
    found = list(products.read(parquet_of(tmp_path, **{**columns, column: values})))
    assert [one.place.line for one in found] == [1, 2]
    assert isinstance(found[1], Bad)
    assert found[1].field == column


def test_what_is_no_parquet_is_refused(tmp_path):
    with pytest.raises(InputInvalid):
        list(products.read(file_of(tmp_path, b"PAR1 and no more")))


def test_the_form_of_a_file_is_told_by_how_it_begins(tmp_path):
    assert format_of(file_of(tmp_path, PRICES)) == "csv"
    assert format_of(file_of(tmp_path, '{"code": "1"}\n')) == "ndjson"
    assert format_of(parquet_of(tmp_path, code=["1"])) == "parquet"
    assert format_of(tmp_path) == "folder"
    assert format_of(tmp_path / "pipe") == "csv"


FOUND = '{"rejected": {"file": "f", "line": 9, "offset": 3, "length": 2}, '


@pytest.mark.parametrize(
    ("text", "field", "number"),
    [
        ("[1]", None, 2), ("{", None, 2), ('{"code": ["a"]}', "code", 2),
        ('{"sku": "1"}', "kind", 2), ('{"code": "1", "x": 1}', "x", 2),
        ('{"rejected": 1}', "rejected", 2), (FOUND + '"row": {"code": ""}}', "code", 9),
        (FOUND + '"row": {"sku": "1"}}', "kind", 9), (FOUND + '"base64": "!"}', None, 2),
        (FOUND + '"text": "1,2"}', None, 9),
    ],
)  # fmt: skip
def test_a_wrong_object_is_named_by_where_it_was_first_found(tmp_path, text, field, number):
    lines = ['{"code": "1"}', text, '{"code": "2"}']
    good, bad, last = products.read(file_of(tmp_path, "\n".join(lines), "f.ndjson"))
    assert isinstance(bad, Bad)
    assert (bad.field, bad.place.line) == (field, number)
    assert [good.listing, last.listing] == [Product("1"), Product("2")]


# --- feeding ---------------------------------------------------------------------------


def test_a_file_fed_again_records_nothing_and_a_changed_one_only_the_change(till, tmp_path):
    for kind, (text, _) in TOLD.items():
        path = file_of(tmp_path, text, f"{kind}.csv")
        first, again = till("catalogue", "import", path), till("catalogue", "import", path)
        assert (first["read"], first["recorded"], first["rejects"]) == (2, 2, None)
        assert (again["recorded"], again["repeated"], again["rejected"]) == (0, 2, 0)
    path.write_text(PROMOTIONS.replace("May days", "Days of May"))
    assert till("catalogue", "import", path, "--kind", "promotions")["recorded"] == 1
    assert "0 recorded, 2 as they were" in till("catalogue", "import", path, json_=False)
    assert {one["lag"] for one in till("status")["projections"]} == {0}, "the reports follow"
    assert till("verify")["clean"]


def test_what_is_wrong_goes_to_a_file_that_is_corrected_and_imported(till, tmp_path):
    path = file_of(tmp_path, PRICES + "1,2026-06-01,,1.99,\n1,2026-06-02\n2,2026-06-01,,5,\n")
    said = till("catalogue", "import", path, code=4)
    assert (said["read"], said["recorded"], said["rejected"]) == (5, 3, 2)
    assert said["reasons"] == {"not a row": 2}
    rejects = tmp_path / "f.csv.rejects.ndjson"
    assert said["rejects"] == str(rejects)
    first, second = [json.loads(one) for one in rejects.read_text().splitlines()]
    assert (first["rejected"]["line"], first["rejected"]["field"]) == (4, "price_minor")
    assert first["row"]["price_minor"] == "1.99"
    assert (second["rejected"]["line"], second["text"]) == (5, "1,2026-06-02")
    mended = file_of(
        tmp_path, rejects.read_text().replace('"1.99"', "199"), "mended.ndjson"
    )  # fmt: skip
    again = till("catalogue", "import", mended, code=4)
    assert (again["recorded"], again["rejected"]) == (1, 1)
    (left,) = [json.loads(one) for one in (tmp_path / "mended.ndjson.rejects.ndjson").open()]
    assert left == second, "nobody put a row beside the text yet"
    assert till("catalogue", "show", "1", "--on", "2026-06-01")["price"]["price_minor"] == 199


def test_what_the_ledger_refuses_is_a_reject_too(till, tmp_path):
    path = file_of(tmp_path, PROMOTIONS.replace("false", "true"))
    said = till("catalogue", "import", path, "--rejects", tmp_path / "r", code=4)
    assert said["reasons"] == {"input-invalid": 1}
    (told,) = [json.loads(one) for one in (tmp_path / "r").open()]
    assert (told["rejected"]["line"], told["rejected"]["field"]) == (3, "from")
    assert told["row"]["promotion"] == "june"
    path.write_text(PROMOTIONS.replace("false", "true") + "17\n17,july,,2026-07-01,,,true\n")
    till("catalogue", "import", path, "--rejects", tmp_path / "r2", code=4)
    lines = [json.loads(one)["rejected"]["line"] for one in (tmp_path / "r2").open()]
    assert lines == [3, 4, 5], "in the order of the file, whoever refused them"


def test_a_source_that_is_none_is_refused(till, tmp_path):
    assert till("catalogue", "import", tmp_path / "none", code=1)["field"] == "source"
    assert till("catalogue", "import", code=1)["field"] == "subject"
    assert till("catalogue", "show", code=1)["field"] == "subject"
    path = file_of(tmp_path, PRICES)
    told = till("catalogue", "import", path, "--rejects", path, code=1)
    assert told["field"] == "rejects"
    assert till("catalogue", "import", tmp_path, code=1)["error"] == "input-invalid"


def test_many_batches_keep_the_order_of_the_file(ledger, tmp_path):
    count = BATCH * 4 + 7
    text = "product,from,price_minor\n" + "".join(
        f"p{n % 5},2026-06-01,{'x' if n % BATCH == 3 else n}\n" for n in range(count)
    )
    with Rejects(tmp_path / "r", "row") as rejects:
        tally = feed(ledger, products.read(file_of(tmp_path, text)), rejects)
    assert (tally.read, tally.recorded, tally.rejected) == (count, count - 5, 5)
    lines = [json.loads(one)["rejected"]["line"] for one in (tmp_path / "r").open()]
    assert lines == [BATCH * n + 5 for n in range(5)]
    last = next(n for n in reversed(range(count)) if n % 5 == 1 and n % BATCH != 3)
    assert ledger.product("p1", day=30_000).price.price_minor == last, "the later line counts"


def test_an_import_that_was_stopped_is_simply_fed_again(ledger, tmp_path, monkeypatch):
    text = "code,name\n" + "".join(f"p{n},N{n}\n" for n in range(BATCH * 3))
    path = file_of(tmp_path, text)
    later, calls = ledger.list_later, []

    def stopped(listings):
        calls.append(1)
        if len(calls) == 3:
            raise Busy
        return later(listings)

    monkeypatch.setattr(ledger, "list_later", stopped)
    with Rejects(tmp_path / "r", "row") as rejects, pytest.raises(Busy):
        feed(ledger, products.read(path), rejects)
    monkeypatch.undo()
    with Rejects(tmp_path / "r", "row") as rejects:
        tally = feed(ledger, products.read(path), rejects)
    assert (tally.recorded, tally.repeated) == (BATCH, BATCH * 2)


# --- showing ---------------------------------------------------------------------------


def test_a_product_is_shown_for_a_store_and_a_day(till, tmp_path):
    for kind, (text, _) in TOLD.items():
        till("catalogue", "import", file_of(tmp_path, text, f"{kind}.csv"))
    view = till("catalogue", "show", PEN.code, "--store", "s1", "--on", "2026-06-05")
    assert view == {
        "code": PEN.code, "known": True, "name": "Pen, blue", "brand": "Stabilo",
        "maker": "Schwan", "brand_kind": "national",
        "levels": [{"code": "pens", "name": "Pens"}, {"code": "office", "name": ""}],
        "store": "s1", "on": "2026-06-05",
        "price": {"price_minor": 149, "from": "2026-06-05", "until": "2026-06-06"},
        "promotions": [], "sold_lines": 0, "first_sold_at": None, "last_sold_at": None,
    }  # fmt: skip
    elsewhere = till("catalogue", "show", PEN.code, "--on", "2026-06-05")
    assert elsewhere["price"] == {"price_minor": 199, "from": "2026-06-01", "until": None}
    assert till("catalogue", "show", PEN.code, "--on", "2026-06-05", "--upto", 1)["price"] is None
    rice = till("catalogue", "show", "17", "--on", "2026-06-05")
    assert [one["promotion"] for one in rice["promotions"]] == ["june"]
    assert rice["promotions"][0]["price_minor"] == 99
    words = till(
        "catalogue", "show", PEN.code, "--store", "s1", "--on", "2026-06-05", json_=False
    )  # fmt: skip
    assert "1.49 EUR, from 2026-06-05 until 2026-06-06 (in s1 on 2026-06-05)" in words
    assert "level 2    office" in words
    words = till("catalogue", "show", "17", "--on", "2026-05-05", json_=False)
    assert "none told (on 2026-05-05)" in words
    assert "may May days from 2026-05-01 until 2026-05-31" in words
    assert till("catalogue", "show", "none", code=1)["error"] == "product-unknown"


def test_unknown_products_are_listed_until_they_are_imported(till, tmp_path):
    assert till("catalogue", "unknown", json_=False) == "Nothing.\n"
    bought = [receipt(line(100, "17"), line(50, "u1"), line(20, "u1"), line(9, "u2"))]
    write(tmp_path / "r.ndjson", bought)
    till("ingest", tmp_path / "r.ndjson", "--history")
    till("catalogue", "import", file_of(tmp_path, PRODUCTS))
    found = till("catalogue", "unknown")["unknown"]
    assert found == [
        {"product": "u1", "lines": 2, "amount_minor": 70, "first_sold_at": "2026-01-01T00:00:00Z",
         "last_sold_at": "2026-01-01T00:00:00Z"},
        {"product": "u2", "lines": 1, "amount_minor": 9, "first_sold_at": "2026-01-01T00:00:00Z",
         "last_sold_at": "2026-01-01T00:00:00Z"},
    ]  # fmt: skip
    assert len(till("catalogue", "unknown", "--limit", 1)["unknown"]) == 1
    assert "u1           2  0.70 EUR  2026-01-01" in till("catalogue", "unknown", json_=False)
    words = till("catalogue", "show", "u2", json_=False)
    assert words.startswith("u2 is not in the catalogue.")
    assert "sold       1 lines, 2026-01-01 to 2026-01-01" in words
    assert till("catalogue", "show", "17")["sold_lines"] == 1
    till("catalogue", "import", file_of(tmp_path, "code\nu1\nu2\n"))
    assert till("catalogue", "unknown")["unknown"] == []


# --- retail data -----------------------------------------------------------------------


def journey_folder(tmp_path, **changes):
    columns = {
        "product_id": ["94", "95"], "manufacturer_id": ["2", "69"],
        "department": ["GROCERY", "PASTRY"], "brand": ["National", "Private"],
        "product_category": ["SOUP", None], "product_type": [None, None],
        "package_size": ["22 LB", None],
    }  # fmt: skip
    pq.write_table(pa.table(columns | changes), tmp_path / "products.parquet")
    pq.write_table(pa.table({"basket_id": ["1"]}), tmp_path / completejourney.FILES[0])
    return tmp_path


def lgsr_folder(tmp_path):
    columns = {"PROD_CODE": ["PRD1", "PRD2"]} | {
        f"PROD_CODE_{n}0": [f"G{n}", f"H{n}"] for n in range(1, 5)
    }
    pq.write_table(pa.table(columns), tmp_path / "products.parquet")
    pq.write_table(pa.table({"BASKET_ID": [1]}), tmp_path / lgsr.FILES[0])
    return tmp_path


def test_the_products_of_the_journey_have_type_category_department_maker_and_kind(tmp_path):
    told = []
    found = [one.listing for one in products.read(journey_folder(tmp_path), progress=told.append)]
    assert found == [
        Product("94", "", (Level(""), Level("SOUP"), Level("GROCERY")), "", "2", "national"),
        Product("95", "", (Level(""), Level(""), Level("PASTRY")), "", "69", "own"),
    ]
    assert sum(told) == products.total(tmp_path)[0] == 2


def test_a_product_of_the_journey_that_cannot_be_is_named_with_its_row(tmp_path):
    good, bad = products.read(journey_folder(tmp_path, brand=["National", "House"]))
    assert (bad.place.line, bad.field) == (2, "brand_kind")
    assert bad.place.file.endswith("products.parquet")
    assert isinstance(good, Listed)


def test_the_products_of_lgsr_have_four_groups(tmp_path):
    first, second = listings(lgsr_folder(tmp_path))
    assert first == Product("PRD1", "", tuple(Level(f"G{n}") for n in range(1, 5)))
    assert second.code == "PRD2"
    assert products.total(tmp_path) == (2, "rows")


@pytest.mark.parametrize("folder", [journey_folder, lgsr_folder])
def test_a_folder_of_retail_data_is_imported_once(till, tmp_path, folder):
    source = tmp_path / "data"
    source.mkdir()
    folder(source)
    assert till("catalogue", "import", source)["recorded"] == 2
    assert till("catalogue", "import", source)["repeated"] == 2
    assert till("catalogue", "import", source, "--kind", "prices", code=1)["field"] == "kind"


def test_every_real_product_of_the_journey_is_one():
    found = listings(real("completejourney"))
    assert len(found) == len({one.code for one in found}) == 92_331
    assert {one.brand_kind for one in found} == {"national", "own"}
    assert len({one.maker for one in found}) == 6_471


def test_every_real_product_of_lgsr_has_its_four_groups():
    found = listings(real("lgsr"))
    assert len(found) == 4_997
    groups = [{one.levels[n].code for one in found} for n in range(4)]
    assert [len(one) for one in groups] == [250, 90, 31, 9]


# --- the document ----------------------------------------------------------------------


def test_the_examples_of_the_document_run_as_shown(tmp_path):
    text = (ROOT / "docs" / "catalogue.md").read_text()
    names = ("products.csv", "prices.csv", "promotions.csv")
    for name, body in zip(names, fences(text, "csv"), strict=True):
        (tmp_path / name).write_text(body)
    shell = (
        f'loyalty() {{ "{sys.executable}" -m adapters.cli.main "$@" 2>/dev/null; }}\n'
        "loyalty init points_as_cash\n"
        "loyalty simulate --members 50 --weeks 26 --stores 2 --start 2026-05-18 --out chain.ndjson\n"
        "loyalty ingest chain.ndjson --history --enrol\necho BEGIN\n"
    )
    shown = ""
    for body in fences(text, "console"):
        if "sqlite3" not in body:  # need not be installed
            shell += "".join(f"{one[2:]}\n" for one in body.splitlines() if one[:2] == "$ ")
            shown += "".join(f"{one}\n" for one in body.splitlines() if one[:2] != "$ ")
    done = subprocess.run(
        ["bash", "-c", shell], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.partition("BEGIN\n")[2] == shown
