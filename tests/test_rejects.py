"""The reject file: what is refused can be corrected in place and fed again."""

import errno
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import rejects
from adapters.pos.ndjson import read
from adapters.records import Bad, Good, Place
from adapters.rejects import Rejects, refused

PLACE = Place("march.ndjson", 3, 120, 40)
OTHER = Place("table.parquet", 8, 0, 0)
RECEIPT = (
    b'{"store":"S1","lane":"","business_date":"2025-01-06","number":"7","captured_at":'
    b'"2025-01-06T10:00:00Z","currency":"EUR","lines":[{"product":"p","quantity":1,"amount_minor":5}]}'
)


def bad(raw, field=None, error="why"):
    return Bad(PLACE, field, error, raw)


def written(tmp_path, *bads):
    path = tmp_path / "rejects.ndjson"
    with Rejects(path) as out:
        for one in bads:
            out.write(one)
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_no_file_is_made_when_nothing_is_rejected(tmp_path):
    with Rejects(tmp_path / "rejects.ndjson") as out:
        assert out.count == 0
    assert list(tmp_path.iterdir()) == []


def test_envelope_says_where_and_why(tmp_path):
    [line] = written(tmp_path, bad(b"{}", "store", "missing"))
    assert line == {
        "rejected": {
            "file": "march.ndjson",
            "line": 3,
            "offset": 120,
            "length": 40,
            "field": "store",
            "error": "missing",
        },
        "receipt": {},
    }


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (b'{"a":1.10}', {"receipt": {"a": 1.10}}),
        (b'{"a":\r\n1}', {"receipt": {"a": 1}}),
        (b'{"a":', {"text": '{"a":'}),
        (b"[1]", {"text": "[1]"}),
        ("käse".encode(), {"text": "käse"}),
        (b"[" * 5000, {"text": "[" * 5000}),
        (b"\xff{}", {"base64": "/3t9"}),
        (b'{"a":"\xff"}', {"base64": "eyJhIjoi/yJ9"}),
        (None, {}),
    ],
)
def test_content_is_kept_as_readable_as_its_bytes_allow(tmp_path, raw, content):
    [line] = written(tmp_path, bad(raw))
    del line["rejected"]
    assert line == content


def test_object_is_kept_to_the_byte(tmp_path):
    raw = b'{"b" : 1.10, "a":1e2, "a":12345678901234567890123}'
    written(tmp_path, bad(raw))
    assert raw in (tmp_path / "rejects.ndjson").read_bytes()


def test_count_is_of_this_run_and_an_existing_file_is_added_to(tmp_path):
    path = tmp_path / "rejects.ndjson"
    written(tmp_path, bad(b"a"))
    with Rejects(path) as out:
        out.write(bad(b"b"))
        out.write(bad(b"c"))
    assert out.count == 2
    assert [json.loads(line)["text"] for line in path.open()] == ["a", "b", "c"]


def test_line_that_a_crash_left_half_written_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "rejects.ndjson"
    path.write_bytes(b'{"rejected":{"fi')
    with Rejects(path) as out:
        out.write(bad(b"b"))
    half, whole = path.read_bytes().splitlines()
    assert half == b'{"rejected":{"fi'
    assert json.loads(whole)["text"] == "b"


def test_failed_write_leaves_no_part_of_a_line(tmp_path, monkeypatch):
    path = tmp_path / "rejects.ndjson"
    real = os.write

    def full_disk(file, data):
        if len(data) > 20:
            return real(file, bytes(data[:20]))
        raise OSError(errno.ENOSPC, "full")

    with Rejects(path) as out:
        out.write(bad(b"a"))
        before = path.read_bytes()
        monkeypatch.setattr(rejects.os, "write", full_disk)
        with pytest.raises(OSError, match="full"):
            out.write(bad(b"b"))
    assert path.read_bytes() == before
    assert out.count == 1


def test_short_writes_still_make_whole_lines(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(rejects.os, "write", lambda file, data: real(file, bytes(data[:7])))
    assert [line["text"] for line in written(tmp_path, bad(b"a"), bad(b"b"))] == ["a", "b"]


def test_file_is_opened_once(tmp_path, monkeypatch):
    opened = []
    real = os.open
    monkeypatch.setattr(rejects.os, "open", lambda *args: opened.append(args) or real(*args))
    written(tmp_path, bad(b"a"), bad(b"b"))
    assert len(opened) == 1


def test_rejected_receipt_corrected_in_place_is_read_again(tmp_path):
    broken = RECEIPT.replace(b'"quantity":1', b'"quantity":0')
    source = tmp_path / "source.ndjson"
    source.write_bytes(RECEIPT + b"\n" + broken + b"\n")
    _, first = read(source)
    written(tmp_path, first)
    path = tmp_path / "rejects.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"quantity":0', b'"quantity":2'))
    [again] = read(path)
    assert isinstance(again, Good)
    assert again.receipt.lines[0].quantity == 2
    assert again.place == first.place


def test_refused_receipt_keeps_its_bytes_and_place(tmp_path):
    path = tmp_path / "in.ndjson"
    path.write_bytes(RECEIPT + b"\n")
    [good] = read(path)
    assert refused(good, "no card", "card") == (good.place, "card", "no card", RECEIPT)


def test_refused_receipt_of_a_table_is_written_as_canonical_json(tmp_path):
    path = tmp_path / "in.ndjson"
    path.write_bytes(RECEIPT + b"\n")
    [good] = read(path)
    written(tmp_path, refused(Good(OTHER, good.receipt, b""), "no card", None))
    [again] = read(tmp_path / "rejects.ndjson")
    assert again == Good(OTHER, good.receipt, RECEIPT)


@given(raw=st.none() | st.binary(min_size=1, max_size=100) | st.just(RECEIPT[:50]))
def test_what_is_rejected_comes_back_with_its_bytes_and_place(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("rejects") / "rejects.ndjson"
    with Rejects(path) as out:
        out.write(bad(raw))
    [again] = read(path)
    assert (again.place, again.raw) == (PLACE, raw)
    assert raw is not None or again.error == "why"
