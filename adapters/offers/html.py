"""Lists as one HTML file: each on a page of its own, nothing to load, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from adapters.offers.barcode import MODULES, QUIET_LEFT, QUIET_RIGHT, bars
from adapters.offers.page import HEADS, Page

HEIGHT = 69
"""Modules: 22.85 mm for a module of 0.33 mm, the nominal size."""
_WIDE = QUIET_LEFT + MODULES + QUIET_RIGHT
_DIGITS = 9
_STYLE = """\
@page { size: %s; margin: 10mm; }
body { margin: 0; font: 9pt sans-serif; }
section { break-after: page; max-width: 180mm; margin: 0 auto; }
section:last-child { break-after: auto; }
h1 { font-size: 14pt; margin: 0; }
p { margin: 1mm 0 3mm; }
svg { display: block; width: 37.29mm; height: 25.74mm; }
table { border-collapse: collapse; width: 100%%; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { text-align: left; padding: 1mm 2mm 1mm 0; border-bottom: 0.2mm solid #999; vertical-align: top; overflow-wrap: anywhere; }
small { color: #555; }
"""


def head(paper: str) -> str:
    """What comes before the pages."""
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Lists</title>\n<style>\n{_STYLE % escape(paper)}</style></head>\n<body>\n"
    )


TAIL = "</body></html>\n"


def section(page: Page) -> str:
    """One list."""
    return (
        f"<section>\n<h1>{escape(page.title)}</h1>\n<p>{escape(page.days)}</p>\n"
        f"{svg(page.barcode) if page.barcode else ''}<p>{escape(page.hint)}</p>\n"
        f"<table><thead>{_row(HEADS, 'th')}</thead>\n<tbody>\n"
        + "".join(_row(row, "td") for row in page.rows)
        + f"</tbody></table>\n<small>{escape(page.member)}</small>\n</section>\n"
    )


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>\n"


def svg(ean13: str) -> str:
    """A barcode; a module is one unit."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {HEIGHT + _DIGITS}"'
        f' role="img" aria-label="{escape(ean13)}" shape-rendering="crispEdges">'
        f'<path d="{"".join(_bars(ean13))}"/>'
        f'<text x="{QUIET_LEFT + MODULES // 2}" y="{HEIGHT + _DIGITS - 1}" font-size="{_DIGITS}"'
        f' text-anchor="middle" font-family="monospace">{escape(ean13)}</text></svg>\n'
    )


def _bars(ean13: str) -> Iterator[str]:
    for begins, width in bars(ean13):
        yield f"M{QUIET_LEFT + begins} 0h{width}v{HEIGHT}h-{width}z"
