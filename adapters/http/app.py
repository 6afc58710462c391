"""The API put together: paths, keys, limits, problems, the document that describes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from msgspec import Struct

from adapters.http.around import Around
from adapters.http.guard import OPEN, Authentication, permitted
from adapters.http.looks import Looks
from adapters.http.metrics import Metrics
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
)
from ledger.application import LoyaltyLedger

ROUTES: Sequence[Any] = (
    *receipts.ROUTES,
    *members.ROUTES,
    *points.ROUTES,
    *allowances.ROUTES,
    *complaints.ROUTES,
    *till.ROUTES,
    *log.ROUTES,
    *keys.ROUTES,
    *health.ROUTES,
)
_ABOUT = """Receipts come in once, however often they are sent; points are told at once.

Every call but `/health` and `/ready` needs a key: `Authorization: Bearer KEY`. A key has a role, which
says what it may do, and stores, for which it may do it. A refusal is `application/problem+json` with a
stable `code`, the `field` at fault, and `retryable`: whether the same call can succeed later."""


class Limits(Struct, frozen=True):
    """What one caller may ask of the server."""

    calls_per_second: int = 50
    """Of one key."""
    seconds: int = 30
    """That a call may take; after them its caller is told to send it again."""


def api(ledger: LoyaltyLedger, limits: Limits = Limits()) -> Around:  # noqa: B008  it is frozen
    """The API on an open ledger, which stays the caller's to close."""
    looks, metrics = Looks(ledger.log), Metrics()

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        await looks.close()

    def provide() -> LoyaltyLedger:
        return ledger

    authentication = DefineMiddleware(Authentication, exclude_from_auth_key=OPEN)
    throttle = RateLimitConfig(
        rate_limit=("second", limits.calls_per_second),
        identifier_for_request=_caller,
        exclude_opt_key=OPEN,
        set_rate_limit_headers=False,
    )
    app = Litestar(
        route_handlers=[
            Router(
                "/", route_handlers=ROUTES, middleware=[throttle.middleware, authentication],
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
    )  # fmt: skip
    app.state.ledger, app.state.metrics = ledger, metrics
    return Around(app, looks, metrics, limits.seconds)


def _caller(request: Any) -> str:
    """Whose calls are counted together: the key's, or the address's where none is shown."""
    said = str(request.headers.get("authorization", ""))
    key_id = said.rpartition(" ")[2].split("_")
    if len(key_id) == 3:
        return f"key:{key_id[1]}"
    return f"host:{request.client.host if request.client else ''}"
