"""The most that a receipt, a day, a member may earn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.policies.basket import ALL, Award, Given, Shopper, cut
from ledger.programme import Caps


class Capped(NamedTuple):
    """Awards cut to what may be earned, and the caps that cut them."""

    awards: list[Award]
    caps: tuple[str, ...]


def capped(awards: Sequence[Award], caps: Caps, shopper: Shopper) -> Capped:
    """Cut awards to the programme's caps: the last award first, the base points last of all.

    Within an award its lines keep their proportion (largest remainder).
    """
    if caps.receipt is None and caps.day is None and caps.member is None:
        return Capped(list(awards), ())
    today = shopper.given.get(ALL, Given()).day
    limits = (
        ("receipt", caps.receipt, 0),
        ("day", caps.day, today),
        ("member", caps.member, shopper.earned),
    )
    kept, reached = list(awards), []
    for name, limit, before in limits:
        if limit is not None:
            over = sum(sum(award.points) for award in kept) - max(0, limit - before)
            if over > 0:
                reached.append(f"cap:{name}")
                kept = _shortened(kept, over)
    return Capped(kept, tuple(reached))


def _shortened(awards: Sequence[Award], over: int) -> list[Award]:
    kept: list[Award] = []
    for award in reversed(awards):
        points = sum(award.points)
        off = min(over, points)
        over -= off
        kept.insert(0, Award(award.rule, cut(award.points, points - off)))
    return kept
