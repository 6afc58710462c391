"""The receipt stream: that the key was used, by whom, and what came back since."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e


class ReceiptState(Struct, frozen=True, array_like=True):
    """A recorded receipt. `member` is empty while it belongs to nobody.

    `version` is that of the event in the member's stream which holds the award.
    """

    fingerprint: bytes = b""
    member: bytes = b""
    version: int = 0
    why: int = -1
    """Why it was recorded without a member; -1 where it was recorded with one."""
    card: bytes = b""
    returned: tuple[tuple[int, int], ...] = ()
    """(line counted from 0, quantity returned so far)."""
    before_award: tuple[tuple[int, int], ...] = ()
    """What had come back before the receipt was attributed, so earned nothing."""
    decision: int = e.DECISION_NONE
    """What a person decided on it, where it waited."""
    reduced: int = 0
    """Points that waited for review until their goods came back."""


def evolve(state: ReceiptState | None, event: e.Event) -> ReceiptState:
    """The state after an event."""
    known = state or ReceiptState()
    match event:
        case e.ReceiptClaimed():
            return replace(
                known, fingerprint=event.fingerprint, member=event.member, version=event.version
            )
        case e.ReceiptUnclaimed():
            return replace(known, fingerprint=event.fingerprint, why=event.why, card=event.card)
        case e.ReceiptGiven():
            return replace(
                known, member=event.member, version=event.version, before_award=known.returned
            )
        case e.LinesReturned():
            return replace(known, returned=_added(known.returned, event))
        case e.ReceiptReviewed():
            return replace(known, decision=event.decision)
        case e.ReviewReduced():
            return replace(known, reduced=known.reduced + event.points)
        case _:
            return known


def _added(
    returned: tuple[tuple[int, int], ...], event: e.LinesReturned
) -> tuple[tuple[int, int], ...]:
    so_far = dict(returned)
    for line, quantity in zip(event.lines, event.quantities, strict=True):
        so_far[line] = so_far.get(line, 0) + quantity
    return tuple(sorted(so_far.items()))
