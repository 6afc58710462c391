"""How much more one group spends than another, and how sure that is; integers throughout."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from ledger.programme import ONE_BP

Z_HUNDREDTHS = 196
"""1.96: a normal variable lies within so many standard deviations in 95 of 100 cases."""
ENOUGH = 2
"""Members of a group, below which nobody can say how much they differ."""


class Lift(NamedTuple):
    """Means and their difference in minor units (floor); the interval is widened to whole ones."""

    members: int
    held_out: int
    mean_minor: int
    held_out_mean_minor: int
    difference_minor: int
    low_minor: int | None = None
    """None: too few members to say."""
    high_minor: int | None = None


def lift(spent: Sequence[int], held_out: Sequence[int]) -> Lift | None:
    """Mean spend of a group against those held out; None where one of them is empty.

    The interval is d +- 1.96 sqrt(v1/n1 + v2/n2), with v the sample variance (divided by n - 1).
    Source: Welch's standard error of a difference of means, normal quantile.
    """
    n1, n2 = len(spent), len(held_out)
    if not n1 or not n2:
        return None
    top, bottom = sum(spent) * n2 - sum(held_out) * n1, n1 * n2
    told = Lift(n1, n2, sum(spent) // n1, sum(held_out) // n2, top // bottom)
    if min(n1, n2) < ENOUGH:
        return told
    # Over one denominator, n1^2 (n1 - 1) n2^2 (n2 - 1), so that only the root is rounded.
    first, second = n1 * n1 * (n1 - 1), n2 * n2 * (n2 - 1)
    squared = _scatter(spent) * second + _scatter(held_out) * first
    half = _root_up(squared * Z_HUNDREDTHS**2 * bottom**2, first * second * 100**2)
    return told._replace(low_minor=(top - half) // bottom, high_minor=-(-(top + half) // bottom))


def lift_of_shares(of: Sequence[bool], held_out: Sequence[bool]) -> Lift | None:
    """The same of the shares of those who did something, in basis points."""
    one, other = ([ONE_BP * did for did in group] for group in (of, held_out))
    return lift(one, other)


def _scatter(values: Sequence[int]) -> int:
    """N (n - 1) times the sample variance."""
    return len(values) * sum(value * value for value in values) - sum(values) ** 2


def _root_up(top: int, bottom: int) -> int:
    """The square root of a fraction, rounded up."""
    whole = -(-top // bottom)
    root = isqrt(whole)
    return root + (root * root < whole)
