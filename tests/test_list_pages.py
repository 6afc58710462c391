"""Lists as files: what they say, what nobody can smuggle into them, and that bytes repeat."""

import csv
import html.parser
import itertools
import json
import re
from pathlib import Path

import pytest

from adapters.offers.barcode import MODULES, bars, modules
from adapters.offers.html import HEIGHT, svg
from adapters.offers.lists import COLUMNS, How, write
from adapters.offers.page import UNISSUED, WITH_OFFERS, WITHOUT, Words, page
from ledger import events as e
from ledger.errors import InputInvalid
from ledger.offers.plan import MadeList
from ledger.policies.offers import ean13

pytest.importorskip("numpy")

EVIL = """=HYPERLINK("//x")<script>alert('1')</script>&"'</style>"""
MEMBER = b"\x01" + bytes(14) + b"\x07"
FIRST = 20_454


def terms(code, kind, amount, reward="", bundle=()):
    return e.CampaignCreated(
        0, code, code, 0, 9, (), (), "f", kind, amount, "a", reward=reward, bundle=bundle
    )


CAMPAIGNS = {
    one.code: one
    for one in (
        terms("off", "off_minor", 50), terms("share", "off_bp", 1_250), terms("whole", "off_bp", 500),
        terms("price", "price_minor", 99), terms("points", "points", 7),
        terms("gift", "reward", 0, EVIL),
        terms("pair", "off_minor", 30, bundle=(e.BundlePart(("tea",), ("bread",)),)),
    )
}  # fmt: skip


def words(names=(), title="Corner"):
    return Words(title, "EUR", dict(names), CAMPAIGNS)


def listed(*products, offers=(), barcode="9912345678900", reason="due", **fields):
    lines = tuple(
        e.ListedLine(product, 400_000, 2, 500, 3, 9, FIRST - 9, 249, (), reason)
        for product in products
    )
    shopping = e.ShoppingList(FIRST - 1, "", 5, "due", 900, lines)
    given = tuple(e.ListedOffer(code, product, CAMPAIGNS[code].amount) for code, product in offers)
    return MadeList(MEMBER, FIRST, FIRST + 13, shopping, given, (), barcode)._replace(**fields)


def put(tmp_path, name, *lists, said=None, **how):
    path = tmp_path / name
    path.unlink(missing_ok=True)
    write(path, lists, said or words(), How(**how))
    return path.read_bytes()


# --- the barcode -----------------------------------------------------------------------

# The widths of bars and spaces of each digit, as the standard's table has them (set A, light first).
WIDTHS = {
    (3, 2, 1, 1): 0, (2, 2, 2, 1): 1, (2, 1, 2, 2): 2, (1, 4, 1, 1): 3, (1, 1, 3, 2): 4,
    (1, 2, 3, 1): 5, (1, 1, 1, 4): 6, (1, 3, 1, 2): 7, (1, 2, 1, 3): 8, (3, 1, 1, 2): 9,
}  # fmt: skip
FIRST_DIGIT = {
    "AAAAAA": 0, "AABABB": 1, "AABBAB": 2, "AABBBA": 3, "ABAABB": 4, "ABBAAB": 5, "ABBBAA": 6,
    "ABABAB": 7, "ABABBA": 8, "ABBABA": 9,
}  # fmt: skip


def scanned(bits):
    """A decoder by widths, as a scanner has it; it knows nothing of how the bars were made."""
    runs = [(bit, len([*group])) for bit, group in itertools.groupby(bits)]
    assert (runs[0][0], len(runs)) == ("1", 59)
    widths = [width for _, width in runs]
    assert widths[:3] == widths[-3:] == [1, 1, 1]
    assert widths[27:32] == [1] * 5
    digits, sets = [], ""
    for at in (*range(3, 27, 4), *range(32, 56, 4)):
        four = tuple(widths[at : at + 4])
        assert sum(four) == 7
        straight = four in WIDTHS
        digits.append(WIDTHS[four] if straight else WIDTHS[four[::-1]])
        sets += "A" if straight else "B"
    assert sets[6:] == "AAAAAA"  # set C has the widths of A, dark first
    code = [FIRST_DIGIT[sets[:6]], *digits]
    assert (sum(code[::2]) + 3 * sum(code[1::2])) % 10 == 0
    return "".join(map(str, code))


@pytest.mark.parametrize("number", [0, 1, 9_999_999_999, 1_234_567_890, 5_050_505_050])
def test_a_scanner_reads_the_barcode_back(number):
    code = ean13(number)
    bits = modules(code)
    assert len(bits) == MODULES == 95
    assert scanned(bits) == code
    for first in range(10):  # every set of the left half
        twelve = f"{first}{code[1:12]}"
        check = -sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(twelve)) % 10
        assert scanned(modules(f"{twelve}{check}")) == f"{twelve}{check}"


def test_the_example_of_the_standards_tables():
    # 4003994155486, worked by hand from the tables of the standard.
    left = "000110101001110111101000101100101110011101"
    right = "110011010011101001110101110010010001010000"
    assert modules("4003994155486") == f"101{left}01010{right}101"


