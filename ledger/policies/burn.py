"""Which lots pay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.errors import PointsShort, RedeemNotOffered, RedeemStep
from ledger.programme import Gift, Redeem
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


def cash_value(redeem: Redeem, points: int) -> int:
    """What points are worth at the till, in minor units (exact: steps are whole).

    Raises:
        RedeemNotOffered: the programme gives no cash for points.
        RedeemStep: below the minimum or between two steps; says the least that would do.
    """
    cash = redeem.cash
    if cash is None:
        msg = "It gives no cash for points."
        raise RedeemNotOffered(msg)
    step = cash.step_points or cash.points
    least = -(-max(cash.minimum_points, points, step) // step) * step
    if points != least:
        msg = f"{points} asked; {least} would do."
        raise RedeemStep(msg, field="points")
    return points // cash.points * cash.value_minor


def gift_of(redeem: Redeem, code: str) -> Gift:
    """The gift with this code.

    Raises:
        RedeemNotOffered: there is none.
    """
    for gift in redeem.gift:
        if gift.code == code:
            return gift
    msg = f"There is no gift `{code}`."
    raise RedeemNotOffered(msg, field="gift")
