"""`[complaints]`: what the service desk may give."""

from __future__ import annotations

from ledger.programme.parts import Part, Points

__all__ = ["Complaints"]


class Complaints(Part, frozen=True):
    """How much a complaint may be compensated with."""

    max_points: Points = 0
