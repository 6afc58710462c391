"""`[redeem]`: what points can be turned into."""

from __future__ import annotations

from ledger.programme.parts import (
    Contradictions,
    Name,
    Part,
    Points,
    Positive,
    repeated,
)

__all__ = ["Cash", "Gift", "Redeem"]


class Cash(Part, frozen=True):
    """`points` are worth `value_minor` at the till, from a minimum and in steps.

    A step of 0 stands for `points`.
    """

    points: Positive
    value_minor: Positive
    minimum_points: Points = 0
    step_points: Points = 0


class Gift(Part, frozen=True):
    """A gift and its price in points."""

    code: Name
    name: Name
    points: Positive


class Redeem(Part, frozen=True):
    """What points can be turned into; a table that is absent is not offered."""

    cash: Cash | None = None
    gift: tuple[Gift, ...] = ()


def contradictions(redeem: Redeem) -> Contradictions:
    """Find what the types cannot say."""
    yield from repeated("redeem.gift", "code", (gift.code for gift in redeem.gift))
    cash = redeem.cash
    if cash and cash.step_points % cash.points:
        yield "redeem.cash.step_points", f"must be a multiple of redeem.cash.points ({cash.points})"
