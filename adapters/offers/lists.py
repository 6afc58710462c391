"""Lists as files: a JSON object a member, a row of CSV a line of a list, or pages to print."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec

from adapters.offers.page import Words, offers_on, page
from ledger.errors import InputInvalid
from ledger.types import date_of

if TYPE_CHECKING:
    from ledger.offers.plan import MadeList

Progress = Callable[[int], None]
COLUMNS = (
    "as_of", "from", "until", "model", "member", "barcode", "rhythm", "visits", "spend_minor",
    "place", "product", "name", "chance_ppm", "quantity", "paid_minor", "times", "every_days",
    "last_day", "price_minor", "promotions", "reason", "offers",
)  # fmt: skip
_OF_A_LIST = COLUMNS[:9]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula, or lets one follow."""


class How(NamedTuple):
    """How pages are printed."""

    paper: str = "A5"
    font: Path | None = None
    """TrueType; for a PDF."""


PLAIN = How()


def one_list(one: MadeList, said: Words) -> dict[str, Any]:
    """A list as JSON has it."""
    shopping = one.shopping
    return {
        "as_of": _date(shopping.as_of), "from": _date(one.from_day),
        "until": _date(one.until_day), "model": shopping.model, "member": one.member.hex(),
        "barcode": one.barcode, "rhythm": shopping.rhythm, "visits": shopping.visits,
        "spend_minor": shopping.spend_minor,
        "lines": [
            {
                "product": line.product, "name": said.names.get(line.product, ""),
                **{name: getattr(line, name) for name in COLUMNS[12:17]},
                "last_day": _date(line.last_day) if line.times else "",
                "price_minor": line.price_minor, "promotions": line.promotions,
                "reason": line.reason,
                "offers": [
                    {
                        "campaign": offer.campaign,
                        "kind": said.campaigns[offer.campaign].kind, "amount": offer.amount,
                        "text": said.offer(offer),
                    }
                    for offer in offers_on(one, line)
                ],
            }
            for line in shopping.lines
        ],
    }  # fmt: skip


def form_of(path: Path) -> str:
    """The form that a file's name says.

    Raises:
        InputInvalid: it says none, or there is such a file.
    """
    if path.suffix not in _FORMS:
        raise InputInvalid(f"The file's name ends with {', '.join(_FORMS)}.", field="out")
    if path.exists():
        raise InputInvalid(f"{path} is there already.", field="out")
    return path.suffix


def write(
    path: Path, lists: Iterable[MadeList], said: Words, how: How = PLAIN,
    progress: Progress | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Write all lists; how many, and how many lines. The file has its name only when it is whole.

    Raises:
        InputInvalid: there is such a file, its name says no form, or it cannot hold a character.
        ImportError: it is a PDF, and the extra `pdf` is not installed.
        OSError: it cannot be written.
    """
    form = _FORMS[form_of(path)]
    unfinished = path.with_name(path.name + ".unfinished")
    counted = _Counted(lists, progress)
    with unfinished.open("wb") as file:
        form(file, counted, said, how)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return counted.members, counted.lines


class _Counted:
    """Lists, counted as they pass."""

    def __init__(self, lists: Iterable[MadeList], progress: Progress | None) -> None:
        self._lists = lists
        self._progress = progress
        self.members = self.lines = 0

    def __iter__(self) -> Iterator[MadeList]:
        for one in self._lists:
            yield one
            self.members += 1
            self.lines += len(one.shopping.lines)
            if self._progress:
                self._progress(1)


def _as_json(file: IO[bytes], lists: Iterable[MadeList], said: Words, _: How) -> None:
    for one in lists:
        file.write(msgspec.json.encode(one_list(one, said)) + b"\n")


def _as_csv(file: IO[bytes], lists: Iterable[MadeList], said: Words, _: How) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180; a stray one of these is quoted
    rows.writerow(COLUMNS)
    for one in lists:
        found = one_list(one, said)
        head = [found[name] for name in _OF_A_LIST]
        for place, line in enumerate(found["lines"], 1):
            line["promotions"] = " ".join(line["promotions"])
            line["offers"] = "; ".join(f"{o['campaign']}: {o['text']}" for o in line["offers"])
            rows.writerow([*head, place, *(_plain(line[name]) for name in COLUMNS[10:])])
    text.detach()


def _plain(cell: Any) -> Any:
    """A text that no spreadsheet takes for a formula; numbers are as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _as_html(file: IO[bytes], lists: Iterable[MadeList], said: Words, how: How) -> None:
    from adapters.offers import html  # noqa: PLC0415  only where it is asked for

    file.write(html.head(how.paper).encode())
    for one in lists:
        file.write(html.section(page(one, said)).encode())
    file.write(html.TAIL.encode())


def _as_pdf(file: IO[bytes], lists: Iterable[MadeList], said: Words, how: How) -> None:
    from adapters.offers import pdf  # noqa: PLC0415  only where it is asked for

    pdf.write(file, (page(one, said) for one in lists), how.paper, how.font)


_FORMS = {".ndjson": _as_json, ".csv": _as_csv, ".html": _as_html, ".pdf": _as_pdf}


def _date(day: int) -> str:
    return date_of(day).isoformat()
