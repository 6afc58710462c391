"""The stream of fitted models: the last one holds."""

from __future__ import annotations

from ledger import events as e


def evolve(state: e.ModelFitted | None, event: e.Event) -> e.ModelFitted | None:
    """The state is the model that was fitted last."""
    return event if isinstance(event, e.ModelFitted) else state
