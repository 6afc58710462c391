"""Tills that send receipts over HTTP, each in its own time: `python -m bench.sender TASK`.

An open loop: a receipt is sent when it is due, whether or not those before it were answered, on a
connection of its own, and its time counts from when it was due. A till sends a receipt until it is
answered. What was sent and what was answered stands in a log, a line each, to be compared with the
ledger's. Each window's times are told on standard output, as a line of JSON.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

import msgspec
from msgspec import Struct

from bench.callers import percentiles_us

PATIENCE_SECONDS = 10
"""Before a till gives a call up and sends it again."""
GRACE_SECONDS = 90
"""After the last receipt was due: whatever is not answered by then is lost."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
OK = 200
_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
)


class Task(Struct):
    """What is sent: how many tills, each about every so many seconds, for how long, whereto."""

    port: int
    path: str
    log: str
    tills: int
    period_seconds: float
    seconds: float
    window_seconds: float
    run: str
    """Stands in each receipt's number, so that no two runs send the same."""
    seed: int
    keys: list[str]
    """A till's is the one at its number, from the front again where there are fewer."""
    stores: list[str]
    """Beside the keys."""
    cards: list[str]
    baskets: list[str]
    """Lines, as JSON."""


class Told(Struct):
    """One window: when it began, how many were answered, the microseconds that took, what failed."""

    at_seconds: float
    answered: int
    percentiles_us: dict[str, float]
    failed: dict[str, int]
    """Calls that were not answered with 200, by why; each was sent again."""


class Sender:
    """All tills of one process."""

    def __init__(self, task: Task, log: TextIO) -> None:
        self._task, self._log = task, log
        self._rng = random.Random(task.seed)
        self._took: list[int] = []
        self._failed: Counter[str] = Counter()
        self._open: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Send everything; how many were never answered."""
        loop, task, rng = asyncio.get_running_loop(), self._task, self._rng
        due = [(rng.uniform(0, task.period_seconds), till, 0) for till in range(task.tills)]
        heapq.heapify(due)
        began, window = loop.time(), 0
        while due[0][0] < task.seconds:
            at, till, number = due[0]
            again = at + task.period_seconds * rng.uniform(0.75, 1.25)
            heapq.heapreplace(due, (again, till, number + 1))
            while at >= (window + 1) * task.window_seconds:
                window += 1
                self._tell(window * task.window_seconds)
            if (wait := began + at - loop.time()) > 0:
                await asyncio.sleep(wait)
            one = loop.create_task(self._send(till, number, began + at))
            self._open.add(one)
            one.add_done_callback(self._open.discard)
        if self._open:
            await asyncio.wait(set(self._open), timeout=GRACE_SECONDS)
        self._tell(task.seconds)
        return len(self._open)

    def _tell(self, at_seconds: float) -> None:
        shown = percentiles_us(self._took) if self._took else {}
        told = Told(at_seconds, len(self._took), shown, dict(self._failed))
        print(msgspec.json.encode(told).decode(), flush=True)
        self._took, self._failed = [], Counter()

    async def _send(self, till: int, number: int, due: float) -> None:
        """Send one until it is answered."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_SECONDS
        receipt, request = self._request(till, number)
        self._log.write(f"sent {receipt}\n")
        while True:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    status, body = await _called(self._task.port, request)
                if status == OK:
                    break
                self._failed[str(status)] += 1
            except (OSError, TimeoutError, ValueError) as error:
                self._failed[type(error).__name__] += 1
            await asyncio.sleep(pause * self._rng.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._took.append(int(1e9 * (loop.time() - due)))
        told = json.loads(body)
        self._log.write(f"answered {receipt} {told.get('stream', '')} {told.get('version', 0)}\n")

    def _request(self, till: int, number: int) -> tuple[str, bytes]:
        """A receipt of now, as its key is told and as it is sent."""
        task, rng, place = self._task, self._rng, till % len(self._task.keys)
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        named = f"{task.run}-{number}"
        body = (
            f'{{"store":"{task.stores[place]}","lane":"{till}","business_date":"{now.date()}",'
            f'"number":"{named}","captured_at":"{now.isoformat()}","currency":"EUR",'
            f'"card":"{rng.choice(task.cards)}","lines":{rng.choice(task.baskets)}}}'
        ).encode()
        head = _HEAD.format(path=task.path, key=task.keys[place], length=len(body))
        receipt = f"{task.stores[place]} {till} {now.date()} {named}"
        return receipt, head.encode() + body


class _Call(asyncio.Protocol):
    """One call on a connection of its own, which the server closes."""

    def __init__(self, request: bytes, answer: asyncio.Future[bytes]) -> None:
        self._request, self._answer, self._got = request, answer, b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer.done():
            return
        if exc is not None:
            self._answer.set_exception(exc)
        else:
            self._answer.set_result(self._got)


async def _called(port: int, request: bytes) -> tuple[int, bytes]:
    """Status and body.

    Raises:
        OSError: there is no connection, or it broke.
        ValueError: it ended before the answer did.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_connection(lambda: _Call(request, answer), "127.0.0.1", port)
    try:
        head, ended, body = (await answer).partition(b"\r\n\r\n")
    finally:
        transport.abort()
    length = b"content-length: %d\r\n" % len(body)
    if not ended or length not in head.lower() + b"\r\n":
        msg = "it was cut off"
        raise ValueError(msg)
    return int(head[9:12]), body


def main() -> int:
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    with Path(task.log).open("w") as log:
        began = time.monotonic()
        lost = asyncio.run(Sender(task, log).run())
    print(json.dumps({"lost": lost, "seconds": time.monotonic() - began}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
