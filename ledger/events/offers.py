"""Offers that are issued to members."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event, ListedOffer
from ledger.types import Day, Instant

__all__ = ["ListIssued"]


class ListIssued(Event, frozen=True):
    """The member got a list of offers; of campaigns that hold the member out, nothing."""

    TOPIC: ClassVar[str] = "list-issued"
    captured_at: Instant
    barcode: str
    """EAN-13; what the member shows."""
    offers: tuple[ListedOffer, ...]
    from_day: Day
    until_day: Day
    """The last day."""
    kept_until: Day
    """No receipt of those days comes in later than this."""
    command: str
    held_out: tuple[str, ...] = ()
    """Campaigns that hold the member out, to compare with."""
    held_out_cells: tuple[str, ...] = ()
    """Beside them, where the member stood; empty: none of them looks at that."""
    limited: tuple[str, ...] = ()
    """Campaigns of which the member had so many lately that it got no more."""


EVENTS: tuple[type[Event], ...] = (ListIssued,)
