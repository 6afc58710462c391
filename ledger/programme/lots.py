"""`[lots]`: when points can be used, and until when."""

from __future__ import annotations

from typing import Literal

from ledger.programme.parts import (
    Days,
    Part,
    Positive,
)

__all__ = ["Expiry", "Lots"]


class Expiry(Part, frozen=True):
    """When points end: `after` so many units from earning, then on to the end of `round_to`."""

    after: Positive
    unit: Literal["days", "months"] = "months"
    round_to: Literal["day", "month", "quarter", "year"] = "day"


class Lots(Part, frozen=True):
    """How long points wait before they can be used, and when they end (never without expiry)."""

    pending_days: Days = 0
    expiry: Expiry | None = None
