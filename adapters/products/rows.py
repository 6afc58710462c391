"""A row of a catalogue's file: which columns there are, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from adapters.records import Bad, Place, explain
from ledger.commands.catalogue import Listing
from ledger.errors import InputInvalid
from ledger.types import LEVELS, Price, Product, Promotion

Row = Mapping[str, Any]
"""Values by the names of their columns; one that is empty says nothing."""


class Kind(NamedTuple):
    """What a file can hold: the form of a row, its columns, and those that must be there."""

    form: type[Listing]
    columns: tuple[str, ...]
    needed: tuple[str, ...]


_GROUPS = tuple(
    name for number in range(1, LEVELS + 1) for name in (f"level{number}", f"level{number}_name")
)
_WHEN = ("store", "from", "until", "price_minor", "withdrawn")
KINDS: Mapping[str, Kind] = {
    "promotions": Kind(
        Promotion, ("product", "promotion", "name", *_WHEN), ("product", "promotion", "from")
    ),
    "prices": Kind(Price, ("product", *_WHEN), ("product", "from", "price_minor")),
    "products": Kind(
        Product, ("code", "name", "brand", "maker", "brand_kind", *_GROUPS), ("code",)
    ),
}
"""The first one whose needed columns are all there is what a file holds."""
_TEXTS = {"code", "product", "store", "promotion", "name", "brand", "maker", *_GROUPS}
_LEVEL = re.compile(r"levels\[(\d)\](?:\[([01])\])?")


class Listed(NamedTuple):
    """What a row says, and the row as JSON, to be corrected if the ledger refuses it."""

    place: Place
    listing: Listing
    raw: bytes


Item = Listed | Bad


def kind_of(columns: Collection[str], asked: str | None = None) -> Kind:
    """The kind that columns tell, or that is asked for.

    Raises:
        InputInvalid: they are of no kind, one that is needed is missing, or one is unknown.
    """
    kind = KINDS[asked] if asked else _told(columns)
    for name in kind.needed:
        if name not in columns:
            raise InputInvalid(f"There is no column `{name}`.", field=name)
    for name in columns:
        if name not in kind.columns:
            known = ", ".join(kind.columns)
            raise InputInvalid(f"The columns are {known}; not `{name}`.", field=name)
    return kind


def _told(columns: Collection[str]) -> Kind:
    for kind in KINDS.values():
        if all(name in columns for name in kind.needed):
            return kind
    needed = "; ".join(f"{name}: {', '.join(kind.needed)}" for name, kind in KINDS.items())
    raise InputInvalid(f"The columns tell no kind of file ({needed}).", field="kind")


def item(kind: Kind, place: Place, row: Row) -> Item:
    """What a row says, or what is wrong with it and in which column."""
    said = {name: value for name, value in row.items() if value is not None and value != ""}
    told = {name: _plain(name, value) for name, value in said.items()}
    fields = _with_levels(told) if kind.form is Product else told
    raw = msgspec.json.encode(row)
    try:
        return Listed(place, msgspec.convert(fields, kind.form, strict=False), raw)
    except (msgspec.ValidationError, ValueError) as error:
        field, message = explain(error)
        return Bad(place, _column(field), message, raw)


def _plain(name: str, value: Any) -> Any:
    """A code that a table keeps as a number is a text."""
    return str(value) if name in _TEXTS and type(value) is int else value


def _with_levels(told: dict[str, Any]) -> dict[str, Any]:
    """The columns of groups as the list that they are; one that is missing below another is empty."""
    pairs = [
        (told.pop(f"level{number}", ""), told.pop(f"level{number}_name", ""))
        for number in range(1, LEVELS + 1)
    ]
    while pairs and not any(pairs[-1]):
        pairs.pop()
    return {**told, "levels": pairs}


def _column(field: str | None) -> str | None:
    """The column that a field of the canonical form was read from."""
    found = _LEVEL.match(field or "")
    if not found:
        return field
    return f"level{int(found[1]) + 1}" + ("_name" if found[2] == "1" else "")
