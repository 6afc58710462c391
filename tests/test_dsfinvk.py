"""DSFinV-K: the export of German tills into exactly the receipts it stands for."""

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tills import BERLIN, amount, holds, plain, read, receipts

from adapters.pos import dsfinvk
from adapters.pos.terms import Sold, SoldLine
from adapters.records import Bad, Good
from ledger.errors import InputInvalid

OF = "Z_KASSE_ID;Z_ERSTELLUNG;Z_NR;BON_ID"
CLOSED = "K1;2026-03-08T00:10:00;1.042"
FILES = {
    "location.csv": ("Z_KASSE_ID;Z_ERSTELLUNG;Z_NR;LOC_NAME", f"{CLOSED};S014"),
    "cashregister.csv": ("Z_KASSE_ID;Z_ERSTELLUNG;Z_NR;KASSE_BASISWAEH_CODE", f"{CLOSED};EUR"),
}
COLUMNS = {
    "transactions.csv": f"{OF};BON_NR;BON_TYP;BON_STORNO;BON_START;BON_ENDE;BEDIENER_ID;KUNDE_ID",
    "lines.csv": f"{OF};POS_ZEILE;GV_TYP;P_STORNO;ART_NR;GTIN;WARENGR;MENGE;EINHEIT",
    "lines_vat.csv": f"{OF};POS_ZEILE;UST_SCHLUESSEL;POS_BRUTTO",
    "itemamounts.csv": f"{OF};POS_ZEILE;TYP;PF_BRUTTO",
    "datapayment.csv": f"{OF};ZAHLART_TYP;ZAHLART_NAME;BASISWAEH_BETRAG",
    "references.csv": f"{OF};POS_ZEILE;REF_TYP;REF_DATUM;REF_Z_KASSE_ID;REF_Z_NR;REF_BON_ID",
}


class Export:
    """Rows of an export, receipt by receipt."""

    def __init__(self):
        self.rows = {name: [] for name in COLUMNS}

    def bon(self, bon, *lines, kind="Beleg", void="0", card="", paid=None, of="", line_of=""):
        head = f"{CLOSED};{bon}"
        self.rows["transactions.csv"].append(
            f"{head};7;{kind};{void};2026-03-07T17:41:00;2026-03-07T17:42:09;B4;{card}"
        )
        for number, (gv, code, quantity, euros, *more) in enumerate(lines, 1):
            unit, struck, off = (*more, *("Stück", "0", "")[len(more) :])
            gtin = code if code.isdigit() else ""
            self.rows["lines.csv"].append(
                f'{head};{number};{gv};{struck};"{code}";{gtin};Tins;{quantity};{unit}'
            )
            # Of two tax rates, so that a line has two rows.
            self.rows["lines_vat.csv"] += [
                f"{head};{number};1;{euros}",
                f"{head};{number};2;0,00000",
            ]
            if off:
                self.rows["itemamounts.csv"].append(f"{head};{number};discount;{off}")
        if paid:
            self.rows["datapayment.csv"].append(f"{head};Bar;Bar;{paid}")
        if of:
            self.rows["references.csv"].append(
                f"{head};{line_of};Transaktion;2026-03-08T00:10:00;K1;1.042;{of}"
            )
        return self

    def zip(self, compression=zipfile.ZIP_DEFLATED, folder="", **changes):
        files = {name: "\r\n".join(rows) + "\r\n" for name, rows in FILES.items()} | {
            name: "\r\n".join([COLUMNS[name], *rows]) for name, rows in self.rows.items()
        }
        into = io.BytesIO()
        with zipfile.ZipFile(into, "w", compression) as archive:
            for name, text in (files | changes).items():
                if text is not None:
                    archive.writestr(folder + name, text)
        return into.getvalue()


SOUP, BEANS = "4006381333931", "96385074"
SOLD = (
    ("Umsatz", SOUP, "3,000", "5,97000", "Stück", "0", "-0,50000"),
    ("Umsatz", "APPLES", "0,842", "2,01000", "kg"),
    ("Pfand", "BOTTLE", "6", "1,50000"),
    ("MehrzweckgutscheinKauf", "GIFT", "1", "25,00000"),
)
SALE = Export().bon("b1", *SOLD, card="2900000000018", paid="1.034,48")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "export.zip"


def test_a_receipt_of_all_its_files(file):
    (found,) = receipts(dsfinvk, file, SALE.zip())
    assert plain(found) == {
        "store": "S014", "lane": "K1", "business_date": "2026-03-08", "number": "1042-b1",
        "captured_at": "2026-03-07T17:42:09+01:00", "currency": "EUR", "card": "2900000000018",
        "cashier": "B4",
        "lines": [
            {"product": SOUP, "quantity": 3, "amount_minor": 597, "discount_minor": 50,
             "category": "Tins"},
            {"product": "APPLES", "quantity": 842, "unit": "gram", "amount_minor": 201,
             "category": "Tins"},
            {"product": "BOTTLE", "quantity": 6, "amount_minor": 150, "kind": "deposit",
             "category": "Tins"},
            {"product": "GIFT", "quantity": 1, "amount_minor": 2500, "kind": "gift_card",
             "category": "Tins"},
        ],
        "tenders": [{"kind": "Bar", "amount_minor": 103448}],
    }  # fmt: skip


