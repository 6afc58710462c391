"""Reads documents of JSON: one that fills a file, or one a line; each tells receipts or none.

Numbers are read as they are written, never by way of a float.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from adapters.pos import ndjson
from adapters.pos.terms import Reading, Unmapped
from adapters.records import UNREADABLE, Bad, Item, Place, Unread, item

MOST_BYTES = 1 << 24
"""Of a file that is one document: what it means takes ten times as much memory."""
_UNREADABLE = (*UNREADABLE, InvalidOperation)
_decode = msgspec.json.Decoder(Any, float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode

Document = Mapping[str, Any]
Unwrap = Callable[[Any], Iterator[Any]]
"""The orders in a document."""
Take = Callable[[Document, Reading], Iterator[dict[str, Any]]]
"""The fields of the receipts that an order tells; raises `Unmapped`."""


def read(path: Path, reading: Reading, unwrap: Unwrap, take: Take) -> Iterator[Item]:
    """Yield one item for every receipt, and for everything that can be none, in the file's order.

    In a file of lines a place is the line; in one that is a single document it is the number of
    the order in it.
    """
    if _has_lines(path):
        for line in ndjson.lines(path, progress=reading.progress):
            yield from _line(line, reading, unwrap, take)
    else:
        yield from _whole(path, reading, unwrap, take)


def parse(
    raw: bytes, reading: Reading, unwrap: Unwrap, take: Take, place: Place, *, number: bool = False
) -> Iterator[Item]:
    """The items of one document, such as the body of a webhook.

    With `number` the place counts the orders from 1.
    """
    try:
        orders = list(unwrap(_decode(raw)))
    except Unmapped as error:
        yield Bad(place, error.field, str(error), raw)
        return
    except _UNREADABLE as error:
        yield Bad(place, None, f"not JSON: {str(error)[:400]}", raw)
        return
    for index, order in enumerate(orders, 1):
        at = place._replace(line=index) if number else place
        yield from _receipts(at, order, reading, take)


def _receipts(place: Place, order: Any, reading: Reading, take: Take) -> Iterator[Item]:
    if not isinstance(order, dict):
        yield Bad(place, None, "not a JSON object", _written(order))
        return
    try:
        for fields in take(order, reading):
            yield item(place, fields)
    except Unmapped as error:
        yield Bad(place, error.field, str(error), _written(order))


def _written(order: Any) -> bytes | None:
    try:
        return _encode(order)
    except _UNREADABLE:
        return None


def _line(line: Unread | Bad, reading: Reading, unwrap: Unwrap, take: Take) -> Iterator[Item]:
    if isinstance(line, Bad):
        yield line
    else:
        yield from parse(line.raw, reading, unwrap, take, line.place)


def _has_lines(path: Path) -> bool:
    """Whether the first line is a document by itself, and not the last one."""
    with path.open("rb") as file:
        first = file.readline(ndjson.MAX_LINE_BYTES)
        if not first.endswith(b"\n") or not file.read(1):
            return False
    try:
        return isinstance(_decode(first.removeprefix(b"\xef\xbb\xbf")), dict)
    except _UNREADABLE:
        return False


def _whole(path: Path, reading: Reading, unwrap: Unwrap, take: Take) -> Iterator[Item]:
    place = Place(str(path), 1, 0, 0)
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if reading.progress:
        reading.progress(len(raw))
    if len(raw) > MOST_BYTES:
        yield Bad(place, None, f"one document of more than {MOST_BYTES} bytes", None)
    elif raw.strip():
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        yield from parse(raw, reading, unwrap, take, place, number=True)


# What mapping a document takes.


def listed(document: Document, name: str) -> list[Any]:
    """The orders of a document, whatever they are.

    Raises:
        Unmapped: it is not a list.
    """
    found = document[name]
    if not isinstance(found, list):
        raise Unmapped(name, "not a list")
    return found


def some(order: Document, name: str) -> list[Document]:
    """A list of objects; none where there is nothing.

    Raises:
        Unmapped: it is something else.
    """
    found = order.get(name)
    if found is None or found is False:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unmapped(name, "not a list of objects")
    return found


def part(order: Document, name: str) -> Document:
    """An object; an empty one where there is none.

    Raises:
        Unmapped: it is something else.
    """
    found = order.get(name)
    if found is None or found is False:
        return {}
    if not isinstance(found, dict):
        raise Unmapped(name, "not an object")
    return found


def text(order: Document, name: str) -> str:
    """A text, or a whole number as one; empty where there is none.

    Raises:
        Unmapped: it is something else.
    """
    found = order.get(name)
    if found is None or found is False:
        return ""
    if isinstance(found, str):
        return found.strip()
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    raise Unmapped(name, "not a text")
