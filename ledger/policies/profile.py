"""What is known of a member's purchases in a window, as segmentations see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from ledger.policies.rhythm import DAYS
from ledger.programme import OneOff, Segments
from ledger.programme.parts import ONE_BP
from ledger.types import Day

Criterion = Literal["last", "amount", "frequency", "quantity"]


class Purchase(NamedTuple):
    """One receipt: its day, and what was paid for what of it is still sold (above zero)."""

    day: Day
    spend_minor: int


class Bought(NamedTuple):
    """Goods over a window: on how many receipts, how many of them, for how much."""

    receipts: int = 0
    quantity: int = 0
    spend_minor: int = 0


class Shelf(NamedTuple):
    """Where a product belongs: `kind` is `own`, `national`, or empty where nobody knows."""

    category: str
    kind: str


class Profile(Struct, frozen=True, gc=False):
    """A member over a window, one-off purchases left out of everything but `one_off_minor`."""

    member: bytes
    last_day: Day = 0
    receipts: int = 0
    spend_minor: int = 0
    one_off_minor: int = 0
    one_off_days: frozenset[Day] = frozenset()
    goods: Bought = Bought()
    """All goods, or those that were asked about."""
    products: Mapping[str, Bought] = {}
    """The same by product, where a segmentation looks at products."""
    goods_days: tuple[Day, ...] = ()
    """On which goods that were asked about were bought, ascending."""
    hours: Mapping[int, int] = {}
    """Purchases by hour of the week, 0 being Monday from midnight to one."""
    days: tuple[Day, ...] = ()
    """The latest days of purchases, ascending, as many as a rhythm looks at."""


class Terms(NamedTuple):
    """What a segmentation goes by beside the members."""

    rules: Segments
    window_days: int = 365
    product: str = ""
    category: str = ""
    criteria: tuple[Criterion, ...] = ("amount",)
    shelves: Mapping[str, Shelf] = {}
    last: Day = 0
    """Of the window."""


class Segmented(NamedTuple):
    """The segments in their order, and each member's, the first in rank first."""

    names: Sequence[str]
    of: dict[bytes, str]
    due: Mapping[str, str] = {}


Segmenting = Callable[[Sequence[Profile], Terms], Segmented]


def profile_of(
    member: bytes, purchases: Sequence[Purchase], typical_minor: int, rule: OneOff,
    loose_minor: int,
) -> Profile:  # fmt: skip
    """A member's purchases with the one-off ones apart.

    `typical_minor` is the median receipt of everybody; `loose_minor` came back without a receipt.
    """
    apart = one_off_days(purchases, typical_minor, rule)
    kept = [one for one in purchases if one.day not in apart]
    return Profile(
        member,
        max((one.day for one in kept), default=0),
        len(kept),
        max(0, sum(one.spend_minor for one in kept) - loose_minor),
        sum(one.spend_minor for one in purchases if one.day in apart),
        apart,
        days=tuple(sorted({one.day for one in kept})[-DAYS:]),
    )


def one_off_days(purchases: Sequence[Purchase], typical_minor: int, rule: OneOff) -> frozenset[Day]:
    """Days whose purchases are no habit: a wedding, a party.

    Such a day is at least `share_bp` of all that the member spent, and at least `times` what is
    usual: the median of the member's other days, or of everybody's receipts where that is more.
    The receipts of one day are looked at together, as a party is often paid on several. Two equal
    purchases, however large, are each other's habit; a single one has only those of others.
    """
    by_day: dict[Day, int] = {}
    for day, spend_minor in purchases:
        by_day[day] = by_day.get(day, 0) + spend_minor
    whole = sum(by_day.values())
    found = []
    for day, spend_minor in by_day.items():
        if spend_minor * ONE_BP >= whole * rule.share_bp:
            others = [other for at, other in by_day.items() if at != day]
            if spend_minor >= rule.times * max(typical_minor, median(others)):
                found.append(day)
    return frozenset(found)


def median(values: Sequence[int]) -> int:
    """The middle value, of two the lower; 0 of none."""
    return sorted(values)[(len(values) - 1) // 2] if values else 0
