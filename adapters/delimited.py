"""Lines of a CSV file: each is a row by itself, so that a quotation mark too many spoils no other."""

from __future__ import annotations

import csv

from adapters.records import Bad, Unread
from ledger.errors import InputInvalid

_DELIMITERS = ",;\t"


def header(line: Unread | Bad) -> tuple[list[str], str]:
    """The names of the columns, and what stands between them.

    Raises:
        InputInvalid: it is no such line, or two names are the same.
    """
    try:
        text = (line.raw or b"").decode()
        delimiter = max(_DELIMITERS, key=text.count)
        names = _cells(text, delimiter)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputInvalid(f"The first line names no columns: {error}.", field="header") from error
    if len(set(names)) < len(names):
        raise InputInvalid("Two columns have the same name.", field="header")
    return names, delimiter


def cells_of(line: Unread | Bad, names: list[str], delimiter: str) -> dict[str, str] | Bad:
    """The values by column, or what is wrong with the line."""
    if isinstance(line, Bad):
        return line
    try:
        cells = _cells(line.raw.decode(), delimiter)
    except (UnicodeDecodeError, csv.Error) as error:
        return Bad(line.place, None, f"not CSV: {error}", line.raw)
    if len(cells) != len(names):
        detail = f"{len(cells)} values under {len(names)} columns"
        return Bad(line.place, None, detail, line.raw)
    return dict(zip(names, cells, strict=True))


def _cells(text: str, delimiter: str) -> list[str]:
    (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    return [cell.strip() for cell in cells]
