"""The stream of a command id: that it was used, where its outcome lies, what was undone of it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e


class Claimed(Struct, frozen=True, array_like=True, gc=False):
    """A command id that is used up."""

    fingerprint: bytes
    stream: bytes
    version: int
    undone: int = 0
    """Points of a redemption that were restored."""
    by_hand: bool = False
    """The whole redemption was undone, so returns restore nothing of it."""
    receipt: bytes = b""
    """The receipt whose returns restored them."""
    hold: int = e.HOLD_OPEN
    """How a hold ended."""
    ended: int = 0
    """Version of the event in the member's stream that ended the hold."""
    undone_in: bytes = b""
    undone_at: int = 0
    """Stream and version of the event that undid it by hand."""
    used: int = 0
    """Points spent under an allowance."""


def evolve(state: Claimed | None, event: e.Event) -> Claimed | None:
    """The state after an event."""
    match event:
        case e.CommandClaimed():
            return Claimed(event.fingerprint, event.stream, event.version)
        case e.RedemptionUndone() if state:
            return replace(
                state, undone=event.points, by_hand=event.by_hand, receipt=event.receipt,
                undone_in=event.member, undone_at=event.version,
            )  # fmt: skip
        case e.HoldEnded() if state:
            return replace(state, hold=event.how, ended=event.version)
        case e.AllowanceUsed() if state:
            return replace(state, used=event.points)
        case _:
            return state
