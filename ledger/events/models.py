"""Models of what members buy next, as they were fitted."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day

__all__ = ["ModelFitted"]


class ModelFitted(Event, frozen=True):
    """A model was fitted on what had been recorded; lists made from then on cite its digest."""

    TOPIC: ClassVar[str] = "model"
    model: bytes
    """As msgpack, see `ledger.forecast.model`."""
    digest: str
    """SHA-256 of it, and of the population after it, in hex."""
    as_of: Day
    """The last day that was learned from."""
    upto: int
    """Position of the last event that was looked at."""
    members: int
    """Members that were learned from."""
    author: str
    command: str
    population: bytes = b""
    """What all do, as msgpack, see `ledger.forecast.population`; empty: it is told from a sample."""


EVENTS: tuple[type[Event], ...] = (ModelFitted,)
