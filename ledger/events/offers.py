"""Offers that are issued to members."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ledger.events.parts import Event, ListedOffer
from ledger.types import Day, Instant

__all__ = ["ListIssued", "ListedLine", "ShoppingList"]


class ListedLine(Struct, frozen=True, array_like=True, gc=False):
    """What a member was told that it is about to need, as it was known then."""

    product: str
    chance_ppm: int
    """That it is bought, in parts of a million."""
    quantity: int
    """What is usually bought of it at a time; of something new, 1."""
    paid_minor: int
    """For that quantity, at what it cost the last time; 0 for something new."""
    times: int
    """Visits on which it was bought."""
    every_days: int
    """The middle of the latest intervals; 0 after one purchase."""
    last_day: Day
    price_minor: int
    """In the catalogue on the next day, in all stores; 0 where it is not known."""
    promotions: tuple[str, ...]
    """It is in on the next day, by their codes."""
    reason: str
    """How it stands in the member's own rhythm; `once` if it has none yet, `new` if never bought."""


class ShoppingList(Struct, frozen=True, array_like=True, gc=False):
    """The shopping list that offers stand on, and how the member stood."""

    as_of: Day
    """The day at whose end it was made."""
    model: str
    """Digest of the model that made it; empty: the untuned table."""
    visits: int
    rhythm: str
    """Of the member's visits."""
    spend_minor: int
    """In the last 56 days."""
    lines: tuple[ListedLine, ...]


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
    shopping: ShoppingList | None = None
    """What the member is about to need; None: offers alone."""


EVENTS: tuple[type[Event], ...] = (ListIssued,)
