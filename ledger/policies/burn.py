"""Which lots pay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ledger.errors import PointsShort
from ledger.types import Instant, Take


class Lot(Protocol):
    """Points with one activation and one expiry."""

    @property
    def activates_at(self) -> Instant: ...  # noqa: D102
    @property
    def expires_at(self) -> Instant: ...  # noqa: D102
    @property
    def origin(self) -> int: ...  # noqa: D102
    @property
    def points(self) -> int: ...  # noqa: D102


def available(lots: Sequence[Lot], at: Instant) -> int:
    """The points that can be used at an instant."""
    return sum(lot.points for lot in lots if lot.activates_at <= at < lot.expires_at)


def burn(lots: Sequence[Lot], points: int, at: Instant) -> tuple[Take, ...]:
    """Choose the lots that pay: soonest expiry first, then soonest active, then by origin.

    Raises:
        PointsShort: the available lots do not hold so many; says how many they hold.
    """
    usable = [lot for lot in lots if lot.points > 0 and lot.activates_at <= at < lot.expires_at]
    usable.sort(key=lambda lot: (lot.expires_at, lot.activates_at, lot.origin))
    takes = take_in_order(usable, points)
    if sum(take.points for take in takes) < points:
        held = sum(lot.points for lot in usable)
        msg = f"{points} asked, {held} available."
        raise PointsShort(msg, field="points")
    return takes


def take_in_order(lots: Sequence[Lot], points: int) -> tuple[Take, ...]:
    """Take up to so many points from the lots as they stand; fewer where they hold fewer."""
    takes = []
    for lot in lots:
        part = min(lot.points, points)
        if part > 0:
            takes.append(Take(lot.activates_at, lot.expires_at, lot.origin, part))
            points -= part
    return tuple(takes)


def restored(takes: Sequence[Take], points: int) -> tuple[Take, ...]:
    """The part of a burn that is undone when so many of its points are given back.

    What would have lasted longest comes back first. The parts for a smaller number are always
    within those for a larger one, so giving back step by step ends where one step would.
    """
    return take_in_order([_Lot(*take) for take in reversed(takes)], points)


def less(takes: Sequence[Take], other: Sequence[Take]) -> tuple[Take, ...]:
    """What is left of takes without another part of them."""
    gone = {take[:3]: take.points for take in other}
    left = (take._replace(points=take.points - gone.get(take[:3], 0)) for take in takes)
    return tuple(take for take in left if take.points > 0)


def joined(takes: Iterable[Take]) -> tuple[Take, ...]:
    """Takes with one for each lot."""
    sums: dict[tuple[int, int, int], int] = {}
    for take in takes:
        key = (take.activates_at, take.expires_at, take.origin)
        sums[key] = sums.get(key, 0) + take.points
    return tuple(Take(*key, points) for key, points in sums.items())


def within(takes: Sequence[Take], lots: Iterable[Lot]) -> tuple[Take, ...]:
    """The part of takes that lots can still give."""
    there = {(lot.activates_at, lot.expires_at, lot.origin): lot.points for lot in lots}
    parts = (take._replace(points=min(take.points, there.get(take[:3], 0))) for take in takes)
    return tuple(take for take in parts if take.points > 0)


class _Lot(NamedTuple):
    activates_at: Instant
    expires_at: Instant
    origin: int
    points: int
