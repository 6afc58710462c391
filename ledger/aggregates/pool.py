"""The stream of a quantity that members share: how much was put in and taken."""

from __future__ import annotations

from msgspec import Struct

from ledger import events as e


class Pool(Struct, frozen=True, array_like=True, gc=False):
    """A shared quantity; how `drawn` was cut into events says nothing."""

    drawn: int = 0
    stocked: int = 0


def evolve(state: Pool | None, event: e.Event) -> Pool:
    """The state after an event."""
    known = state or Pool()
    match event:
        case e.Drawn():
            return Pool(known.drawn + event.quantity, known.stocked)
        case e.Stocked():
            return Pool(known.drawn, known.stocked + event.quantity)
        case _:
            return known
