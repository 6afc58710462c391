"""An event of the log as those outside are given it: by the API, and by the relay."""

from __future__ import annotations

import base64
import datetime as dt

from msgspec import Struct

from ledger.calendar import moment_of
from ledger.store.log import Paged


class Notification(Struct, frozen=True):
    """An event of the log; `state` is MessagePack in base 64, personal fields in it encrypted."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: dt.datetime
    state: str


def notification_of(row: Paged) -> Notification:
    """What those outside are given of a row."""
    position, stream, version, topic, state, recorded_at = row
    return Notification(
        position, stream.hex(), version, topic, moment_of(recorded_at),
        base64.b64encode(state).decode(),
    )  # fmt: skip
