"""`[fraud]`: from where on a receipt is flagged, or its points wait for a person."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ledger.programme.parts import Contradictions, Part, Positive

__all__ = ["MAX_COUNTED_LATE_DAYS", "Fraud", "FraudLimit", "OwnCard", "Velocity"]

MAX_COUNTED_LATE_DAYS = 62
"""A member keeps receipts counted by day for this long, so nothing counted may come later."""
Action = Literal["flag", "review"]
Stores = Annotated[int, Meta(ge=1, le=40)]
"""Fewer than the visits that a member keeps."""
Minutes = Annotated[int, Meta(ge=1, le=1440)]


class FraudLimit(Part, frozen=True):
    """The most that is usual; above it the receipt is flagged, or its points wait for review."""

    limit: Positive
    action: Action = "flag"


class Velocity(Part, frozen=True):
    """The most different stores within so many minutes."""

    limit: Stores
    minutes: Minutes
    action: Action = "flag"


class OwnCard(Part, frozen=True):
    """A cashier's own card on a receipt that the same cashier rang up."""

    action: Action = "flag"


class Fraud(Part, frozen=True):
    """Limits on one member's receipts; one that is absent is not looked at."""

    receipts_per_card_day: FraudLimit | None = None
    points_per_day: FraudLimit | None = None
    late_days: FraudLimit | None = None
    stores: Velocity | None = None
    own_card: OwnCard | None = None

    @property
    def watches(self) -> bool:
        """Whether any limit is set."""
        return self != NOTHING


NOTHING = Fraud()


def contradictions(fraud: Fraud, late_scan_days: int) -> Contradictions:
    """Find what the types cannot say."""
    by_day = fraud.receipts_per_card_day or fraud.points_per_day
    if by_day and late_scan_days > MAX_COUNTED_LATE_DAYS:
        limit = MAX_COUNTED_LATE_DAYS
        yield "late_scan_days", f"must be {limit} or less where `[fraud]` counts by day"
    if fraud.late_days and fraud.late_days.limit >= late_scan_days:
        yield "fraud.late_days.limit", f"must be below late_scan_days ({late_scan_days})"
