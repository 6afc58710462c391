"""What the tables of a programme file are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

__all__ = [
    "MAX_LATE_DAYS",
    "MAX_WINDOW_DAYS",
    "ONE_BP",
    "Contradictions",
    "Days",
    "Goods",
    "LateDays",
    "MultiplierBp",
    "Name",
    "Part",
    "Points",
    "Positive",
    "RateBp",
    "listed",
    "repeated",
]

ONE_BP = 10_000
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
"""PostgreSQL keeps no NUL, and names of rules and tiers stand in the reports."""
Points = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Days = Annotated[int, Meta(ge=0, le=3660)]
MultiplierBp = Annotated[int, Meta(ge=0, le=1_000_000)]
RateBp = Annotated[int, Meta(ge=1, le=ONE_BP)]
"""A share: more than nothing, all of it at most."""
Goods = Annotated[tuple[Name, ...], Meta(max_length=1_000)]
"""Products, or categories, that a campaign lists; a wider one lists categories."""
MAX_LATE_DAYS = 366
LateDays = Annotated[int, Meta(ge=0, le=MAX_LATE_DAYS)]
MAX_WINDOW_DAYS = 731
"""A member keeps qualifying points by day for this long, so no window may be longer."""

Contradictions = Iterator[tuple[str, str]]
"""Keys at fault, and what is wrong with each."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the programme file; an unknown key in it is an error."""


class _Listing(Protocol):
    @property
    def products(self) -> Collection[str]: ...
    @property
    def categories(self) -> Collection[str]: ...
    @property
    def from_(self) -> dt.date | None: ...
    @property
    def until(self) -> dt.date | None: ...


def listed(key: str, parts: Sequence[_Listing]) -> Contradictions:
    """Find entries that list no goods, or end before they begin."""
    for index, part in enumerate(parts):
        if not part.products and not part.categories:
            yield f"{key}[{index}]", "lists neither `products` nor `categories`"
        if part.from_ and part.until and part.from_ > part.until:
            yield f"{key}[{index}].until", "is before `from`"


def repeated(key: str, field: str, values: Iterable[str]) -> Contradictions:
    """Find values that stand twice where each must be its own."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield f"{key}[{index}].{field}", f"`{value}` stands twice"
        seen.add(value)
