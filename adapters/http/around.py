"""What stands around every call: its time limit, its count, and the record of who made it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Litestar
from litestar.types import Receive, Scope

from adapters.http.guard import OPEN, OPERATION
from adapters.http.looks import Looks, seen
from adapters.http.metrics import Metrics
from adapters.http.paths import KEPT_LATER
from adapters.http.problems import PROBLEM_JSON, problem_of
from ledger.errors import Busy, LedgerError, StoreUnavailable

Sending = Callable[[Any], Awaitable[None]]
_START, _BODY = "http.response.start", "http.response.body"
OK = 400
_ALWAYS = {"/health", "/ready"}
"""Whoever watches the server must hear of it, however busy it is."""
_SAFE = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Around:
    """An ASGI application around another."""

    def __init__(
        self, app: Litestar, looks: Looks, metrics: Metrics, *, seconds: int, at_once: int
    ) -> None:
        """Give each call so many seconds, and have so many under way."""
        self.app = app
        self._looks = looks
        self._metrics = metrics
        self._seconds = seconds
        self._at_once = at_once
        self._open = 0

    async def __call__(self, scope: Any, receive: Receive, send: Sending) -> None:
        """Answer a call, or pass on what is none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(self, scope, send)
        if self._open >= self._at_once and scope["path"] not in _ALWAYS:
            # Answered late it would be sent again meanwhile, which makes all others later still.
            await answer.refuse(Busy("Too many calls are under way."))
            self._metrics.told("turned-away", answer.status, time.perf_counter() - answer.began)
            return
        self._open += 1
        self._metrics.open.inc()
        try:
            async with asyncio.timeout(self._seconds):
                await self.app(scope, receive, answer.send)
        except TimeoutError:
            if not answer.status:
                await answer.refuse(StoreUnavailable("It took too long."))
        finally:
            self._open -= 1
            self._metrics.open.dec()
            operation = _opt(scope).get(OPERATION, "open")
            self._metrics.told(operation, answer.status or 499, time.perf_counter() - answer.began)

    async def keep(self, scope: Scope, code: str) -> None:
        """Record who called, before the answer goes out; a till's receipt does not wait for it."""
        opt = _opt(scope)
        if opt.get(OPEN) or OPERATION not in opt:
            return
        state: dict[str, Any] = scope.get("state", {})
        look = seen(
            scope.get("user"), opt[OPERATION], state.get("code", code),
            state.get("subject", b""), state.get("store", ""),
        )  # fmt: skip
        if opt.get(KEPT_LATER):
            self._looks.keep_later(look)
        else:
            await self._looks.keep(look)


class _Answer:
    """One answer on its way out."""

    def __init__(self, around: Around, scope: Any, send: Sending) -> None:
        self.status = 0
        self.began = time.perf_counter()
        self._around = around
        self._scope = scope
        self._send = send

    async def send(self, message: Any) -> None:
        """Pass a part of the answer on; what is recorded of the call comes before the first."""
        if message["type"] == _START:
            status = message["status"]
            await self._around.keep(self._scope, "ok" if status < OK else str(status))
            self.status = status
            message["headers"] = [*message["headers"], *_SAFE]
        await self._send(message)

    async def refuse(self, why: LedgerError) -> None:
        """Say why there is no other answer; the same may be sent again."""
        problem = problem_of(why)
        self.status = problem.status
        body = msgspec.json.encode(problem)
        headers = [
            (b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"1"), *_SAFE,
        ]  # fmt: skip
        await self._send({"type": _START, "status": problem.status, "headers": headers})
        await self._send({"type": _BODY, "body": body, "more_body": False})


def _opt(scope: Any) -> dict[str, Any]:
    handler = scope.get("route_handler")
    return handler.opt if handler else {}
