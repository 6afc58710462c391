"""The stream of a command id: that it was used, and where its outcome lies."""

from __future__ import annotations

from ledger import events as e


def evolve(state: e.CommandClaimed | None, event: e.Event) -> e.CommandClaimed | None:
    """The state is the claim itself."""
    return event if isinstance(event, e.CommandClaimed) else state
