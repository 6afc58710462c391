"""How an application is served: one process, one event loop."""

from __future__ import annotations

import gc
from typing import Any

import uvicorn

GARBAGE = 10_000
"""Objects before the collector looks: few calls leave any, and a look takes a millisecond."""


def serve(app: Any, host: str, port: int, **options: Any) -> None:
    """Serve until stopped; calls under way are answered first. `options` as `uvicorn.run` has."""
    gc.collect()
    gc.freeze()  # what is there by now stays; to look at all of it again would halt every call
    gc.set_threshold(GARBAGE)
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
        date_header=True, **options,
    )  # fmt: skip
