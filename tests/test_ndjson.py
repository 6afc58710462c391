"""The reader of canonical NDJSON."""

import json
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.pos.ndjson import lines, read
from adapters.records import Bad, Good

LINE = {"product": "p", "quantity": 1, "amount_minor": 5}
RECEIPT = {
    "store": "S1",
    "lane": "1",
    "business_date": "2025-01-06",
    "number": "7",
    "captured_at": "2025-01-06T10:00:00+01:00",
    "currency": "EUR",
    "lines": [LINE],
}
TEXT = json.dumps(RECEIPT).encode()


def receipt(**changes):
    return json.dumps({**RECEIPT, **changes}).encode()


def items(tmp_path, data, **options):
    path = tmp_path / "in.ndjson"
    path.write_bytes(data)
    return list(read(path, **options))


def only(tmp_path, data, **options):
    [item] = items(tmp_path, data, **options)
    return item


def test_each_line_is_a_receipt_with_its_place(tmp_path):
    data = TEXT + b"\n" + receipt(number="8") + b"\n"
    found = items(tmp_path, data)
    assert [type(item) for item in found] == [Good, Good]
    assert [item.receipt.number for item in found] == ["7", "8"]
    assert [item.place.line for item in found] == [1, 2]
    for item in found:
        place = item.place
        assert place.file == str(tmp_path / "in.ndjson")
        assert data[place.offset : place.offset + place.length] == item.raw


def test_empty_file_yields_nothing(tmp_path):
    assert items(tmp_path, b"") == []


def test_blank_lines_are_counted_and_not_yielded(tmp_path):
    item = only(tmp_path, b"\n  \t\r\n\n" + TEXT + b"\n\n")
    assert isinstance(item, Good)
    assert (item.place.line, item.place.offset) == (4, 7)


def test_crlf_and_byte_order_mark_are_tolerated(tmp_path):
    data = b"\xef\xbb\xbf" + TEXT + b"\r\n" + TEXT + b"\r\n"
    first, second = items(tmp_path, data)
    assert (first.place.offset, first.place.length) == (3, len(TEXT))
    assert (second.place.offset, second.raw) == (3 + len(TEXT) + 2, TEXT)


def test_last_line_without_newline_is_a_receipt_when_it_is_whole(tmp_path):
    assert isinstance(only(tmp_path, TEXT), Good)


@pytest.mark.parametrize("cut", [1, 20, len(TEXT) - 1])
def test_last_line_cut_off_is_a_truncated_line(tmp_path, cut):
    good, bad = items(tmp_path, TEXT + b"\n" + TEXT[:cut])
    assert isinstance(good, Good)
    assert (bad.error, bad.field, bad.raw) == ("truncated line", None, TEXT[:cut])


def test_cut_off_line_is_truncated_even_when_a_field_is_wrong_before_the_cut(tmp_path):
    assert only(tmp_path, b'{"stoer":"S1","lan').error == "truncated line"


def test_whole_last_line_with_a_wrong_field_names_the_field(tmp_path):
    assert only(tmp_path, receipt(store="")).field == "store"


@pytest.mark.parametrize(
    ("changes", "field", "error"),
    [
        ({"lines": [{**LINE, "quantity": "x"}]}, "lines[0].quantity", "Expected `int`, got `str`"),
        ({"lines": [LINE, {**LINE, "quantity": 0}]}, "lines[1].quantity", "`quantity` is zero"),
        ({"lines": [{**LINE, "quantity": -1}]}, "lines[0].quantity", "without `return_of`"),
        ({"lines": [{**LINE, "colour": 1}]}, "lines[0].colour", "unknown field"),
        ({"lines": [{"product": "p", "quantity": 1}]}, "lines[0].amount_minor", "missing"),
        ({"lines": []}, "lines", "length >= 1"),
        ({"colour": 1}, "colour", "unknown field"),
        ({"captured_at": "2025-01-06T10:00:00"}, "captured_at", "timezone"),
        ({"currency": "eur"}, "currency", "regex"),
        ({"lines": [{**LINE, "amount_minor": 1.5}]}, "lines[0].amount_minor", "`float`"),
    ],
)
def test_wrong_field_is_named_by_its_path(tmp_path, changes, field, error):
    bad = only(tmp_path, receipt(**changes) + b"\n")
    assert isinstance(bad, Bad)
    assert bad.field == field
    assert error in bad.error
    assert " at `$" not in bad.error


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"\xff\xfe\x00\x01", "not JSON: 'utf-8'"),
        (TEXT.replace(b"S1", b"\xff"), "not JSON: 'utf-8'"),
        (b"hello", "not JSON: "),
        (b'{"stoer":"S1"', "not JSON: "),
        (b"[]", "not a JSON object"),
        (b"5", "not a JSON object"),
        (b'{"x":' + b"[" * 100_000, "not JSON: maximum recursion"),
    ],
)
def test_noise_is_one_bad_item_without_a_field_and_the_next_line_is_read(tmp_path, raw, error):
    bad, good = items(tmp_path, raw + b"\n" + TEXT + b"\n")
    assert (bad.field, bad.raw) == (None, raw)
    assert bad.error.startswith(error)
    assert isinstance(good, Good)


def test_message_stays_short_when_a_name_is_long(tmp_path):
    bad = only(tmp_path, receipt(**{"x" * 100_000: 1}) + b"\n")
    assert len(bad.error) + len(bad.field) < 1_000


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("over", [0, 1, 2, 3, 70_000])
def test_limit_is_on_the_line_without_its_end(tmp_path, end, over):
    limit = len(TEXT)
    data = TEXT + b" " * over + end
    item = only(tmp_path, data, max_line_bytes=limit)
    assert isinstance(item, Bad if over else Good)
    assert item.place.length == limit + over
    if over:
        assert (item.raw, item.error) == (None, f"longer than {limit} bytes")


