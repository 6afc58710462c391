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
    slides: bool = False
    """Whether each receipt and redemption makes all points not yet expired last as long as new ones."""


class Lots(Part, frozen=True):
    """How long points wait before they can be used, and when they end (never without expiry)."""

    pending_days: Days = 0
    expiry: Expiry | None = None
    pending: Literal["days", "return_window"] = "days"
    """Wait for `pending_days`, or until goods can no longer be returned (`returns.window_days`)."""
