"""Which fraud limits a receipt is beyond. A value at its limit is still within it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.programme import Fraud, FraudLimit
from ledger.types import Instant

DAY_SECONDS, MINUTE_SECONDS = 86_400, 60


class Facts(NamedTuple):
    """What is counted for one receipt, itself included."""

    receipts: int
    """Of its card on its day."""
    points: int
    """Of the member on its day."""
    late_days: int
    stores: int
    own_card: bool


class Breach(NamedTuple):
    """A limit that was passed, by which value, and whether the points have to wait."""

    limit: str
    value: int
    review: bool


def breaches(fraud: Fraud, facts: Facts) -> tuple[Breach, ...]:
    """The limits that the facts are beyond, in the order of the programme's keys."""
    found = [
        *_above("receipts_per_card_day", fraud.receipts_per_card_day, facts.receipts),
        *_above("points_per_day", fraud.points_per_day, facts.points),
        *_above("late_days", fraud.late_days, facts.late_days),
    ]
    stores, own = fraud.stores, fraud.own_card
    if stores and facts.stores > stores.limit:
        found.append(Breach("stores", facts.stores, stores.action == "review"))
    if own and facts.own_card:
        found.append(Breach("own_card", 1, own.action == "review"))
    return tuple(found)


def late_days(captured_at: Instant, claimed_at: Instant) -> int:
    """How many days later it is claimed, a begun day as a whole one (rounded up)."""
    return max(0, -(-(claimed_at - captured_at) // DAY_SECONDS))


def stores_within(
    visits: Sequence[tuple[Instant, str]], at: Instant, store: str, minutes: int
) -> int:
    """The most different stores in any stretch of so many minutes that holds this visit.

    Both ends belong to the stretch. Visits may come in any order.
    """
    seconds = minutes * MINUTE_SECONDS
    near = [(when, where) for when, where in visits if abs(when - at) <= seconds]
    near.append((at, store))
    return max(
        len({where for when, where in near if start <= when <= start + seconds})
        for start, _ in near
    )


def _above(name: str, limit: FraudLimit | None, value: int) -> Sequence[Breach]:
    if limit is None or value <= limit.limit:
        return ()
    return (Breach(name, value, limit.action == "review"),)
