"""`[enrolment]`, `[transfer]`, `[members]`: who becomes a member, and what members may do."""

from __future__ import annotations

from ledger.programme.parts import Contradictions, Days, Part, Points, Positive

__all__ = ["Enrolment", "Members", "Transfer"]


class Enrolment(Part, frozen=True):
    """Whoever buys for `from_minor` or more with a card that nobody holds becomes its holder."""

    from_minor: Positive


class Transfer(Part, frozen=True):
    """Members may give points to each other, so many at least at once and at most on a day."""

    minimum_points: Positive = 1
    max_points_day: Points = 1_000_000_000


class Members(Part, frozen=True):
    """A member without a receipt for more than `dormant_days` is dormant; 0: nobody ever is."""

    dormant_days: Days = 0


def contradictions(transfer: Transfer | None) -> Contradictions:
    """Find what the types cannot say."""
    if transfer and transfer.minimum_points > transfer.max_points_day:
        yield "transfer.minimum_points", "is above transfer.max_points_day"
