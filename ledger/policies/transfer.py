"""How many points a member may give another."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import AmountInvalid, TransferLimit, TransferNotOffered
from ledger.programme import Transfer


def check_amount(rule: Transfer | None, points: int, so_far: int) -> None:
    """Make sure that so many may be given, after `so_far` on the same day.

    Raises:
        AmountInvalid: nothing or less is given.
        TransferNotOffered: the programme has no transfers.
        TransferLimit: fewer than the minimum, or more than is left of the day's limit.
    """
    if points <= 0:
        raise AmountInvalid(field="points")
    if rule is None:
        raise TransferNotOffered
    if points < rule.minimum_points:
        msg = f"{points} asked, {rule.minimum_points} at least."
        raise TransferLimit(msg, field="points")
    left = max(rule.max_points_day - so_far, 0)
    if points > left:
        raise TransferLimit(f"{points} asked, {left} left today.", field="points")


def repay(lots: Sequence[int], arrears: int) -> tuple[int, ...]:
    """What of each lot goes to arrears, the first lots first."""
    parts = []
    for points in lots:
        part = min(points, arrears)
        parts.append(part)
        arrears -= part
    return tuple(parts)
