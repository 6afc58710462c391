"""What wakes a follower. It is only a hint: who waits looks at the log again in any case.

PostgreSQL rings when an append commits, but a ring can be lost with its connection; SQLite never
rings. So the wait is always bounded, and what is in the log decides.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from ledger.store.log import Log


class Bell(Protocol):
    """Waits until something may have been appended."""

    def wait(self, at_most_ms: int) -> None:
        """Return when it rings, or after so many milliseconds."""

    def close(self) -> None:
        """Let go of what it listens on."""


def bell_of(log: Log) -> Bell:
    """The bell of a log; it listens from now on, so look at the log only after this."""
    return _Rung(log) if log.is_postgres else _Silent()


class _Silent:
    """The bell of a store that does not ring."""

    def wait(self, at_most_ms: int) -> None:
        time.sleep(at_most_ms / 1000)

    def close(self) -> None:
        """Nothing is held."""


class _Rung:
    """The bell of PostgreSQL, on a connection of its own."""

    def __init__(self, log: Any) -> None:
        self._given = dict(log.datastore.pool.kwargs)
        self._connection: Any = None
        self._listen()

    def wait(self, at_most_ms: int) -> None:
        import psycopg  # noqa: PLC0415  only PostgreSQL comes here

        if self._connection is None:
            time.sleep(at_most_ms / 1000)
            self._listen()
            return
        try:
            for _ in self._connection.notifies(timeout=at_most_ms / 1000, stop_after=1):
                pass
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self) -> None:
        import psycopg  # noqa: PLC0415

        from ledger.store.postgres import CHANNEL  # noqa: PLC0415

        try:
            self._connection = psycopg.connect(**self._given, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error:
            self.close()
