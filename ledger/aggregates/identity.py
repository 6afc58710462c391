"""The stream of an e-mail address or telephone number: whose it is."""

from __future__ import annotations

from ledger import events as e


def evolve(state: bytes | None, event: e.Event) -> bytes | None:
    """The state is the member's stream; empty where nobody has it any more."""
    return event.member if isinstance(event, e.IdentityHeld) else state
