"""The programme that a decision is made under."""

from __future__ import annotations

from typing import NamedTuple

from ledger.programme import Programme


class Rules(NamedTuple):
    """A programme and its number, which the award cites."""

    programme: Programme
    number: int
