"""How an application is served: one process, one event loop."""

from __future__ import annotations

import gc
from typing import Any

import uvicorn

from ledger.store.helping import rest

GARBAGE = 10_000
"""Objects before the collector looks: few calls leave any, and a look takes a millisecond."""


def serve(app: Any, host: str, port: int, **options: Any) -> None:
    """Serve until stopped; calls under way are answered first. `options` as `uvicorn.run` has."""
    gc.collect()
    rest(GARBAGE)  # to look again at all that is there would halt every call
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
        date_header=True, **options,
    )  # fmt: skip
