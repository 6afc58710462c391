"""`[lists]`: the shopping list that members get every two weeks."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.programme.parts import Part

__all__ = ["MOST_LINES", "MOST_LIST_DAYS", "Lists"]

MOST_LINES = 100
MOST_LIST_DAYS = 366


class Lists(Part, frozen=True):
    """What each list is like, and who gets one."""

    lines: Annotated[int, Meta(ge=1, le=MOST_LINES)] = 20
    from_minor: Annotated[int, Meta(ge=0)] = 0
    """What a member must have spent in the last 56 days."""
    days: Annotated[int, Meta(ge=1, le=MOST_LIST_DAYS)] = 14
    """That a list holds."""
