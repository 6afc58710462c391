"""Values as PostgreSQL's binary form has them, and arrays of them.

Source: https://www.postgresql.org/docs/current/protocol-overview.html, `array_send` for arrays.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

INT4, INT8, TEXT, BYTEA, UUID = 23, 20, 25, 17, 2950
ARRAY_OF = {INT4: 1007, INT8: 1016, TEXT: 1009, BYTEA: 1001, UUID: 2951}
_NAMED = {"int8": INT8, "text": TEXT, "bytea": BYTEA}
_HEAD = struct.Struct("!iiIii")
_INT4, _INT8 = struct.Struct("!i").pack, struct.Struct("!q").pack
_NULL, _EIGHT = _INT4(-1), _INT4(8)
_FORMS: Mapping[int, Any] = {INT8: _INT8, TEXT: str.encode}


def int8(number: int) -> bytes:
    """A number as a parameter."""
    return _INT8(number)


def array(kind: int, items: Iterable[bytes]) -> bytes:
    """Items, each in its binary form, as an array."""
    parts = [b""]
    for item in items:
        parts += (_INT4(len(item)), item)
    parts[0] = _HEAD.pack(1, 0, kind, len(parts) // 2, 1)
    return b"".join(parts)


def array_or_null(kind: int, items: Iterable[bytes | None]) -> bytes:
    """The same; None is NULL."""
    parts = [b""]
    for item in items:
        parts += (_NULL, b"") if item is None else (_INT4(len(item)), item)
    parts[0] = _HEAD.pack(1, 1, kind, len(parts) // 2, 1)
    return b"".join(parts)


def int4s(numbers: Iterable[int]) -> bytes:
    """Numbers as an array of `integer`."""
    return array(INT4, map(_INT4, numbers))


def int8s(numbers: Sequence[int]) -> bytes:
    """Numbers as an array of `bigint`."""
    return _EIGHT.join([_HEAD.pack(1, 0, INT8, len(numbers), 1), *map(_INT8, numbers)])


def texts(words: Iterable[str]) -> bytes:
    """Words as an array of `text`."""
    return array(TEXT, map(str.encode, words))


class Column(bytes):
    """An array as a parameter of a cursor's statement, which says of what type it is.

    The driver makes an array of a list value by value, in Python: an eighth of this process's time
    for reports went there.
    """


def column(name: str, values: Sequence[Any]) -> Column:
    """The values of a column of type `int8`, `text` or `bytea`; None is NULL.

    Raises:
        struct.error: a number is beyond 64 bits, or none.
        TypeError: a value is neither text nor bytes.
        UnicodeEncodeError: a text is not Unicode.
    """
    kind = _NAMED[name]
    if None in values:
        form = _FORMS.get(kind)
        items = [None if v is None else form(v) for v in values] if form else values
        return Column(array_or_null(kind, items))
    if kind == INT8:
        return Column(int8s(values))
    return Column(texts(values) if kind == TEXT else array(kind, values))


def number(value: bytes) -> int:
    """An integer of a row."""
    return int.from_bytes(value, "big", signed=True)
