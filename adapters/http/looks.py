"""Who did what, and who looked: kept beside the log before the answer goes out.

Whoever waits at the same moment is kept in one transaction, as a till's answer must be fast.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from ledger.aggregates.access import AccessKey
from ledger.store.log import Log, Seen

_LOG = logging.getLogger("loyalty.http")
MOST = 1_000
"""Kept in one transaction."""


class Looks:
    """Collects what is to be kept, and keeps it."""

    def __init__(self, log: Log) -> None:
        """Nothing waits yet."""
        self._log = log
        self._waiting: list[tuple[Seen, asyncio.Future[None]]] = []
        self._unkept: set[asyncio.Future[None]] = set()
        self._later: set[asyncio.Task[None]] = set()
        self._there = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def keep(
        self, who: AccessKey | None, operation: str, code: str, subject: bytes = b"",
        store: str = "",
    ) -> None:  # fmt: skip
        """Keep one, and wait until it is durable."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        about = (who.id, who.holder, who.role) if who else ("", "", "")
        seen = Seen(time.time_ns() // 1000, *about, operation, subject, store, code)
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((seen, kept))
        self._unkept.add(kept)
        kept.add_done_callback(self._unkept.discard)
        self._there.set()
        await kept

    def keep_later(self, keeping: Coroutine[Any, Any, None]) -> None:
        """Keep one without waiting for it."""
        task = asyncio.create_task(keeping)
        self._later.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._later.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("who called could not be kept", exc_info=error)

    async def close(self) -> None:
        """Keep what waits, and stop."""
        while self._later or self._unkept:
            await asyncio.wait([*self._later, *self._unkept])
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._there.wait()
            now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if not self._waiting:
                self._there.clear()
            try:
                await asyncio.to_thread(self._log.put_seen, [seen for seen, _ in now])
            except Exception as error:  # noqa: BLE001  told to those who wait
                for _, kept in now:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for _, kept in now:
                if not kept.done():
                    kept.set_result(None)
