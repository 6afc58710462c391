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

__all__ = ["Cash", "Gift", "Redeem", "Voucher"]


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


class Redeem(Part, frozen=True):
    """What points can be turned into; a table that is absent is not offered."""

    cash: Cash | None = None
    gift: tuple[Gift, ...] = ()
    voucher: tuple[Voucher, ...] = ()
    hold_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 15
    """The longest that points can be reserved."""


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
