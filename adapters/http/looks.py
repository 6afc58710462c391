"""Who did what, and who looked: kept beside the log before the answer goes out.

Whoever waits at the same moment is kept in one transaction, as a till's answer must be fast. What
nobody waits for is gathered for a moment: a transaction for each would cost more than the receipt.
"""

from __future__ import annotations

import asyncio
import logging
import time

from ledger.aggregates.access import AccessKey
from ledger.store.log import Log, Seen

_LOG = logging.getLogger("loyalty.http")
MOST = 1_000
"""Kept in one transaction."""
LATER_SECONDS = 0.05
"""How long what nobody waits for is gathered."""
MOST_WAITING = 50_000
"""Kept in memory while the store is away: some minutes of a chain's receipts."""
AGAIN_SECONDS = 1.0


def seen(
    who: AccessKey | None, operation: str, code: str, subject: bytes = b"", store: str = ""
) -> Seen:
    """A call of now, as it is kept."""
    about = (who.id, who.holder, who.role) if who else ("", "", "")
    return Seen(time.time_ns() // 1000, *about, operation, subject, store, code)


class Looks:
    """Collects what is to be kept, and keeps it."""

    def __init__(self, log: Log) -> None:
        """Nothing waits yet."""
        self._log = log
        self._waiting: list[tuple[Seen, asyncio.Future[None] | None]] = []
        self._due: asyncio.TimerHandle | None = None
        self._there = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def keep(self, look: Seen) -> None:
        """Keep one, and wait until it is durable."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._add(look, kept)
        self._there.set()
        await kept

    def keep_later(self, look: Seen) -> None:
        """Keep one without waiting for it."""
        self._add(look, None)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(LATER_SECONDS, self._there.set)

    async def close(self) -> None:
        """Keep what waits, and stop."""
        self._closing = True
        self._there.set()
        if self._task:
            await self._task

    def _add(self, look: Seen, kept: asyncio.Future[None] | None) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self._waiting.append((look, kept))

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                await self._there.wait()
            self._there.clear()
            if self._due:
                self._due.cancel()
                self._due = None
            while self._waiting:
                now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._keep(now)

    async def _keep(self, now: list[tuple[Seen, asyncio.Future[None] | None]]) -> None:
        try:
            await asyncio.to_thread(self._log.put_seen, [look for look, _ in now])
        except Exception as error:  # noqa: BLE001  told to those who wait
            for _, kept in now:
                if kept and not kept.done():
                    kept.set_exception(error)
            await self._keep_again([one for one in now if one[1] is None], error)
            return
        for _, kept in now:
            if kept and not kept.done():
                kept.set_result(None)

    async def _keep_again(
        self, later: list[tuple[Seen, asyncio.Future[None] | None]], error: Exception
    ) -> None:
        """Let what nobody waits for wait until the store is back: twice in it rather than never."""
        if self._closing or len(self._waiting) + len(later) > MOST_WAITING:
            _LOG.error("who made %d calls could not be kept", len(later), exc_info=error)
        elif later:
            _LOG.warning("who called is kept later: %s", error)
            self._waiting = later + self._waiting
            await asyncio.sleep(AGAIN_SECONDS)
