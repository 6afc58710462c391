"""The card stream: whose the card is, and which receipts wait for it to have an owner."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e


class CardState(Struct, frozen=True, array_like=True, gc=False):
    """A card; its status (blocked, replaced) lies with its member."""

    member: bytes = b""
    waiting: tuple[bytes, ...] = ()
    """Receipts scanned with it while nobody held it."""
    linked_to: bytes = b""
    """Whose it was first, and the event that said so."""
    linked_at: int = 0


def evolve(state: CardState | None, event: e.Event) -> CardState:
    """The state after an event."""
    known = state or CardState()
    match event:
        case e.CardOwned():
            if not event.version:
                return replace(known, member=event.member, waiting=())
            return CardState(event.member, (), event.member, event.version)
        case e.CardSeen():
            return replace(known, waiting=(*known.waiting, event.receipt))
        case _:
            return known
