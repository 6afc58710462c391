"""The published schema and the documented examples are what the structs say."""

import re
from pathlib import Path

import msgspec
import pytest

from adapters.pos.ndjson import read
from adapters.records import Bad
from adapters.schema import schema
from ledger.types import Line, LineRef, Receipt, Tender

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "receipt.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_schema_file_is_what_the_structs_say():
    text = (DOCS / "receipt.schema.json").read_text()
    assert text == schema(), "run `python -m adapters.schema > docs/receipt.schema.json`"


def test_schema_names_itself_and_is_the_same_every_time():
    assert msgspec.json.decode(schema())["$id"] == "receipt.schema.json"
    assert schema() == schema()


@pytest.mark.parametrize("text", blocks("json"))
def test_example_decodes_and_its_tenders_pay_it_exactly(text):
    receipt = msgspec.json.decode(text, type=Receipt)
    paid = sum(tender.amount_minor for tender in receipt.tenders)
    assert paid == sum(line.amount_minor for line in receipt.lines)


def test_there_are_examples_of_a_sale_and_of_a_return():
    sale, back = (msgspec.json.decode(text, type=Receipt) for text in blocks("json"))
    assert back.lines[0].return_of.key == sale.key
    assert back.lines[0].product == sale.lines[back.lines[0].return_of.line - 1].product


def test_example_of_a_reject_is_read_as_its_page_says(tmp_path):
    [text] = blocks("ndjson")
    path = tmp_path / "rejects.ndjson"
    path.write_text(text)
    [bad] = read(path)
    assert isinstance(bad, Bad)
    assert bad.place.length == len(bad.raw)
    found = msgspec.json.decode(text)["rejected"]
    assert (bad.field, bad.error) == (found["field"], found["error"])
    path.write_text(text.replace('"quantity":0', '"quantity":1'))
    [good] = read(path)
    assert good.place == bad.place


@pytest.mark.parametrize("struct", [Receipt, Line, Tender, LineRef])
def test_every_field_is_documented(struct):
    for field in struct.__struct_fields__:
        assert f"`{field}`" in PAGE
