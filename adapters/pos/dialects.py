"""The tills' dialects by name, and how a file is told to be of one."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from adapters.pos.archive import BROKEN, look_at_end
from adapters.pos.terms import Reading
from adapters.records import Item
from ledger.errors import InputInvalid

_BEGIN_BYTES = 1 << 16
_CANONICAL = b'"business_date"'


class Reader(Protocol):
    """What a module of a dialect offers; it needs its libraries only once it reads."""

    def read(self, path: Path, reading: Reading) -> Iterator[Item]:
        """Yield one item for every receipt, and for everything that can be none."""
        ...


class Dialect(NamedTuple):
    """Where a dialect is read, and whether the beginning of a file is certainly of it."""

    module: str
    certain: Callable[[bytes, Path], bool]


def _has(*marks: bytes) -> Callable[[bytes, Path], bool]:
    """Documents of JSON that name one of these fields."""
    return lambda begin, _: begin[:1] in b"{[" and any(b'"%b"' % mark in begin for mark in marks)


def _is_export(begin: bytes, path: Path) -> bool:
    if not begin.startswith(b"PK"):
        return False
    look_at_end(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("transactions.csv") for name in archive.namelist())
    except BROKEN:
        return False


def _is_table(begin: bytes, _: Path) -> bool:
    first = begin.partition(b"\n")[0]
    return not first.startswith(b"{") and b"business_date" in first and b"captured_at" in first


DIALECTS: dict[str, Dialect] = {
    "poslog": Dialect("poslog", lambda begin, _: begin.startswith(b"<") and b"POSLog" in begin),
    "dsfinvk": Dialect("dsfinvk", _is_export),
    "odoo": Dialect("odoo", _has(b"pos_reference", b"statement_ids", b"pos_session_id")),
    "square": Dialect("square", _has(b"total_money", b"return_line_items", b"merchant_id")),
    "shopify": Dialect("shopify", _has(b"financial_status", b"refund_line_items")),
    "erpnext": Dialect("erpnext", _has(b"POS Invoice", b"posting_date")),
    "csv": Dialect("csv", _is_table),
}


def dialect(name: str) -> Reader:
    """The reader of a dialect, imported now."""
    return cast("Reader", importlib.import_module(f"adapters.pos.{DIALECTS[name].module}"))


def detect(path: Path, otherwise: str = "") -> str:
    """The dialect of a file, where it is certain; else what it is otherwise.

    Without that, canonical lines where it may be those.

    Raises:
        InputInvalid: it is none of them, or could be several.
    """
    if not path.is_file():  # what comes through a pipe cannot be looked at and read
        return "ndjson"
    with path.open("rb") as file:
        begin = file.read(_BEGIN_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b'{"rejected":') or (begin.startswith(b"{") and _CANONICAL in begin):
        return "ndjson"
    found = [name for name, one in DIALECTS.items() if one.certain(begin, path)]
    if len(found) == 1:
        return found[0]
    if otherwise:
        return otherwise
    if found or begin.startswith((b"<", b"PK", b"[")):
        several = f" It could be {' or '.join(found)}." if found else ""
        msg = f"Say by --format what `{path}` holds.{several}"
        raise InputInvalid(msg, field="format")
    return "ndjson"
