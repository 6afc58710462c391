"""What members share: budgets of campaigns, the stock of gifts."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event

__all__ = ["Drawn", "Stocked"]


class Drawn(Event, frozen=True):
    """So much was taken by the commands of one batch; below zero it was given back."""

    TOPIC: ClassVar[str] = "drawn"
    quantity: int


class Stocked(Event, frozen=True):
    """So much was put in; below zero it was taken out."""

    TOPIC: ClassVar[str] = "stocked"
    quantity: int
    author: str
    command: str


EVENTS: tuple[type[Event], ...] = (Drawn, Stocked)
