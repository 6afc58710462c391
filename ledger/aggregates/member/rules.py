"""The programmes that decisions are made under."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ledger.programme import Programme
from ledger.types import Instant


class Rules(NamedTuple):
    """A programme and its number, which the award cites."""

    programme: Programme
    number: int


class Reigns(Protocol):
    """Which programme is in force when."""

    def at(self, instant: Instant) -> tuple[Programme, int]:
        """The programme in force at an instant, and its number."""

    def next_after(self, instant: Instant) -> Instant:
        """The next instant at which another takes effect; beyond all time where none does."""
