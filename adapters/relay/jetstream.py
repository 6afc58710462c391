"""Events into NATS JetStream: the stream's own window drops what it has already.

Source: NATS JetStream: a message whose `Nats-Msg-Id` the stream saw within its `duplicate_window` is
acknowledged and not stored again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import nats
from nats.errors import Error
from nats.js.errors import NoStreamResponseError

from adapters.relay.message import Answer, Came, Message
from ledger.store.outbox import Endpoint

TIMEOUT_S = 20
IN_FLIGHT = 100
_TOLD_CHARACTERS = 200


class JetStream:
    """Publishes to one server, over one connection."""

    in_flight = IN_FLIGHT

    def __init__(self, endpoint: Endpoint, timeout_s: int = TIMEOUT_S) -> None:
        """Connect to nothing yet."""
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._connecting = asyncio.Lock()

    async def send(self, message: Message) -> Answer:
        """See `Sender`; delivered is what the stream has stored, now or before."""
        subject = self._endpoint.subject.replace("{topic}", message.topic)
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await self._connected()
                await connection.jetstream(timeout=self._timeout_s).publish(
                    subject, message.body, headers={"Nats-Msg-Id": message.id}
                )
        except NoStreamResponseError:
            return Answer(Came.FAILED, f"no stream takes {subject}")
        except TimeoutError:
            return Answer(Came.FAILED, f"no answer within {self._timeout_s} seconds")
        except (Error, OSError) as error:
            told = f"{type(error).__name__}: {error}"
            return Answer(Came.FAILED, told.replace(self._endpoint.url, "")[:_TOLD_CHARACTERS])
        return Answer(Came.DELIVERED)

    async def close(self) -> None:
        """See `Sender`."""
        if self._connection is not None:
            with suppress(Error, OSError, TimeoutError):
                await self._connection.close()
            self._connection = None

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._connection is None or not self._connection.is_connected:
                await self.close()
                # Who tries again is the relay, by its own schedule.
                self._connection = await nats.connect(
                    self._endpoint.url, allow_reconnect=False, max_reconnect_attempts=1,
                    reconnect_time_wait=0, connect_timeout=self._timeout_s,
                    error_cb=_ignored, name="loyalty-ledger",
                )  # fmt: skip
            return self._connection


async def _ignored(_: Exception) -> None:
    """What is wrong with a connection is told by what is sent over it."""
