"""Lists as files: one JSON object a member and line of the file, or one row of CSV a line of a list."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from ledger.errors import InputInvalid
from ledger.types import date_of

if TYPE_CHECKING:
    from ledger.application.offers import Lists
    from ledger.offers.schedule import MemberList

Progress = Callable[[int], None]
_COLUMNS = (
    "as_of", "model", "member", "rhythm", "visits", "spend_minor", "place", "product", "chance_ppm",
    "quantity", "paid_minor", "times", "every_days", "last_day", "price_minor",
    "promotions", "reason",
)  # fmt: skip


def one_list(one: MemberList) -> dict[str, Any]:
    """A list as JSON has it."""
    told: dict[str, Any] = {
        "member": one.member_id.hex(), "rhythm": one.rhythm, "visits": one.visits,
        "spend_minor": one.spend_minor,
    }  # fmt: skip
    told["lines"] = [
        line._asdict() | {"last_day": date_of(line.last_day).isoformat() if line.times else ""}
        for line in one.lines
    ]
    return told


def write(path: Path, lists: Lists, progress: Progress | None = None) -> tuple[int, int]:
    """Write all lists; how many, and how many lines. The file has its name only when it is whole.

    Raises:
        InputInvalid: there is such a file, or its name ends otherwise.
        OSError: it cannot be written.
    """
    form = {".ndjson": _as_json, ".csv": _as_csv}.get(path.suffix)
    if form is None:
        raise InputInvalid("The file's name ends with .ndjson or .csv.", field="out")
    if path.exists():
        raise InputInvalid(f"{path} is there already.", field="out")
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        counts = form(file, lists, _counted(lists.lists, progress))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return counts


def _counted(lists: Iterator[MemberList], progress: Progress | None) -> Iterator[MemberList]:
    for one in lists:
        yield one
        if progress:
            progress(1)


def _as_json(file: IO[str], lists: Lists, told: Iterator[MemberList]) -> tuple[int, int]:
    about = {"as_of": date_of(lists.as_of).isoformat(), "model": lists.model}
    members = lines = 0
    for one in told:
        file.write(msgspec.json.encode(about | one_list(one)).decode() + "\n")
        members, lines = members + 1, lines + len(one.lines)
    return members, lines


def _as_csv(file: IO[str], lists: Lists, told: Iterator[MemberList]) -> tuple[int, int]:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_COLUMNS)
    members = lines = 0
    for one in told:
        found = one_list(one)
        head = (date_of(lists.as_of), lists.model, *(found[name] for name in _COLUMNS[2:6]))
        for place, line in enumerate(found["lines"], 1):
            line["promotions"] = " ".join(line["promotions"])
            rows.writerow((*head, place, *line.values()))
        members, lines = members + 1, lines + len(one.lines)
    return members, lines
