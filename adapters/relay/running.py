"""A relay at work: one at a time on a log, with a courier for each endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random, SystemRandom
from threading import Event

from eventsourcing.persistence import PersistenceError

from adapters.relay.courier import SCHEDULE, Courier
from adapters.relay.message import Sender, shard_of
from adapters.relay.webhook import TIMEOUT_S, Webhook
from ledger.errors import LedgerError, RelayBusy
from ledger.store.bell import Bell, bell_of
from ledger.store.log import Log
from ledger.store.outbox import ACTIVE, Endpoint, Outbox, Turn
from ledger.types import Clock

POLL_MS = 1_000
LONGEST_REST_S = 60
"""The longest that an endpoint is left alone where the store, or this program, fails it."""


class Relay:
    """Sends what is in a log to its endpoints."""

    def __init__(
        self, log: Log, clock: Clock, *, schedule: Sequence[int] = SCHEDULE,
        timeout_s: int = TIMEOUT_S, random: Random | None = None,
        complain: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """`complain` hears what kept it from sending: the store, another relay."""
        self.log = log
        self._clock = clock
        self._schedule = schedule
        self._timeout_s = timeout_s
        self._random = random or SystemRandom()
        self._complain = complain
        self.outbox = Outbox(log)
        self._turn = Turn(log)
        self._stop = Event()
        self._lost = False
        self._rung = asyncio.Event()

    def once(self) -> None:
        """Send what there is to send now, and end.

        Raises:
            RelayBusy: another one is at it.
        """
        if not self._turn.take():
            raise RelayBusy
        try:
            asyncio.run(self._once())
        finally:
            self._turn.leave()

    def run(self, stop: Event, *, poll_ms: int = POLL_MS) -> None:
        """Send until told to stop; what is on its way then is waited for.

        Where another relay is sending it waits, and goes on when that one ends.
        """
        self._stop = stop
        said = False
        while not stop.is_set():
            try:
                taken = self._turn.take()
            except LedgerError as away:
                self._complain(str(away))
                stop.wait(poll_ms / 1_000)
                continue
            if taken:
                said = self._lost = False
                try:
                    asyncio.run(self._run(poll_ms))
                finally:
                    self._turn.leave()
            else:
                if not said:
                    self._complain(f"{RelayBusy()} It waits.")
                said = True
                stop.wait(poll_ms / 1_000)

    def sender_to(self, endpoint: Endpoint) -> Sender:
        """What sends to an endpoint, by its URL.

        Raises:
            ImportError: it is of NATS, and the extra `nats` is not installed.
        """
        if endpoint.url.startswith(("http://", "https://")):
            return Webhook(endpoint, self._clock, self._timeout_s)
        from adapters.relay.jetstream import JetStream  # noqa: PLC0415  an extra

        return JetStream(endpoint, self._timeout_s)

    def courier(self, shard: str, sender: Sender) -> Courier:
        """What decides which events are sent next."""
        return Courier(
            self.log, shard, sender, clock=self._clock, random=self._random,
            schedule=self._schedule, halt=self._halted,
        )  # fmt: skip

    def _halted(self) -> bool:
        return self._lost or self._stop.is_set()

    async def _once(self) -> None:
        endpoints = await asyncio.to_thread(self.outbox.endpoints)
        await asyncio.gather(*(self._deliver(one, go_on=False) for one in endpoints))

    async def _run(self, poll_ms: int) -> None:
        bell = bell_of(self.log)  # before the first look, so that nothing falls between
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while not self._halted():
                await self._look(under_way)
                await asyncio.to_thread(bell.wait, poll_ms)
                self._ring()
        finally:
            await self._end(under_way, bell)

    async def _look(self, under_way: dict[str, asyncio.Task[None]]) -> None:
        """Begin with endpoints that are new, or go on again."""
        try:
            if not await asyncio.to_thread(self._turn.held):
                self._lost = True
                return
            for one in await asyncio.to_thread(self.outbox.endpoints):
                task = under_way.get(one.id)
                if one.state == ACTIVE and (task is None or task.done()):
                    under_way[one.id] = asyncio.create_task(self._deliver(one, go_on=True))
        except (LedgerError, PersistenceError) as away:
            self._complain(str(away))

    def _ring(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def _end(self, under_way: dict[str, asyncio.Task[None]], bell: Bell) -> None:
        self._ring()
        await asyncio.gather(*under_way.values(), return_exceptions=True)
        await asyncio.to_thread(bell.close)

    async def _deliver(self, endpoint: Endpoint, *, go_on: bool) -> None:
        """Send to one endpoint until there is nothing left, or (`go_on`) until it is told to stop."""
        way = _Way(self, endpoint.id)
        rest_s = 1
        try:
            while not self._halted():
                rung = self._rung  # before the look, so that nothing falls between
                try:
                    more = await way.batch()
                    rest_s = 1
                except Exception as error:
                    if not go_on:
                        raise
                    self._complain(_told(endpoint.name, error))
                    await self._rest(rest_s)
                    more, rest_s = True, min(2 * rest_s, LONGEST_REST_S)
                if more is None or not (more or go_on):
                    return
                if not more:
                    await rung.wait()
        finally:
            await way.close()

    async def _rest(self, seconds: int) -> None:
        """Leave it alone for a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._halted() and loop.time() < until:
            await self._rung.wait()


class _Way:
    """One endpoint's batches, with the sender that they need."""

    def __init__(self, relay: Relay, of: str) -> None:
        self._relay = relay
        self._of = of
        self._secrets = ""
        self._sender: Sender | None = None
        self._shard = ""

    async def batch(self) -> bool | None:
        """Send one; whether there may be more, and None where the endpoint is to be left alone."""
        relay = self._relay
        one = await asyncio.to_thread(relay.outbox.endpoint, self._of)
        if one is None or one.state != ACTIVE:
            return None
        if self._sender is None or one.secrets != self._secrets:
            await self.close()
            self._sender, self._secrets = relay.sender_to(one), one.secrets
            self._shard = await asyncio.to_thread(shard_of, relay.log)
        return await relay.courier(self._shard, self._sender).work(one)

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()
            self._sender = None


def _told(name: str, error: Exception) -> str:
    """What kept an endpoint from being sent to: the store, or this program."""
    known = isinstance(error, (LedgerError, PersistenceError, ImportError))
    return f"{name}: {error if known else f'{type(error).__name__}: {error}'}"
