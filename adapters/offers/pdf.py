"""Lists as one PDF, each beginning on a page of its own; the same lists give the same bytes.

reportlab sets text from left to right and one letter after another, so what is written otherwise
is refused with its place: the HTML file prints it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from adapters.offers.barcode import MODULES, QUIET_LEFT, bars
from adapters.offers.page import HEADS, Page
from ledger.errors import InputInvalid

MM = 72 / 25.4
PAPERS = {"A4": (210 * MM, 297 * MM), "A5": (148 * MM, 210 * MM)}
MARGIN, GAP = 10 * MM, 2 * MM
WIDTHS = (0.05, 0.29, 0.08, 0.20, 0.20, 0.18)
"""Of the columns."""
MODULE, BAR_HEIGHT = 0.33 * MM, 22.85 * MM
BUILT_IN, ENCODING = "Helvetica", "cp1252"
"""The font that every reader of PDF has, and what it can write."""
SIZE, LEADING, TITLE = 8, 10, 14


def write(file: IO[bytes], pages: Iterable[Page], paper: str, font: Path | None) -> None:
    """Write all pages; the file is put together in memory.

    Raises:
        InputInvalid: the font is none, or has not what is written, with the place.
        ImportError: the extra `pdf` is not installed.
    """
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415  an extra

    canvas = Canvas(file, pagesize=PAPERS[paper], invariant=1, pageCompression=1)
    canvas.setTitle("Lists")
    setter = _Setter(canvas, PAPERS[paper], _Font(font))
    for page in pages:
        setter.set(page)
    canvas.save()


class _Font:
    """The font of all text, and what it has."""

    def __init__(self, path: Path | None) -> None:
        self.name = BUILT_IN
        self._glyphs: Any = None
        self._good: set[str] = set()
        """Characters that were found to be there."""
        if path:
            self._register(path)

    def _register(self, path: Path) -> None:
        from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415  an extra
        from reportlab.pdfbase.ttfonts import TTFError, TTFont  # noqa: PLC0415

        try:
            font = TTFont("given", str(path))
        except (TTFError, OSError) as error:
            raise InputInvalid(f"{path} is no TrueType font: {error}", field="font") from error
        pdfmetrics.registerFont(font)
        self.name, self._glyphs = "given", font.face.charToGlyph

    def checked(self, text: str, page: Page, place: str) -> str:
        """The text, if it can be set.

        Raises:
            InputInvalid: with the first character that cannot.
        """
        composed = unicodedata.normalize("NFC", text)
        if self._good.issuperset(composed):
            return composed
        where = f"in {place} of the list of {page.member}"
        if bad := next(filter(_set_otherwise, composed), None):
            msg = f"A PDF cannot have {_shown(bad)} {where} set as it is written; print the HTML file."
            raise InputInvalid(msg, field="out")
        if bad := next((char for char in composed if not self._has(char)), None):
            msg = f"The font has no {_shown(bad)} {where}; name a TrueType font that has it."
            raise InputInvalid(msg, field="font")
        self._good.update(composed)
        return composed

    def split(self, text: str, width: float) -> list[str]:
        """The text in lines that are not wider."""
        from reportlab.lib.utils import simpleSplit  # noqa: PLC0415  an extra
        from reportlab.pdfbase.pdfmetrics import stringWidth  # noqa: PLC0415

        if stringWidth(text, self.name, SIZE) <= width:
            return [text]
        lines: list[str] = simpleSplit(text, self.name, SIZE, width)
        return lines

    def _has(self, char: str) -> bool:
        if self._glyphs is not None:
            return ord(char) in self._glyphs
        return char.isprintable() and bool(char.encode(ENCODING, "ignore"))


def _set_otherwise(char: str) -> bool:
    """Whether it runs from right to left, or stands upon another."""
    runs = unicodedata.bidirectional(char) in {"R", "AL"}
    return runs or unicodedata.category(char).startswith("M")


def _shown(char: str) -> str:
    return f"`{char}` (U+{ord(char):04X})"


class _Setter:
    """Sets pages from the top down."""

    def __init__(self, canvas: Any, size: tuple[float, float], font: _Font) -> None:
        self._canvas = canvas
        self._width, self._height = size
        self._font = font
        inner = self._width - 2 * MARGIN
        edges = [MARGIN]
        for share in WIDTHS:
            edges.append(edges[-1] + inner * share)
        self._edges = edges
        self._y = 0.0

    def set(self, page: Page) -> None:
        """Set a list, on as many pages as it takes."""
        self._y = self._height - MARGIN - TITLE
        self._text(MARGIN, self._font.checked(page.title, page, "the title"), TITLE)
        self._y -= LEADING * 1.5
        self._text(MARGIN, page.days)
        if page.barcode:
            self._barcode(page.barcode)
        self._y -= LEADING * 1.5
        self._text(MARGIN, page.hint)
        self._y -= LEADING * 2
        self._row(HEADS, page, "the head")
        for row in page.rows:
            self._row(row, page, f"line {row[0]}")
        self._canvas.setFont(self._font.name, SIZE - 2)
        self._canvas.drawString(MARGIN, MARGIN / 2, page.member)
        self._canvas.showPage()

    def _text(self, x: float, text: str, size: int = SIZE) -> None:
        self._canvas.setFont(self._font.name, size)
        self._canvas.drawString(x, self._y, text)

    def _barcode(self, ean13: str) -> None:
        self._y -= BAR_HEIGHT + LEADING
        left = MARGIN + QUIET_LEFT * MODULE
        for begins, width in bars(ean13):
            x = left + begins * MODULE
            self._canvas.rect(x, self._y, width * MODULE, BAR_HEIGHT, stroke=0, fill=1)
        self._y -= LEADING
        self._canvas.setFont(self._font.name, SIZE)
        self._canvas.drawCentredString(left + MODULES * MODULE / 2, self._y, ean13)

    def _row(self, row: tuple[str, ...], page: Page, place: str) -> None:
        cells = [
            self._font.split(self._font.checked(text, page, place), right - left - GAP)
            for text, left, right in zip(row, self._edges, self._edges[1:], strict=False)
        ]
        tall = max(len(cell) for cell in cells)
        if self._y - tall * LEADING < MARGIN:
            self._canvas.showPage()
            self._y = self._height - MARGIN - SIZE
        self._canvas.setFont(self._font.name, SIZE)
        for cell, left in zip(cells, self._edges, strict=False):
            for number, text in enumerate(cell):
                self._canvas.drawString(left, self._y - number * LEADING, text)
        self._y -= tall * LEADING + GAP / 2
        self._canvas.setLineWidth(0.3)
        bottom = self._y + LEADING * 0.7
        self._canvas.line(MARGIN, bottom, self._edges[-1], bottom)
        self._y -= GAP / 2
