"""The API put together: paths, keys, limits, problems, the document that describes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from msgspec import Struct

from adapters.http.around import Around
from adapters.http.guard import OPEN, Authentication, permitted
from adapters.http.hooks import Hook
from adapters.http.looks import Looks
from adapters.http.metrics import Metrics
from adapters.http.pace import Pace
from adapters.http.paths import LARGEST_BODY
from adapters.http.problems import HANDLERS
from adapters.http.routes import (
    allowances,
    complaints,
    health,
    keys,
    log,
    members,
    points,
    receipts,
    till,
    webhooks,
)
from adapters.http.tuples import Tuples
from ledger.application import LoyaltyLedger

ROUTES: Sequence[Any] = (
    *receipts.ROUTES,
    *members.ROUTES,
    *points.ROUTES,
    *allowances.ROUTES,
    *complaints.ROUTES,
    *till.ROUTES,
    *webhooks.ROUTES,
    *log.ROUTES,
    *keys.ROUTES,
    *health.ROUTES,
)
_ABOUT = """Receipts come in once, however often they are sent; points are told at once.

Every call but `/health` and `/ready` needs a key: `Authorization: Bearer KEY`; a webhook is signed
instead, as its sender does. A key has a role, which
says what it may do, and stores, for which it may do it. A refusal is `application/problem+json` with a
stable `code`, the `field` at fault, and `retryable`: whether the same call can succeed later."""


class Limits(Struct, frozen=True):
    """What one caller may ask of the server."""

    calls_per_second: int = 50
    """Of one key."""
    seconds: int = 30
    """That a call may take; after them its caller is told to send it again."""
    calls_at_once: int = 1_000
    """Under way; with as many, further ones are told to come again."""


def api(
    ledger: LoyaltyLedger,
    limits: Limits = Limits(),  # noqa: B008  it is frozen
    hooks: Mapping[str, Hook] | None = None,
) -> Around:
    """The API on an open ledger, which stays the caller's to close; `hooks` by their names."""
    looks, metrics = Looks(ledger.log), Metrics()

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        await looks.close()

    def provide() -> LoyaltyLedger:
        return ledger

    authentication = DefineMiddleware(Authentication, exclude_from_auth_key=OPEN)
    app = Litestar(
        route_handlers=[
            Router(
                "/", route_handlers=ROUTES, middleware=[authentication],
                guards=[permitted], security=[{"key": []}],
            )
        ],
        dependencies={"ledger": Provide(provide, sync_to_thread=False)},
        exception_handlers=dict(HANDLERS),
        openapi_config=OpenAPIConfig(
            title="Loyalty Ledger", version="1", description=_ABOUT, path="/openapi",
            components=Components(
                security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
            ),
        ),
        request_max_body_size=LARGEST_BODY,
        lifespan=[lifespan],
        logging_config=None,
        signature_types=[LoyaltyLedger],
        plugins=[Tuples()],
    )  # fmt: skip
    app.state.ledger, app.state.metrics, app.state.hooks = ledger, metrics, hooks or {}
    app.state.pace = Pace(limits.calls_per_second)
    return Around(
        app, looks, metrics, seconds=limits.seconds, at_once=limits.calls_at_once
    )  # fmt: skip
