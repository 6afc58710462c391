"""The stream of the keys that sign allowances: the last one signs, all are remembered."""

from __future__ import annotations

from ledger import events as e

AllowanceKeys = tuple[e.AllowanceKeyMade, ...]


def evolve(state: AllowanceKeys | None, event: e.Event) -> AllowanceKeys:
    """The keys, the first one in front."""
    known = state or ()
    return (*known, event) if isinstance(event, e.AllowanceKeyMade) else known