def test_line_after_an_oversized_one_is_read_at_its_place(tmp_path):
    data = b"x" * 100_000 + b"\r\n" + TEXT + b"\n"
    bad, good = items(tmp_path, data, max_line_bytes=1000)
    assert bad.place[1:] == (1, 0, 100_000)
    assert good.place[1:] == (2, 100_002, len(TEXT))


def test_line_of_200_megabytes_is_passed_over_in_little_memory(tmp_path):
    path = tmp_path / "huge.ndjson"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b"\n" + TEXT + b"\n")
    tracemalloc.start()
    try:
        bad, good = read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        path.unlink()
    assert (bad.raw, bad.place.length) == (None, 200_000_000)
    assert isinstance(good, Good)
    assert peak < 20_000_000


def test_progress_tells_every_byte_about_once_a_mebibyte(tmp_path):
    told = []
    data = b"\xef\xbb\xbf" + (TEXT + b"\n") * 15_000 + b"y" * 3_000_000
    items(tmp_path, data, progress=told.append)
    assert sum(told) == len(data)
    assert len(data) >> 21 <= len(told) <= (len(data) >> 20) + 1


def envelope(**content):
    found = {"file": "first.ndjson", "line": 9, "offset": 100, "length": 50}
    head = {"rejected": {**found, "field": "store", "error": "why"}}
    return json.dumps({**head, **content}).encode() + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        {"receipt": RECEIPT},
        {"text": TEXT.decode()},
        {"base64": __import__("base64").b64encode(TEXT).decode()},
        {"text": "cut o", "receipt": RECEIPT},
    ],
)
def test_corrected_envelope_is_a_receipt_at_its_first_place(tmp_path, content):
    good = only(tmp_path, envelope(**content))
    assert isinstance(good, Good)
    assert good.receipt.number == "7"
    assert good.place == ("first.ndjson", 9, 100, 50)


def test_order_of_an_envelopes_members_does_not_matter(tmp_path):
    data = json.dumps(dict(reversed(json.loads(envelope(receipt=RECEIPT)).items()))).encode()
    assert only(tmp_path, data).place.file == "first.ndjson"


def test_envelope_still_wrong_is_bad_at_its_first_place(tmp_path):
    bad = only(tmp_path, envelope(receipt={**RECEIPT, "store": ""}))
    assert bad.place == ("first.ndjson", 9, 100, 50)
    assert bad.field == "store"
    assert json.loads(bad.raw)["number"] == "7"


def test_envelope_without_content_is_bad_with_its_first_reason(tmp_path):
    bad = only(tmp_path, envelope())
    assert bad == (("first.ndjson", 9, 100, 50), "store", "why", None)


def test_envelope_without_content_or_reason_says_that(tmp_path):
    bad = only(tmp_path, b'{"rejected":{"file":"f","line":1,"offset":0,"length":0}}')
    assert bad.error == "an envelope without a receipt"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b'{"rejected":5,"receipt":{}}', "rejected"),
        (b'{"rejected":{"file":"f","line":"x","offset":0,"length":0}}', "rejected.line"),
        (envelope(base64="***"), "base64"),
        (envelope(text=5), "text"),
    ],
)
def test_broken_envelope_names_its_own_field(tmp_path, data, field):
    bad = only(tmp_path, data)
    assert (bad.field, bad.raw) == (field, data.strip())


def test_envelope_of_a_line_at_the_limit_is_read_although_it_is_longer(tmp_path):
    text = "\x01" * 1000
    data = json.dumps({"rejected": {"file": "f", "line": 1, "offset": 0, "length": 1}})
    data = data.replace(" ", "")[:-1] + ',"text":' + json.dumps(text) + "}"
    assert only(tmp_path, data.encode() + b"\n", max_line_bytes=1000).raw == text.encode()


def test_envelope_beyond_every_limit_is_oversized(tmp_path):
    bad, good = items(
        tmp_path, envelope(text="x" * 9000).replace(b" ", b"") + TEXT, max_line_bytes=1000
    )
    assert bad.raw is None
    assert isinstance(good, Good)


PIECES = [TEXT, TEXT[:40], b"\n", b"\r\n", b"\r", b"{", b"}", b"[", b'"', b"\xef\xbb\xbf", b"\x00"]
PIECES += [envelope(receipt=RECEIPT).strip(), envelope().strip(), b'{"rejected":', b" ", b"x" * 300]
NOISE = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


def expected_items(data, limit):
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return sum(bool(line.strip()) or len(line.removesuffix(b"\r")) > limit for line in lines)


@given(data=NOISE, limit=st.sampled_from([8, 300, 1 << 20]))
@example(data=b" " * 11 + b"\n", limit=8)
@example(data=b'{"rejected":' + b" " * 200, limit=8)
def test_any_bytes_yield_one_item_for_each_line_that_is_not_blank(tmp_path_factory, data, limit):
    path = tmp_path_factory.getbasetemp() / "noise.ndjson"
    path.write_bytes(data)
    told = []
    found = list(read(path, max_line_bytes=limit, progress=told.append))
    assert len(found) == expected_items(data, limit)
    assert sum(told) == len(data)


@pytest.mark.parametrize("limit", [1_000, 20])
def test_a_line_without_its_end_is_the_last_though_the_file_grows(tmp_path, limit):
    path = tmp_path / "growing"
    path.write_bytes(b'{"a": 1}\n{"b": "' + b"x" * 30)
    found = lines(path, max_line_bytes=limit)
    next(found), next(found)
    with path.open("ab") as file:
        file.write(b'x"}\n{"c": 3}\n')
    assert list(found) == []
