"""The log for followers, and who did what."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from litestar.params import Parameter
from msgspec import Struct

from adapters.http.guard import Ledger
from adapters.http.paths import reads
from adapters.notification import Notification, notification_of
from ledger.calendar import moment_of

LOOK_SECONDS = 0.2
After = Annotated[int, Parameter(ge=0, le=2**62, description="The last one seen.")]
Limit = Annotated[int, Parameter(ge=1, le=1_000)]
Wait = Annotated[int, Parameter(ge=0, le=25, description="Seconds to wait where there is none.")]


class Notifications(Struct, frozen=True):
    """Events in their order; ask on with `after` as the last position, or `head` if there are none."""

    head: int
    events: list[Notification]


class Look(Struct, frozen=True):
    """Who did something, or looked."""

    number: int
    at: dt.datetime
    key: str
    holder: str
    role: str
    operation: str
    subject: str
    store: str
    code: str


@reads("/v1/log", "log", awaited=True, tags=["log"])
async def log(
    ledger: Ledger, after: After = 0, limit: Limit = 100, wait: Wait = 0
) -> Notifications:
    """Events after a position: every one, once, in order. With `wait`, a long poll."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        rows = await asyncio.to_thread(ledger.log.page, after, limit)
        if rows or loop.time() >= until:
            break
        await asyncio.sleep(LOOK_SECONDS)
    events = [notification_of(row) for row in rows]
    return Notifications(rows[-1][0] if rows else after, events)


@reads("/v1/looks", "looks", tags=["log"])
def looks(ledger: Ledger, after: After = 0, limit: Limit = 100) -> list[Look]:
    """Who did what through this API, and who looked at whom."""
    return [
        Look(
            number, moment_of(one.at // 1_000_000), one.key, one.holder,
            one.role, one.operation, one.subject.hex(), one.store, one.code,
        )
        for number, one in ledger.log.seen(after, limit)
    ]  # fmt: skip


ROUTES: Sequence[Any] = (log, looks)