def test_the_drawing_has_the_bars(tmp_path):
    drawn = svg("9912345678900")
    boxes = re.findall(rf"M(\d+) 0h(\d+)v{HEIGHT}h-(\d+)z", drawn)
    bits = ["0"] * (11 + MODULES)
    for begin, width, back in boxes:
        assert width == back
        for at in range(int(begin), int(begin) + int(width)):
            bits[at] = "1"
    assert set(bits[:11]) == {"0"}  # the quiet zone
    assert "".join(bits[11:]) == modules("9912345678900")
    assert [(int(b) - 11, int(w)) for b, w, _ in boxes] == [*bars("9912345678900")]
    assert 'viewBox="0 0 113 ' in drawn  # 11 + 95 + 7


# --- what a page says ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("off", "0.50 EUR off each"), ("share", "12.5 % off"), ("whole", "5 % off"),
        ("price", "for 0.99 EUR"), ("points", "7 points each"), ("gift", EVIL),
        ("pair", "0.30 EUR off each with Green tea or bread"),
    ],
)  # fmt: skip
def test_an_offer_in_words(code, text):
    one = listed("milk", offers=[(code, "milk")])
    assert page(one, words({"tea": "Green tea"})).rows[0][4] == text


@pytest.mark.parametrize(
    ("reason", "times", "text"),
    [("due", 9, "every 9 days"), ("due", 1, "every day"), ("new", 0, "new for you"),
     ("once", 0, "you had it once"), ("lost", 9, "missed for long")],
)  # fmt: skip
def test_a_reason_in_words(reason, times, text):
    line = e.ListedLine("milk", 1, 1, 500, 3, times, FIRST, 0, (), reason)
    one = listed(shopping=e.ShoppingList(FIRST - 1, "", 1, "due", 0, (line,)))
    assert page(one, words()).rows[0] == ("1", "milk", "1", "about 5.00 EUR", "", text)


def test_a_page_says_its_days_and_what_the_barcode_does():
    one = page(listed("milk", offers=[("off", "milk")]), words({"milk": "Milk"}))
    assert one.days == "2026-01-01 to 2026-01-14"
    assert one.hint == WITH_OFFERS
    assert one.rows == [("1", "Milk", "2", "2.49 EUR", "0.50 EUR off each", "every 9 days")]
    assert page(listed("milk"), words()).hint == WITHOUT
    assert page(listed("milk", barcode=""), words()).hint == UNISSUED


# --- HTML ------------------------------------------------------------------------------


