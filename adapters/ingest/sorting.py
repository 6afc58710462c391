"""Which hand takes a receipt: all of a member's go to the same one, in their order.

It is a matter of speed alone. Two hands that meet in one stream decide again, as any two
processes do.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import msgspec
from msgspec import Struct

from adapters.records import UNREADABLE, Bad, Found, Good, Unread
from ledger.application import LoyaltyLedger

KNOWN_CARDS = 500_000
"""Cards of which it is remembered whose they are."""


class _Of(Struct):
    """The receipt that a line brings goods back of."""

    store: str = ""
    lane: str = ""
    business_date: str = ""
    number: str = ""


class _Line(Struct):
    """A line, as far as it leads to another receipt."""

    return_of: _Of | None = None


class _Glance(_Of):
    """A receipt, as far as it tells whose it is."""

    card: str | None = None


class _Lines(Struct):
    """A receipt, as far as it leads to others."""

    lines: list[_Line] = []


_glance = msgspec.json.Decoder(_Glance).decode
_lines = msgspec.json.Decoder(_Lines).decode


class Sorter:
    """Sorts what was found by whose it is."""

    def __init__(self, ledger: LoyaltyLedger, ways: int) -> None:
        """Sort into so many portions."""
        self._ledger = ledger
        self._ways = ways
        self._known: dict[str, int] = {}

    def sort(self, chunk: Sequence[Found]) -> list[list[Found]]:
        """The portions of a chunk, each in the order of the chunk."""
        if self._ways == 1:
            return [list(chunk)]
        portions: list[list[Found]] = [[] for _ in range(self._ways)]
        whose = [self._whose(found) for found in chunk]
        self._look_up({card for card in whose if isinstance(card, str)} - self._known.keys())
        for found, card in zip(chunk, whose, strict=True):
            way = self._known[card] if isinstance(card, str) else card % self._ways
            portions[way].append(found)
        if len(self._known) > KNOWN_CARDS:
            self._known.clear()
        return portions

    def _look_up(self, cards: set[str]) -> None:
        fresh = sorted(cards)
        for card, member in zip(fresh, self._ledger.members_of(fresh), strict=True):
            self._known[card] = member[-1] % self._ways

    @staticmethod
    def _whose(found: Found) -> str | int:
        """The card, or a number for what has none."""
        if isinstance(found, Bad):
            return 0
        if isinstance(found, Good):
            return found.receipt.card or crc32(found.receipt.number.encode())
        return _whose_line(found)


def _whose_line(line: Unread) -> str | int:
    """What has no card goes where the goods were bought that it brings back, or by its own key."""
    try:
        seen = _glance(line.raw)
        if seen.card:
            return seen.card
        backs = [one.return_of for one in _lines(line.raw).lines if one.return_of]
    except UNREADABLE:
        return 0  # whoever reads it says what is wrong
    of = backs[0] if backs else seen
    return crc32(f"{of.store}\0{of.lane}\0{of.business_date}\0{of.number}".encode())
