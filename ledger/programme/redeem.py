"""`[redeem]`: what points can be turned into."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ledger.programme.parts import (
    ONE_BP,
    Contradictions,
    Name,
    Part,
    Points,
    Positive,
    RateBp,
    repeated,
)

__all__ = ["MAX_ALLOWANCE_HOURS", "Cash", "Gift", "Offline", "Redeem", "Voucher"]

MAX_ALLOWANCE_HOURS = 168


class Cash(Part, frozen=True):
    """`points` are worth `value_minor` at the till, from a minimum and in steps.

    A step of 0 stands for `points`.
    """

    points: Positive
    value_minor: Positive
    minimum_points: Points = 0
    step_points: Points = 0
    max_share_bp: RateBp = ONE_BP
    """Share of a basket that may be paid with points."""

    @property
    def step(self) -> int:
        """What every redemption is a multiple of."""
        return self.step_points or self.points

    def least_above(self, points: int) -> int:
        """The least number of points from `points` on that is redeemed."""
        return -(-max(self.minimum_points, points, self.step) // self.step) * self.step


class Gift(Part, frozen=True):
    """A gift and its price in points."""

    code: Name
    name: Name
    points: Positive
    stock: bool = False
    """Whether only what was stocked can be given."""
    variants: tuple[Name, ...] = ()
    """E.g. colours; where there are any, one must be named."""


class Voucher(Part, frozen=True):
    """Money off that is bought with points now and used once, later, by its code."""

    code: Name
    name: Name
    points: Positive
    value_minor: Positive
    valid_days: Annotated[int, Meta(ge=1, le=3660)] = 365


class Offline(Part, frozen=True):
    """How much a card may spend at a till that cannot ask, and for how long it is told so."""

    most_points: Positive
    """Of all allowances of a member that hold at one time."""
    hours: Annotated[int, Meta(ge=1, le=MAX_ALLOWANCE_HOURS)] = 24
    """The longest that one holds."""
    share_bp: RateBp = ONE_BP
    """Of the points that are available when it is issued."""


class Redeem(Part, frozen=True):
    """What points can be turned into; a table that is absent is not offered."""

    cash: Cash | None = None
    gift: tuple[Gift, ...] = ()
    voucher: tuple[Voucher, ...] = ()
    hold_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 15
    """The longest that points can be reserved."""
    offline: Offline | None = None


def contradictions(redeem: Redeem) -> Contradictions:
    """Find what the types cannot say."""
    yield from repeated("redeem.gift", "code", (gift.code for gift in redeem.gift))
    yield from repeated("redeem.voucher", "code", (v.code for v in redeem.voucher))
    for index, gift in enumerate(redeem.gift):
        if len(set(gift.variants)) < len(gift.variants):
            yield f"redeem.gift[{index}].variants", "names one twice"
    cash = redeem.cash
    if cash and cash.step_points % cash.points:
        yield "redeem.cash.step_points", f"must be a multiple of redeem.cash.points ({cash.points})"
    if redeem.offline and cash is None:
        yield "redeem.offline", "needs redeem.cash: offline, points pay as cash"
    elif redeem.offline and cash and redeem.offline.most_points < cash.least_above(0):
        least = cash.least_above(0)
        yield "redeem.offline.most_points", f"is below the least that is redeemed ({least})"