class Read(html.parser.HTMLParser):
    """What a browser finds: tags, attributes, texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def test_html_has_each_list_on_its_page_and_needs_nothing_else(tmp_path):
    lists = [listed("milk", "tea"), listed("tea")]
    text = put(tmp_path, "a.html", *lists, paper="A4").decode()
    read = Read(text)
    assert read.tags.count("section") == read.tags.count("svg") == 2
    assert read.tags.count("tr") == 2 + 3
    assert "@page { size: A4;" in text
    assert "break-after: page" in text
    outside = re.sub(r"http://www\.w3\.org/2000/svg", "", text)
    assert not re.search(r"https?:|src=|href=|url\(|@import", outside)
    assert put(tmp_path, "a.html", listed("milk", barcode="")).count(b"<svg") == 0


def test_html_escapes_all_that_comes_from_elsewhere(tmp_path):
    one = listed(EVIL, "tea", offers=[("gift", "tea")])
    said = words({"tea": EVIL + "名前"}, title=EVIL)
    text = put(tmp_path, "a.html", one, said=said).decode()
    plain, read = Read(put(tmp_path, "b.html", listed("x", "y")).decode()), Read(text)
    assert read.tags == plain.tags
    assert read.attributes == plain.attributes
    assert "script" not in read.tags
    assert sum(t.startswith(EVIL) for t in read.texts) == 4  # title, code, name, reward
    assert "名前" in text
    assert "</style>" not in text.split("</head>")[1]


# --- CSV and JSON ----------------------------------------------------------------------


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_csv_has_no_cell_that_a_spreadsheet_runs(tmp_path, begin):
    code = f"{begin}cmd|' /C calc'!A0"
    one = listed(code, "tea", offers=[("gift", "tea")])
    put(tmp_path, "a.csv", one, said=words({"tea": code}))
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert [*rows[0]] == [*COLUMNS]
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert rows[0]["product"] == f"'{code}"
    assert rows[1]["name"] == f"'{code}"
    assert rows[1]["offers"] == f"gift: {EVIL}"
    assert (rows[0]["quantity"], rows[0]["place"], rows[0]["last_day"]) == ("2", "1", "2025-12-23")


def test_json_says_offers_beside_their_lines(tmp_path):
    one = listed("milk", "tea", offers=[("off", "tea"), ("points", "tea")])
    told = json.loads(put(tmp_path, "a.ndjson", one, said=words({"tea": "茶"})))
    assert told["lines"][0]["offers"] == []
    assert told["lines"][1]["name"] == "茶"
    assert told["lines"][1]["offers"] == [
        {"campaign": "off", "kind": "off_minor", "amount": 50, "text": "0.50 EUR off each"},
        {"campaign": "points", "kind": "points", "amount": 7, "text": "7 points each"},
    ]
    assert (told["barcode"], told["from"], told["until"]) == (
        "9912345678900", "2026-01-01", "2026-01-14",
    )  # fmt: skip


def test_a_file_has_its_name_when_it_is_whole_and_is_never_written_over(tmp_path):
    def broken():
        yield listed("milk")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.csv", broken(), words())
    assert not (tmp_path / "a.csv").exists()
    put(tmp_path, "a.csv", listed("milk"))
    with pytest.raises(InputInvalid, match="there already"):
        write(tmp_path / "a.csv", [], words())
    with pytest.raises(InputInvalid, match=r"\.html, \.pdf"):
        write(tmp_path / "a.xls", [], words())


# --- PDF -------------------------------------------------------------------------------


def pages(pdf):
    return len(re.findall(rb"/Type /Page\b", pdf))


def text_of(pdf):
    """The strings that are set, of the built-in font."""
    import base64
    import zlib

    found = b""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        found += zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>")))
    return found


@pytest.fixture
def reportlab():
    return Path(pytest.importorskip("reportlab").__file__).parent


def test_pdf_has_each_list_on_its_page_and_the_same_bytes_again(tmp_path, reportlab):
    lists = [listed("milk", "tea", offers=[("off", "tea")]), listed(*map(str, range(20))), listed()]
    first = put(tmp_path, "a.pdf", *lists)
    assert first.startswith(b"%PDF")
    assert pages(first) == 3
    assert put(tmp_path, "b.pdf", *lists) == first
    text = text_of(first)
    for said in (b"(Corner: your list)", b"(9912345678900)", b"(2026-01-01 to 2026-01-14)"):
        assert text.count(said) == 3
    assert text.count(b"(2.49 EUR)") == 22
    assert b"(0.50 EUR off each)" in text
    assert b"420.94" in first or b"419.5" in first  # A5, in points
    assert pages(put(tmp_path, "c.pdf", listed(*map(str, range(100))), paper="A4")) == 3


def test_pdf_draws_the_bars_that_a_scanner_reads(tmp_path, reportlab):
    text = text_of(put(tmp_path, "a.pdf", listed("milk"))).decode("latin-1")
    boxes = [tuple(map(float, box.split())) for box in re.findall(r"n ([\d. ]+) re f\*?", text)]
    left, module = boxes[0][0], 0.33 * 72 / 25.4
    found = [(round((x - left) / module), round(w / module)) for x, _, w, _ in boxes]
    assert found == [*bars("9912345678900")]


def test_pdf_takes_names_that_the_built_in_font_has_and_names_what_it_has_not(tmp_path, reportlab):
    put(tmp_path, "a.pdf", listed("milk"), said=words({"milk": "Käse – Brötchen à 2 €"}))
    with pytest.raises(InputInvalid) as refused:
        put(tmp_path, "b.pdf", listed("tea", "milk"), said=words({"milk": "牛乳"}))
    assert refused.value.field == "font"
    for said in ("`牛` (U+725B)", "line 2", MEMBER.hex()):
        assert said in str(refused.value)
    assert not (tmp_path / "b.pdf").exists()
    with pytest.raises(InputInvalid, match="the title"):
        put(tmp_path, "b.pdf", listed("tea"), said=words(title="Łódź"))
    with pytest.raises(InputInvalid, match=r"U\+0007"):
        put(tmp_path, "b.pdf", listed("bell\a"))


def test_pdf_sets_other_names_in_a_font_that_is_given(tmp_path, reportlab):
    font = reportlab / "fonts" / "Vera.ttf"
    said = words({"milk": "Łaciate mleko"}, title="Łukasz")
    first = put(tmp_path, "a.pdf", listed("milk"), said=said, font=font)
    assert put(tmp_path, "b.pdf", listed("milk"), said=said, font=font) == first
    assert b"Vera" in first
    with pytest.raises(InputInvalid, match=r"U\+725B"):
        put(tmp_path, "c.pdf", listed("milk"), said=words({"milk": "牛乳"}), font=font)
    for bad in (tmp_path / "none.ttf", Path(__file__)):
        with pytest.raises(InputInvalid, match="TrueType") as refused:
            put(tmp_path, "c.pdf", listed("milk"), font=bad)
        assert refused.value.field == "font"


@pytest.mark.parametrize("name", ["חלב", "حليب", "दूध"])
def test_pdf_refuses_what_it_would_set_wrongly_and_html_has_it(tmp_path, reportlab, name):
    said = words({"milk": name})
    with pytest.raises(InputInvalid, match="HTML"):
        put(tmp_path, "a.pdf", listed("milk"), said=said)
    assert name in put(tmp_path, "a.html", listed("milk"), said=said).decode()
