"""The way of one endpoint: what is sent next, and what becomes of it.

Events of one stream (a member's, a receipt's) go in their order. One that is not taken is put aside,
to be tried again by the schedule, and those of its stream stay behind it; all others go on. Where an
endpoint takes nothing at all, nothing more is put aside: it is knocked at now and then, and the rest
waits in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from random import Random
from typing import NamedTuple

from adapters.relay.message import Answer, Came, Sender, message_of
from ledger.store.log import Log, Paged
from ledger.store.outbox import (
    BEHIND,
    DEAD,
    DISABLED,
    WAITING,
    Aside,
    Batch,
    Endpoint,
    Outbox,
    Replay,
    at,
)
from ledger.types import Clock, Instant

SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds from one try to the next (Standard Webhooks); after the last one an event is a dead letter."""
BATCH = 100
DOWN = 10
"""After so many tries in a row that failed an endpoint is taken to be down."""
KNOCK_S = 300
"""How often one that is down is tried, beside what is due."""
WINDOW = 100_000
"""Positions that are looked through at once for events of some topics."""
FULL = 100_000
"""With so many put aside for an endpoint nothing new is taken out of the log for it."""


class _Part(NamedTuple):
    """Rows read from the log after a position, and how far that reading came."""

    rows: Sequence[Paged]
    reached: int

    def done(self, undone: set[int]) -> int:
        """Up to where everything was sent or put aside."""
        first = min((row[0] for row in self.rows if row[0] in undone), default=0)
        return first - 1 if first else self.reached


class _Plan(NamedTuple):
    """What a batch consists of."""

    endpoint: Endpoint
    sent: dict[int, Paged]
    aside: dict[int, Aside]
    """Those of them that were put aside before."""
    behind: list[Aside]
    tail: _Part
    replay: tuple[Replay, _Part] | None = None
    knock: bool = False
    """It is out of turn, and does not count as a try."""


