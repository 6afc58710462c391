"""Streams the elements of one name out of XML that nobody vouches for.

No DOCTYPE, hence no entities; nothing is fetched; depth and size are bounded. lxml itself reads an
entity bomb as empty text, so the DOCTYPE is refused. Memory is that of one element.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from adapters.records import Progress

MOST_BYTES = 1 << 24
"""Of one element, and of what stands between two of them."""
MOST_PARTS = 300_000
"""Of them elements and attributes: what each takes in memory is a hundred bytes, however short it is."""
_REPORT_BYTES = 1 << 20
_TRUE = frozenset({"true", "1"})


class NotXml(ValueError):
    """What was read is not XML that is taken; what came before is."""


class _Bounded:
    """A file that refuses to be read far beyond the last whole element."""

    def __init__(self, file: BinaryIO, progress: Progress | None) -> None:
        """Begin at its beginning."""
        self._file = file
        self._progress = progress
        self._pending = 0
        self._since = 0
        self._parts = 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        chunk = self._file.read(size)
        self._since += len(chunk)
        if self._since > MOST_BYTES:
            msg = f"an element, or what stands between two, is longer than {MOST_BYTES} bytes"
            raise NotXml(msg)
        self._parts += chunk.count(b"<") - chunk.count(b"</") + chunk.count(b"=")
        if self._parts > MOST_PARTS:
            msg = f"an element, or what stands between two, has more than {MOST_PARTS} parts"
            raise NotXml(msg)
        self._pending += len(chunk)
        if self._progress and (self._pending >= _REPORT_BYTES or not chunk):
            self._progress(self._pending)
            self._pending = 0
        return chunk

    def passed(self) -> None:
        """An element is whole."""
        self._since = self._parts = 0


def elements(path: Path, name: str, progress: Progress | None = None) -> Iterator[Any]:
    """Yield each element of a local name, in the order of the file; it is emptied afterwards.

    Raises:
        NotXml: it is not well formed, has a DOCTYPE, or is too deep or too large somewhere.
        ImportError: lxml is not installed.
    """
    etree = _lxml()
    with path.open("rb") as file:
        bounded = _Bounded(file, progress)
        # A start is heard of too, because an entity could be used inside the first element.
        events = etree.iterparse(
            bounded, events=("start", "end"), tag=(f"{{*}}{name}", name), resolve_entities=False,
            no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
            remove_pis=True,
        )  # fmt: skip
        depth = 0
        try:
            for event, element in events:
                _refuse_doctype(element)
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 0:
                    yield element
                    bounded.passed()
                    _forget(element)
            if events.root is not None:
                _refuse_doctype(events.root)
        except etree.XMLSyntaxError as error:
            raise NotXml(str(error)[:400]) from None


def _refuse_doctype(element: Any) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        msg = "a DOCTYPE is refused"
        raise NotXml(msg)


def _forget(element: Any) -> None:
    """Empty an element and drop what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def text_of(element: Any) -> bytes:
    """An element as it was written, more or less."""
    written: bytes = _lxml().tostring(element, encoding="utf-8", with_tail=False)
    return written


# What reading an element takes; names are without their namespaces.


def local_name(element: Any) -> str:
    """A name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Any, name: str) -> Iterator[Any]:
    """The children of a name."""
    found: Iterator[Any] = element.iterchildren(f"{{*}}{name}")
    return found


def child(element: Any, name: str) -> Any:
    """The first child of a name; None where there is none, or no element."""
    return None if element is None else next(children(element, name), None)


def text(element: Any, name: str) -> str:
    """The text of the first child of a name; empty where there is none."""
    found = child(element, name)
    return "" if found is None else (found.text or "").strip()


def flag(element: Any, name: str) -> bool:
    """Whether an attribute of any namespace is true."""
    return any(
        value.lower() in _TRUE for key, value in element.items() if key.rpartition("}")[2] == name
    )


def _lxml() -> Any:
    try:
        return importlib.import_module("lxml.etree")
    except ImportError as error:
        msg = "reading XML needs lxml: pip install 'loyalty-ledger[tills]'"
        raise ImportError(msg) from error
