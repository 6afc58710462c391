"""The card stream: whose the card is, and which receipts wait for it to have an owner."""

from __future__ import annotations

from msgspec import Struct

from ledger import events as e


class CardState(Struct, frozen=True, array_like=True):
    """A card; its status (blocked, replaced) lies with its member."""

    member: bytes = b""
    waiting: tuple[bytes, ...] = ()
    """Receipts scanned with it while nobody held it."""


def evolve(state: CardState | None, event: e.Event) -> CardState:
    """The state after an event."""
    known = state or CardState()
    match event:
        case e.CardOwned():
            return CardState(event.member)
        case e.CardSeen():
            return CardState(known.member, (*known.waiting, event.receipt))
        case _:
            return known
