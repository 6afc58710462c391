"""Whether the server lives, whether it can serve, and how it fares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from eventsourcing.persistence import PersistenceError
from litestar import Response
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from adapters.http.guard import Call, Ledger
from adapters.http.paths import open_to_all, reads
from adapters.relay.registering import Endpoints
from ledger.errors import LedgerError, StoreUnavailable

_TEXT = CONTENT_TYPE_LATEST.partition("; charset")[0]
"""The framework says the characters itself."""


class Health(Struct, frozen=True):
    """It lives."""

    status: str


@open_to_all("/health", tags=["server"])
async def health() -> Health:
    """The process answers; nothing is asked of the store."""
    return Health("ok")


@open_to_all("/ready", tags=["server"])
async def ready(ledger: Ledger) -> Health:
    """The store answers, so calls can be served."""
    try:
        await asyncio.to_thread(ledger.log.head)
    except Exception as error:
        raise StoreUnavailable from error
    return Health("ready")


@reads("/metrics", "metrics", awaited=True, tags=["server"], media_type="text/plain")
async def metrics(request: Call, ledger: Ledger) -> Response[bytes]:
    """Calls, their times, the process and the relay's endpoints, in Prometheus' text format."""
    metrics = request.app.state.metrics
    with suppress(
        LedgerError, PersistenceError
    ):  # a store that is away is no reason to say nothing
        fares = await asyncio.to_thread(Endpoints(ledger.log, ledger.clock).status)
        metrics.relayed(fares)
    return Response(generate_latest(metrics.registry), media_type=_TEXT)


ROUTES: Sequence[Any] = (health, ready, metrics)
