"""Whether a member is about to buy again, by its own pace."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ledger.policies.profile import median
from ledger.policies.rhythm import DUE, LATEST, ON_TIME, standing
from ledger.types import Day


def due(days: Iterable[Day], today: Day, within_days: int) -> bool:
    """Whether the next purchase falls within so many days after today.

    It is told for the last day plus the middle of the latest intervals. Who is past that by a
    quarter of the interval at most is due still; then the purchase was probably made elsewhere.
    With fewer than two days of purchases there is no pace, so nobody is due.
    """
    bought = sorted(set(days))[-LATEST - 1 :]
    if len(bought) < 2:
        return False
    interval = median([late - early for early, late in pairwise(bought)])
    told = bought[-1] + interval
    if told > today:
        return told <= today + within_days
    return standing(interval, today - bought[-1]) in {ON_TIME, DUE}