class Courier:
    """Sends to one endpoint, batch after batch."""

    def __init__(
        self, log: Log, shard: str, sender: Sender, *, clock: Clock, random: Random,
        schedule: Sequence[int] = SCHEDULE, halt: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`halt` says that nothing more is to be begun."""
        self._log = log
        self._outbox = Outbox(log)
        self._shard = shard
        self._sender = sender
        self._clock = clock
        self._random = random
        self._schedule = schedule
        self._halt = halt

    async def work(self, endpoint: Endpoint) -> bool:
        """Send what there is to send now, as far as one batch goes; False where there is nothing."""
        plan = await asyncio.to_thread(self._plan, endpoint)
        if plan is None:
            return False
        answers = await _Sending(plan, self._shard, self._sender, self._halt).all()
        batch = self._batch(plan, answers)
        kept = await asyncio.to_thread(self._outbox.keep, batch, self._clock())
        return kept and not self._halt()

    # --- what next -------------------------------------------------------------------------

    def _plan(self, endpoint: Endpoint) -> _Plan | None:
        now = self._clock()
        if endpoint.rest_until > now:
            return None
        if endpoint.failures >= DOWN:
            return self._knock(endpoint, now)
        due = self._outbox.due(endpoint.id, now, BATCH // 2)
        return self._planned(endpoint, due, BATCH - len(due), now)

    def _knock(self, endpoint: Endpoint, now: Instant) -> _Plan | None:
        """One event for an endpoint that is down: one that is due, or now and then another one."""
        if due := self._outbox.due(endpoint.id, now, 1):
            return self._planned(endpoint, due, 0, now)
        if abs(now - endpoint.tried_at) < KNOCK_S:  # also where the clock went back
            return None
        if oldest := self._outbox.oldest(endpoint.id):
            plan = self._planned(endpoint, oldest, 0, now)
            return plan and plan._replace(knock=True)
        return self._planned(endpoint, [], 1, now)

    def _planned(
        self, endpoint: Endpoint, due: Sequence[Aside], room: int, now: Instant
    ) -> _Plan | None:
        counts = self._outbox.counts(endpoint.id)
        if counts[WAITING] + counts[BEHIND] >= FULL:
            room = 0
        replays = self._outbox.replays(endpoint.id)[:1]
        head = self._log.head()
        share = -(-room // (1 + len(replays)))
        tail = self._part(endpoint, endpoint.position, head, share)
        again = [(one, self._part(endpoint, one.position, one.until, share)) for one in replays]
        rows = {row[0]: row for part in (tail, *(p for _, p in again)) for row in part.rows}
        streams, waiting = self._outbox.in_the_way(
            endpoint.id, list({row[1] for row in rows.values()}), list(rows)
        )
        sent = {n: row for n, row in rows.items() if row[1] not in streams}
        behind = [
            _behind(row, now) for n, row in rows.items() if row[1] in streams and n not in waiting
        ]
        aside = {one.position: one for one in due}
        found = ((n, at(self._log, n)) for n in aside)
        sent |= {n: row for n, row in found if row is not None}
        plan = _Plan(endpoint, sent, aside, behind, tail, again[0] if again else None)
        moved = tail.reached > endpoint.position or any(
            part.reached > one.position for one, part in again
        )
        return plan if sent or behind or moved else None

    def _part(self, endpoint: Endpoint, after: int, until: int, room: int) -> _Part:
        if room <= 0 or after >= until:
            return _Part((), after)
        upto = min(until, after + WINDOW)
        rows = self._log.by_position(after, upto, endpoint.topics, room)
        return _Part(rows, rows[-1][0] if len(rows) == room else upto)

    # --- what became of it -----------------------------------------------------------------

    def _batch(self, plan: _Plan, answers: dict[int, Answer]) -> Batch:
        now = self._clock()
        delivered = [n for n, one in answers.items() if one.came is Came.DELIVERED]
        failed = [n for n, one in answers.items() if one.came is Came.FAILED]
        tried = {n: self._tried(plan, n, answers[n], now) for n in failed}
        stuck = {row[1]: n for n, row in plan.sent.items() if n in tried}
        left = {n for n in plan.sent if n not in answers or answers[n].came is Came.GONE}
        held = {n for n in left if plan.sent[n][1] in stuck and n not in plan.aside}
        left -= held
        settled = {
            plan.sent[n][1] for n in (*delivered, *failed)
            if n in plan.aside and (n not in tried or tried[n].state == DEAD)
        }  # fmt: skip
        replay = plan.replay and plan.replay[0]._replace(position=plan.replay[1].done(left))
        behind = [*plan.behind, *(_behind(plan.sent[n], now) for n in held)]
        return Batch(
            plan.endpoint, self._after(plan, answers, left, now), replay, [*tried.values(), *behind], delivered,
            sorted(settled), awake=bool(plan.endpoint.failures >= DOWN and delivered),
        )  # fmt: skip

    def _after(
        self, plan: _Plan, answers: dict[int, Answer], left: set[int], now: Instant
    ) -> Endpoint:
        """The endpoint with its figures after the batch."""
        one = plan.endpoint._replace(position=plan.tail.done(left))
        for answer in answers.values():
            one = one._replace(tried_at=now)
            if answer.came is Came.DELIVERED:
                one = one._replace(failures=0, delivered=one.delivered + 1)
                continue
            one = one._replace(
                failures=one.failures + 1, failed=one.failed + 1, answer=answer.told,
                rest_until=max(one.rest_until, now + answer.rest_seconds),
            )  # fmt: skip
            if answer.came is Came.GONE:
                one = one._replace(state=DISABLED, reason=answer.told)
        return one

    def _tried(self, plan: _Plan, position: int, answer: Answer, now: Instant) -> Aside:
        """An event that was not taken, as it is put aside."""
        before = plan.aside.get(position)
        if before and plan.knock:
            return before._replace(answer=answer.told)
        tries = 1 + (before.tries if before else 0)
        state, due = WAITING, now
        if tries > len(self._schedule):
            state = DEAD
        else:
            wait = self._schedule[tries - 1]
            # Later by up to a fifth, so that not all that failed together come back together.
            due += max(wait + self._random.randint(0, wait // 5), answer.rest_seconds)
        since = before.since if before else now
        return Aside(position, plan.sent[position][1], state, tries, due, since, answer.told)


class _Sending:
    """A batch on its way: so many at once, those of one stream one after the other."""

    def __init__(
        self, plan: _Plan, shard: str, sender: Sender, halt: Callable[[], bool]
    ) -> None:  # fmt: skip
        self._plan = plan
        self._shard = shard
        self._sender = sender
        self._halt = halt
        self._failures = plan.endpoint.failures
        self._enough = False
        self._slots = asyncio.Semaphore(sender.in_flight)
        self._answers: dict[int, Answer] = {}

    async def all(self) -> dict[int, Answer]:
        """The answers by position, in the order in which they came; some may not have been sent."""
        rows = sorted(self._plan.sent.values(), key=lambda row: (row[1], row[0]))
        streams = [list(some) for _, some in groupby(rows, key=lambda row: row[1])]
        async with asyncio.TaskGroup() as group:
            for some in sorted(streams, key=lambda rows: rows[0][0]):
                group.create_task(self._in_order(some))
        return self._answers

    async def _in_order(self, rows: Iterable[Paged]) -> None:
        for row in rows:
            async with self._slots:
                if self._enough or self._halt():
                    return
                answer = await self._sent(row)
                self._heard(row[0], answer)
            if answer.came is not Came.DELIVERED:
                return

    async def _sent(self, row: Paged) -> Answer:
        try:
            return await self._sender.send(message_of(self._shard, row))
        except Exception as bug:  # noqa: BLE001  or its neighbours would be sent again and again
            return Answer(Came.FAILED, type(bug).__name__)

    def _heard(self, position: int, answer: Answer) -> None:
        self._answers[position] = answer
        self._failures = 0 if answer.came is Came.DELIVERED else self._failures + 1
        if answer.came is Came.GONE or answer.rest_seconds or self._failures >= DOWN:
            self._enough = True


def _behind(row: Paged, now: Instant) -> Aside:
    return Aside(row[0], row[1], BEHIND, 0, now, now, "")
