"""One event as it is sent, and what came of that."""

from __future__ import annotations

import datetime as dt
import enum
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct

from adapters.notification import Notification, notification_of
from ledger.store.log import Log, Paged

SHARD_DIGITS = 16


class Body(Struct, frozen=True):
    """The body of a webhook: what happened, when it was recorded, and the event."""

    type: str
    timestamp: dt.datetime
    data: Notification


class Message(NamedTuple):
    """What is sent; `id` is the same at every try."""

    id: str
    topic: str
    body: bytes


class Came(enum.Enum):
    """What came of a try."""

    DELIVERED = enum.auto()
    FAILED = enum.auto()
    GONE = enum.auto()
    """The receiver wants nothing more, ever."""


class Answer(NamedTuple):
    """What came of a try, in words, and how long the receiver asks to be left alone."""

    came: Came
    told: str = ""
    rest_seconds: int = 0


class Sender(Protocol):
    """Sends to one endpoint."""

    in_flight: int
    """How many at once, at most."""

    async def send(self, message: Message) -> Answer:
        """Send one; it raises nothing for what the other end or the way there does."""

    async def close(self) -> None:
        """Let go of connections."""


def shard_of(log: Log) -> str:
    """The name of a log in ids: the beginning of its first event's leaf hash, which no other has."""
    first = log.read(0, 1)
    return first[0].leaf.hex()[:SHARD_DIGITS] if first else ""


def message_of(shard: str, row: Paged) -> Message:
    """The message of a row of the log."""
    data = notification_of(row)
    body = msgspec.json.encode(Body(data.topic, data.recorded_at, data))
    return Message(f"{shard}:{data.position}", data.topic, body)