def test_a_store_has_the_chains_name_and_a_file_without_one_that_of_the_terms(file):
    (found,) = receipts(dsfinvk, file, SALE.zip(), BERLIN._replace(stores={"S014": "14"}))
    assert found.store == "14"
    data = SALE.zip(**{"location.csv": None, "cashregister.csv": None})
    (found,) = receipts(dsfinvk, file, data, BERLIN._replace(store="S9"))
    assert (found.store, found.currency) == ("S9", "EUR")


def test_files_may_stand_in_a_folder_and_unpacked(file):
    assert receipts(dsfinvk, file, SALE.zip(zipfile.ZIP_STORED, folder="export/"))


def test_no_customer_is_an_anonymous_receipt(file):
    (found,) = receipts(dsfinvk, file, Export().bon("b1", *SOLD).zip())
    assert found.card is None


@pytest.mark.parametrize("line_of", ["", "1"], ids=["the receipt's", "the line's"])
def test_goods_that_come_back_name_the_line_they_were_bought_on(line_of, file):
    export = Export().bon("b1", *SOLD)
    export.bon("b2", ("Umsatz", SOUP, "-1", "-1,99000"), of="b1", line_of=line_of, paid="-1,99")
    _, back = receipts(dsfinvk, file, export.zip())
    (line,) = back.lines
    assert (line.quantity, line.amount_minor, line.return_of.line) == (-1, -199, 1)
    assert line.return_of.number == "1042-b1"
    assert back.tenders[0].amount_minor == -199


def test_goods_of_an_export_before_are_found_among_what_was_recorded(file):
    export = Export().bon("b2", ("Umsatz", SOUP, "-1", "-1,99000"), of="b0")
    asked = []

    def recorded(keys):
        (key,) = keys
        asked.append(str(key))
        return Sold(key, [SoldLine(5, SOUP, 1)])

    (back,) = receipts(dsfinvk, file, export.zip(), recorded=recorded)
    assert back.lines[0].return_of.line == 5
    assert asked == ["S014/K1/2026-03-08/1042-b0"]
    (back,) = receipts(dsfinvk, file, export.zip())
    assert back.lines[0].kind == "return"


def test_a_line_sold_twice_comes_back_once_each(file):
    export = Export().bon("b1", ("Umsatz", SOUP, "1", "1,99000"), ("Umsatz", SOUP, "1", "1,99000"))
    for bon in ("b2", "b3", "b4"):
        export.bon(bon, ("Umsatz", SOUP, "-1", "-1,99000"), of="b1")
    found = receipts(dsfinvk, file, export.zip())[1:]
    assert [one.lines[0].return_of and one.lines[0].return_of.line for one in found] == [1, 2, None]


def test_a_receipt_that_was_voided_afterwards_comes_back_whole(file):
    void = [(gv, code, f"-{q}", f"-{euros}", *more[:1]) for gv, code, q, euros, *more in SOLD]
    export = Export().bon("b1", *SOLD).bon("b2", *void, void="1", of="b1")
    sale, back = receipts(dsfinvk, file, export.zip())
    assert [line.return_of.line for line in back.lines] == [1, 2, 3, 4]
    assert amount(sale) + amount(back) == 0


def test_a_void_gives_a_discount_of_the_receipt_back_too(file):
    sold = [("Umsatz", SOUP, "1", "4,00000"), ("Rabatt", "", "1", "-1,00000")]
    void = [("Umsatz", SOUP, "-1", "-4,00000"), ("Rabatt", "", "-1", "1,00000")]
    export = Export().bon("b1", *sold).bon("b2", *void, void="1", of="b1")
    sale, back = receipts(dsfinvk, file, export.zip())
    assert (sale.lines[0].amount_minor, sale.lines[0].discount_minor) == (300, 100)
    assert amount(back) == -300


def test_a_line_that_was_struck_out_counts_for_nothing(file):
    export = Export().bon(
        "b1", ("Umsatz", SOUP, "3", "5,97000"), ("Umsatz", BEANS, "1", "1,50000"),
        ("Umsatz", BEANS, "-1", "-1,50000", "Stück", "1"),
        ("Umsatz", SOUP, "-1", "-1,99000", "Stück", "1"),
    )  # fmt: skip
    (found,) = receipts(dsfinvk, file, export.zip())
    assert [(line.quantity, line.amount_minor, line.voided) for line in found.lines] == [
        (2, 398, False), (1, 150, True),
    ]  # fmt: skip


def test_a_voucher_that_paid_is_a_tender(file):
    lines = [
        ("Umsatz", SOUP, "1", "5,00000"),
        ("MehrzweckgutscheinEinloesung", "", "1", "-5,00000"),
    ]
    (found,) = receipts(dsfinvk, file, Export().bon("b1", *lines).zip())
    assert [(one.kind, one.amount_minor) for one in found.tenders] == [("gift_card", 500)]
    assert amount(found) == 500


