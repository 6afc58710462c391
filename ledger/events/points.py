"""Points given, taken and redeemed outside a receipt."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import Day, Instant, Take

__all__ = ["PointsAdjusted", "PointsRedeemed", "PointsRestored", "PointsRetaken"]


class PointsRedeemed(Event, frozen=True):
    """Points were turned into money off or a gift; the lots that paid are named."""

    TOPIC: ClassVar[str] = "redeemed"
    captured_at: Instant
    points: int
    takes: tuple[Take, ...]
    value_minor: int
    """Money off; 0 for a gift."""
    gift: str
    store: str
    programme: int
    command: str
    card: int = -1
    """Index of the card that paid; -1 where it was not kept."""
    variant: str = ""
    """Of the gift."""
    voucher: bytes = b""
    """The stream of the voucher that was bought."""
    pieces: int = 0
    """Taken from the gift's stock."""
    day: Day = 0
    """The day in the programme's zone, whose limit of the card it counts to."""
    allowance: bytes = b""
    """The stream of the allowance under which a till let it pay without asking."""
    arrears: int = 0
    """Of `points`, those that were no longer there: the shortfall, which the member owes."""
    unexpired: tuple[Take, ...] = ()
    """Lots that paid although their expiry had been recorded, which is undone."""
    owed_as: tuple[Take, ...] = ()
    """The lot of what was owed, where it was repaid and the redemption is undone."""


class PointsRestored(Event, frozen=True):
    """Points of a redemption went back to their own lots, with their own expiries."""

    TOPIC: ClassVar[str] = "restored"
    captured_at: Instant
    redemption: bytes
    """The stream of the command that redeemed."""
    takes: tuple[Take, ...]
    value_minor: int
    receipt: bytes
    """Whose return gave them back; empty where the redemption was undone by hand."""
    reason: str
    author: str
    programme: int
    arrears: int = 0
    """Points that are owed no more, of a redemption that was partly owed."""


class PointsRetaken(Event, frozen=True):
    """A return was voided, so what it had restored is redeemed again."""

    TOPIC: ClassVar[str] = "retaken"
    captured_at: Instant
    redemption: bytes
    points: int
    takes: tuple[Take, ...]
    arrears: int
    """Points owed, because they were spent in between."""
    value_minor: int
    receipt: bytes
    programme: int
    gone: tuple[Take, ...] = ()
    """Had expired in between: reinstated and redeemed at once, from no lot."""


class PointsAdjusted(Event, frozen=True):
    """Staff added points (`points` above zero, into a lot) or took them (`takes`)."""

    TOPIC: ClassVar[str] = "adjusted"
    captured_at: Instant
    points: int
    takes: tuple[Take, ...]
    activates_at: Instant
    expires_at: Instant
    reason: str
    author: str
    programme: int
    command: str
    repaid: int = 0
    role: str = ""
    approved_by: str = ""
    approver_role: str = ""


EVENTS: tuple[type[Event], ...] = (PointsRedeemed, PointsRestored, PointsRetaken, PointsAdjusted)
