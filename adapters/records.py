"""What every reader yields: a receipt, or what is wrong and where it was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ledger.types import Receipt

Progress = Callable[[int], None]
"""Is told how much was read since it was last called: bytes of a text, rows of a table."""

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""What bytes raise that are not of their form."""
# A field name or a message can quote the input, and an input can be a megabyte of one name.
_MESSAGE_LIMIT = 400
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_NAME = re.compile(r"^(?:Object (?:contains unknown|missing required) field )?`([^`]*)`")


class Place(NamedTuple):
    """Where an item was found.

    `line` counts from 1; in a table it is the first row of the basket, and `offset` and
    `length` (bytes, without the line's end) are 0.
    """

    file: str
    line: int
    offset: int
    length: int


class Rejected(Struct):
    """Where the writer of a reject found the item, as it is read again."""

    file: str
    line: int
    offset: int
    length: int
    field: str | None = None
    error: str = ""


class Good(NamedTuple):
    """A receipt, and the bytes it was read from (empty where it came from a table)."""

    place: Place
    receipt: Receipt
    raw: bytes


class Bad(NamedTuple):
    """Something that is not a receipt; `raw` is None where it was too long to keep."""

    place: Place
    field: str | None
    error: str
    raw: bytes | None


class Unread(NamedTuple):
    """A line that was found and not read yet; `ended` by a newline."""

    place: Place
    raw: bytes
    ended: bool


Item = Good | Bad
Found = Unread | Item
"""What can be fed: a line is read where it is decided, which may be another process."""


def explain(error: Exception) -> tuple[str | None, str]:
    """Split an error into the field at fault, as `lines[0].quantity`, and the rest."""
    text = str(error)
    path = _PATH.search(text)
    message = text[: path.start()] if path else text
    name = _NAME.match(message)
    parts = [found[1] for found in (path, name) if found and found[1]]
    return ".".join(parts)[:_MESSAGE_LIMIT] or None, message[:_MESSAGE_LIMIT]


def item(place: Place, fields: dict[str, Any]) -> Item:
    """Make a receipt of the fields, or say what is wrong with them, as JSON to be corrected."""
    try:
        return Good(place, msgspec.convert(fields, Receipt), b"")
    except UNREADABLE as error:
        return Bad(place, *explain(error), _written(fields))


def _written(fields: dict[str, Any]) -> bytes | None:
    """Fields as JSON; None where a number is too large to be written."""
    try:
        return msgspec.json.encode(fields)
    except UNREADABLE:
        return None
