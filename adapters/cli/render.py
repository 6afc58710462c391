"""How the command line speaks: results on stdout (text or JSON), progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from ledger.calendar import moment_of
from ledger.types import Instant

_NO_MINOR = frozenset({"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX",
                       "VND", "VUV", "XAF", "XOF", "XPF"})  # fmt: skip
_THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_FAR = 4_000_000_000
"""Instants from here on mean never."""


def money(minor: int, currency: str) -> str:
    """An amount as people write it, with the currency's own number of decimals (ISO 4217)."""
    digits = 0 if currency in _NO_MINOR else 3 if currency in _THREE else 2
    whole, part = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}{f'.{part:0{digits}d}' if digits else ''} {currency}"


def when(instant: Instant | None) -> str | None:
    """An instant as ISO 8601 in UTC; None for one that never comes."""
    if instant is None or instant >= _FAR:
        return None
    return moment_of(instant).isoformat().replace("+00:00", "Z")


def day(instant: Instant | None) -> str:
    """The date of an instant in UTC, or `never`."""
    text = when(instant)
    return text[:10] if text else "never"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(head), *cells]) for i in range(len(head))]
    right = [bool(rows) and all(isinstance(row[i], int) for row in rows) for i in range(len(head))]

    def line(texts: Sequence[str]) -> str:
        padded = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(texts, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return [line(head), *(line(row) for row in cells)]


class Speaker:
    """Says results in one of two forms."""

    def __init__(self, *, json: bool) -> None:
        """Speak JSON or text."""
        self.json = json

    def say(self, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        """One result: an object in JSON, lines of text otherwise."""
        if self.json:
            sys.stdout.buffer.write(msgspec.json.encode(data) + b"\n")
            sys.stdout.buffer.flush()
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Something on the way, on stderr."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    @contextmanager
    def progress(self, what: str, total: int, unit: str) -> Iterator[Callable[[int], None] | None]:
        """A progress bar on stderr; none where `tqdm` (the extra `cli`) is not installed."""
        try:
            from tqdm import tqdm
        except ImportError:
            self.note(f"{what} ...")
            yield None
            return
        scaled = unit == "B"
        with tqdm(
            total=total or None, desc=what.ljust(8), unit=unit, unit_scale=True,
            unit_divisor=1024 if scaled else 1000, file=sys.stderr, mininterval=0.5,
        ) as bar:  # fmt: skip
            yield bar.update
