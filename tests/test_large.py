"""Bodies and files of a gigabyte: refused in bounded memory, and the server goes on answering."""

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import httpx
import pytest
from test_dsfinvk import COLUMNS as TABLES
from test_dsfinvk import Export
from test_serve import free_port, key_of, server, sold

from adapters.cli.main import main

ROOT = Path(__file__).parent.parent
MIB = 1 << 20
SIZE = int(os.environ.get("LOYALTY_LARGE_MIB", "128")) * MIB
"""Twice what may be taken, so that what is kept is noticed; with 1024 it is the gigabyte itself."""
MORE = 64 * MIB
"""So much more memory than before, or than for a small file, may be taken."""
CHUNK = b"\x00" * MIB


@pytest.fixture
def small(tmp_path, capsys):
    """A ledger in a file: what is refused here comes to no store."""
    db = str(tmp_path / "ledger.db")
    assert main(["init", "points_as_cash", "--db", db]) == 0
    return db


def peak(pid):
    """The most memory that a process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


# --- bodies ------------------------------------------------------------------------------------


def pour(port, head, piece, *, on=False):
    """Send a head and up to a gigabyte, `on` even after it was answered; what came back first."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it hung up
            line.sendall(head)
            for _ in range(SIZE // MIB):
                if not on and select.select([line], [], [], 0)[0]:
                    break
                line.sendall(piece)
        with contextlib.suppress(ConnectionResetError):
            return line.recv(1 << 16)
    return b""


PATHS = (
    ("/v1/receipts", "application/json", True),
    ("/v1/receipts/batch", "application/x-ndjson", True),
    ("/v1/webhooks/shop", "application/json", True),
    ("/v1/holds/x/release", "application/json", False),
    ("/v1/nothing", "application/json", False),
)
"""Of each kind of path one, its body's media type, and whether the body is read."""
FRAMED = b"%x\r\n%b\r\n" % (MIB, CHUNK)
WAYS = {
    "chunked": (b"transfer-encoding: chunked", FRAMED),
    "told": (b"content-length: %d" % SIZE, CHUNK),
    "told too little": (b"content-length: 10", CHUNK),
    "told twice": (b"content-length: 10\r\ntransfer-encoding: chunked", FRAMED),
}

REFUSED = {
    "chunked": b"HTTP/1.1 413 ",
    "told": b"HTTP/1.1 413 ",
    "told too little": b"HTTP/1.1 ",
    "told twice": b"HTTP/1.1 400 ",  # two lengths are how a call is smuggled past a proxy
}
"""Where a body is read; of one that is told too little its beginning is all of it."""


def test_a_gigabyte_at_any_path_is_refused_in_little_memory(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SHOP", "what the shop signs with")
    file = tmp_path / "webhooks.toml"
    file.write_text('[shop]\ndialect = "shopify"\nsecrets = ["env:SHOP"]\n')
    capsys.readouterr()
    key = key_of(small, capsys, "Till 1", "--role", "till", "--store", "s1")
    port = free_port()
    with server(small, port, "--webhooks", str(file)) as process:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as till:
            sale = sold("1")
            assert till.post("/v1/receipts", json=sale).status_code == 200
            before = peak(process.pid)
            for path, media, limited in PATHS:
                for way, (length, piece) in WAYS.items():
                    head = (
                        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
                        f"content-type: {media}\r\n"
                    ).encode()
                    on = (path, way) == ("/v1/receipts/batch", "chunked")
                    answer = pour(port, head + length + b"\r\n\r\n", piece, on=on)
                    told = REFUSED[way] if limited else b"HTTP/1.1 "
                    assert answer.startswith(told), (path, way, answer[:200])
                    assert till.post("/v1/receipts", json=sale).json()["repeat"]
            assert peak(process.pid) - before < MORE


# --- files ---------------------------------------------------------------------------------------

INGEST = """
import sys
from pathlib import Path
from adapters.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
status = Path("/proc/self/status").read_text()
print(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])
sys.exit(code)
"""


def ingested(db, file, *words):
    """Exit code, what was said, why it was rejected, and the most memory, of an import by itself."""
    done = subprocess.run(
        [sys.executable, "-c", INGEST, "ingest", "--json", "--db", db, str(file), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    said, memory = done.stdout.splitlines()
    rejects = file.with_name(f"{file.name}.rejects.ndjson")
    why = rejects.read_text() if rejects.exists() else ""
    return done.returncode, json.loads(said), why, int(memory) * 1024


def hollow(file, begin):
    """A file of a gigabyte that begins with something, and has NULs after it."""
    file.write_bytes(begin)
    os.truncate(file, SIZE)


def repeated(file, begin, piece):
    """A file of a gigabyte that begins with something and goes on with a piece, again and again."""
    with file.open("wb") as into:
        into.write(begin)
        for _ in range(SIZE // len(piece)):
            into.write(piece)


def long_text(file, begin):
    """A gigabyte of which so much is text that it is refused before the NULs that follow."""
    hollow(file, begin + b"A" * (32 * MIB))


HEAD = (
    b"store,business_date,number,captured_at,product,quantity,amount_minor,category,brand,tender\n"
)
ROW = b"s1,2026-11-27,1,2026-11-27T18:00:00Z,1,1,100,%b,%b,\n" % (b"a" * 100_000, b"b" * 100_000)
POSLOG = b'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/">'


def swollen(file):
    """An archive with a file of a gigabyte that shrank to a thousandth."""
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("transactions.csv", "w", force_zip64=True) as into,
    ):
        for _ in range(SIZE // MIB):
            into.write(CHUNK)


def one_row(file):
    """An archive with a file of a gigabyte that is one row."""
    file.write_bytes(Export().zip(**{"transactions.csv": None}))
    with (
        zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive,
        archive.open("transactions.csv", "w", force_zip64=True) as into,
    ):
        into.write(TABLES["transactions.csv"].encode() + b"\n")
        for _ in range(SIZE // MIB):
            into.write(b"A" * MIB)


def crowded(file):
    """An archive that is little but a directory of a million files, each of nothing."""
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0x21, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    size = 0
    with file.open("wb") as into:
        while size < min(SIZE, 64 * MIB):
            size += into.write((entry + b"a") * 10_000)
        into.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, size, 0, 0))


FILES = {
    "a line": ("ndjson", hollow, (b'{"store":"',), "longer than"),
    "a field": ("csv", hollow, (HEAD + b"s1,2026-11-27,1,",), "longer than"),
    "rows of one receipt": ("csv", repeated, (HEAD, ROW), "bytes of rows"),
    "a text": ("poslog", long_text, (POSLOG + b"<Transaction><RetailStoreID>",), "too long"),
    "an attribute": ("poslog", long_text, (POSLOG + b'<Transaction a="',), "longer than"),
    "elements": ("poslog", repeated, (POSLOG + b"<Transaction>", b"<a/>" * (MIB // 4)), "parts"),
    "elements of nobody": ("poslog", repeated, (POSLOG, b"<a/>" * (MIB // 4)), "parts"),
    "attributes": ("poslog", repeated, (POSLOG, b"<a b='' c='' d='' e=''/>" * 40_000), "parts"),
    "a document of Shopify": ("shopify", hollow, (b'{"orders":["',), "more than"),
    "a document of Square": ("square", hollow, (b'{"orders":["',), "more than"),
    "a document of ERPNext": ("erpnext", hollow, (b'{"data":["',), "more than"),
    "a document of Odoo": ("odoo", hollow, (b'["',), "more than"),
    "what swells": ("dsfinvk", swollen, (), "swells"),
    "a row": ("dsfinvk", one_row, (), "characters"),
    "a directory": ("dsfinvk", crowded, (), "directory"),
}


@cache
def usual(form):
    """The memory that an import of next to nothing takes."""
    with tempfile.TemporaryDirectory() as folder:
        db, tiny = f"{folder}/ledger.db", Path(folder) / "tiny"
        assert main(["init", "points_as_cash", "--db", db]) == 0
        tiny.write_bytes(b"{}")
        return ingested(db, tiny, "--format", form)[3]


@pytest.mark.parametrize("what", FILES)
def test_a_gigabyte_is_rejected_with_its_reason_in_little_memory(small, tmp_path, what):
    form, make, begin, said = FILES[what]
    file = tmp_path / "large"
    make(file, *begin)
    code, told, why, memory = ingested(small, file, "--format", form)
    file.unlink()
    if form == "dsfinvk":  # an archive is refused as a whole
        assert (code, told["error"]) == (1, "input-invalid")
        assert said in told["message"]
    else:
        assert (code, told["recorded"], told["rejected"]) == (4, 0, 1)
        assert said in why
    assert memory - usual(form) < MORE, (memory - usual(form)) // MIB


def test_an_archive_that_is_no_export_is_looked_at_in_little_memory(small, tmp_path):
    file = tmp_path / "large.zip"
    crowded(file)
    code, told, _, memory = ingested(small, file)
    assert (code, told["error"]) == (1, "input-invalid")
    assert memory - usual("dsfinvk") < MORE