def test_what_is_no_receipt_is_left_out_and_counted(file):
    export = (
        Export()
        .bon("b1", *SOLD, kind="AVTraining")
        .bon("b2", *SOLD, kind="AVBestellung")
        .bon("b3", *SOLD, void="1")
        .bon("b4", ("PfandRueckzahlung", "BOTTLE", "-6", "-1,50000"))
        .bon("b5", ("Pfand", "BOTTLE", "-6", "-1,50000"), ("TrinkgeldAN", "", "1", "2,00000"))
    )
    items, reading = read(dsfinvk, file, export.zip())
    assert items == []
    assert reading.left_out == {
        "no receipts: AVTraining": 1, "no receipts: AVBestellung": 1, "voided": 1,
        "nothing sold": 2, "lines of PfandRueckzahlung": 1, "lines of kind deposit given back": 1,
        "lines of TrinkgeldAN": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (("Umsatz", SOUP, "half", "5,97000"), "MENGE"),
        (("Umsatz", SOUP, "1,5", "5,97000"), "MENGE"),
        (("Umsatz", SOUP, "1", "5.97"), "POS_BRUTTO"),
        (("Umsatz", SOUP, "-1", "-5,97000", "Stück", "1"), "P_STORNO"),
        (("Rabatt", "", "1", "-5,00000"), "GV_TYP Rabatt"),
        (("Umsatz", SOUP, "0", "5,97000"), "lines[0].quantity"),
    ],
)
def test_what_is_wrong_is_refused_with_its_column_and_the_rest_taken(line, field, file):
    export = Export().bon("b1", *SOLD).bon("b2", line).bon("b3", *SOLD)
    items, _ = read(dsfinvk, file, export.zip())
    assert [type(one) for one in items] == [Good, Bad, Good]
    assert items[1].field == field
    assert items[1].place[:2] == (f"{file}/transactions.csv", 3)


def bomb():
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("transactions.csv", "0" * 50_000_000)
    return into.getvalue()


def many():
    return SALE.zip(**{f"f{number}.csv": "x" for number in range(300)})


def lying():
    """An archive whose directory says that a file is small."""
    data = bytearray(bomb())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


def nameless():
    """An archive in whose directory the last name is a comment."""
    data = bytearray(SALE.zip(**{"q.csv": "x"}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 28], data[at + 32] = 0, 5
    return bytes(data)


HOSTILE = {
    "no archive": b"hello",
    "nothing": b"",
    "a bomb": bomb(),
    "a bomb that hides its size": lying(),
    "many files": many(),
    "a name that leads out": SALE.zip(folder="../../"),
    "an absolute name": SALE.zip(folder="/etc/"),
    "no name": nameless(),
    "two of a name": SALE.zip(**{"other/lines.csv": "x"}),
    "no lines": SALE.zip(**{"lines.csv": None}),
    "no column": SALE.zip(**{"lines.csv": "A;B\r\n"}),
    "a short row": SALE.zip(**{"lines.csv": COLUMNS["lines.csv"] + "\r\na;b\r\n"}),
    "a long cell": SALE.zip(**{"lines.csv": COLUMNS["lines.csv"] + '\r\n"' + "x" * 200_000}),
    "another encoding": SALE.zip(**{"lines.csv": COLUMNS["lines.csv"].encode("utf-16")}),
    "a NUL": SALE.zip(**{"lines.csv": "\0" * 100}),
    "cut off": SALE.zip()[:-30],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused_as_a_whole(what, file):
    with pytest.raises(InputInvalid) as refused:
        holds(dsfinvk, file, HOSTILE[what])
    assert len(str(refused.value)) < 600


WHOLE = SALE.zip(zipfile.ZIP_STORED)
CUTS = st.tuples(st.integers(0, len(WHOLE)), st.binary(max_size=4))


def spoiled(cuts):
    data = bytearray(WHOLE)
    for at, piece in cuts:
        data[at : at + len(piece)] = piece
    return bytes(data)


@settings(max_examples=300)
@given(data=st.binary(max_size=200) | st.lists(CUTS, min_size=1, max_size=4).map(spoiled))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "noise.zip"
    with suppress(InputInvalid):
        holds(dsfinvk, file, data)


ODD = ["", "-1", "1,5", "9" * 30, "0", ";", '"', "x" * 80, "\0", "Umsatz", "Rabatt", "1", "Beleg"]
CELLS = st.tuples(
    st.sampled_from(list(COLUMNS)), st.integers(0, 3), st.integers(0, 12), st.sampled_from(ODD)
)


@settings(max_examples=300)
@given(changes=st.lists(CELLS, min_size=1, max_size=3))
def test_any_cells_are_receipts_or_reasons(tmp_path_factory, changes):
    export = Export().bon("b1", *SOLD, paid="1,00", of="b0").bon("b2", *SOLD, void="1", of="b1")
    for name, row, cell, odd in changes:
        rows = export.rows[name]
        if row < len(rows):
            cells = rows[row].split(";")
            cells[cell % len(cells)] = odd
            rows[row] = ";".join(cells)
    file = tmp_path_factory.getbasetemp() / "noise.zip"
    with suppress(InputInvalid):
        holds(dsfinvk, file, export.zip())
