"""How a member stands at an instant; dormancy is a function of time, never recorded."""

from __future__ import annotations

from typing import NamedTuple

from ledger.types import Instant

DAY_SECONDS = 86_400


class Account(NamedTuple):
    """What was recorded of an account."""

    merged: bool
    closed: bool
    erased: bool


def standing(account: Account, last: Instant, dormant_days: int, at: Instant) -> str:
    """erased, closed, merged, dormant or active; `last` is the latest receipt or the enrolment.

    Dormant is who was last seen more than `dormant_days` ago; with 0 nobody is.
    """
    if account.erased:
        return "erased"
    if account.closed:
        return "closed"
    if account.merged:
        return "merged"
    return "dormant" if dormant_days and at - last > dormant_days * DAY_SECONDS else "active"
