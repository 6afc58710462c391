"""How an application is served: one process, one event loop."""

from __future__ import annotations

from typing import Any

import uvicorn


def serve(app: Any, host: str, port: int, **options: Any) -> None:
    """Serve until stopped; calls under way are answered first. `options` as `uvicorn.run` has."""
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
        date_header=True, **options,
    )  # fmt: skip
