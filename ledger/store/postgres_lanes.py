"""The two statements of every batch, straight through libpq.

A cursor of the driver takes three times as long for a call as the call itself, which counts
where a caller waits alone. Here a connection is kept at hand, the statement is prepared once,
and parameters and rows are in the server's binary form, see `postgres_binary`.
Source: https://www.postgresql.org/docs/current/libpq-exec.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import psycopg
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)
from eventsourcing.postgres import PostgresDatastore
from psycopg import pq
from psycopg.errors import error_from_result

KEPT = 2
"""Connections kept at hand at most: one appends while the other looks up. One of the pool's always
stays for everything else."""
_BINARY = 1
_ERRORS: tuple[tuple[type[psycopg.Error], type[PersistenceError]], ...] = (
    (psycopg.InterfaceError, InterfaceError),
    (psycopg.OperationalError, OperationalError),
    (psycopg.DataError, DataError),
    (psycopg.IntegrityError, IntegrityError),
    (psycopg.InternalError, InternalError),
    (psycopg.ProgrammingError, ProgrammingError),
    (psycopg.NotSupportedError, NotSupportedError),
    (psycopg.Error, OperationalError),
)
"""The library's error for each of the driver's, the first that fits.

Of a server that was stopped under a statement the driver knows no code, and so no class either.
"""


class Statement(NamedTuple):
    """A statement with `$1` and so on, and the types of its parameters."""

    sql: str
    types: tuple[int, ...]


class Lanes:
    """Connections of the pool on which some statements are prepared; for any thread.

    They stay out of the pool while they are: the driver forgets all that is prepared on a
    connection when it rolls back. Where all are in use, a statement is run without.
    """

    def __init__(self, datastore: PostgresDatastore, statements: Mapping[str, Statement]) -> None:
        """Nothing is connected yet."""
        self._pool = datastore.pool
        self._statements = statements
        self._free: deque[psycopg.Connection[Any]] = deque()
        self._kept = 0
        self._closed = False
        self._counting = Lock()

    def call(self, name: str, parameters: Sequence[bytes]) -> Any:
        """Run a statement in a transaction of its own; its result, of libpq.

        Raises:
            PersistenceError: as the library's own calls raise it.
        """
        try:
            lane = self._taken()
            if lane is None:
                return self._call_unprepared(name, parameters)
            try:
                own, formats = lane.pgconn, [_BINARY] * len(parameters)
                found = own.exec_prepared(name.encode(), parameters, formats, _BINARY)
                return _checked(own, found)
            finally:
                self._put_back(lane)
        except psycopg.Error as error:
            kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
            raise kind(str(error)) from error

    def close(self) -> None:
        """Let go of the connections; of one in use when its call has ended."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._let_go(self._free.pop())

    def _call_unprepared(self, name: str, parameters: Sequence[bytes]) -> Any:
        sql, types = self._statements[name]
        self._pool.open()
        connection = self._pool.getconn()
        try:
            own, formats = connection.pgconn, [_BINARY] * len(parameters)
            found = own.exec_params(sql.encode(), parameters, types, formats, _BINARY)
            return _checked(own, found)
        finally:
            self._pool.putconn(connection)

    def _taken(self) -> psycopg.Connection[Any] | None:
        """A connection for one call; None where there are enough and all are in use."""
        with suppress(IndexError):
            return self._free.pop()
        with self._counting:
            if self._kept >= min(KEPT, self._pool.max_size - 1):
                return None
            self._kept += 1
        try:
            self._pool.open()
            connection: psycopg.Connection[Any] = self._pool.getconn()
        except BaseException:
            self._forget()
            raise
        try:
            own = connection.pgconn
            for name, (sql, types) in self._statements.items():
                _checked(own, own.prepare(name.encode(), sql.encode(), types))
        except BaseException:
            self._let_go(connection)
            raise
        return connection

    def _put_back(self, connection: psycopg.Connection[Any]) -> None:
        if connection.pgconn.status != pq.ConnStatus.OK:
            self._let_go(connection)
            return
        self._free.append(connection)
        if self._closed:  # looked at after it lies there: whoever closes meanwhile finds it
            self.close()

    def _let_go(self, connection: psycopg.Connection[Any]) -> None:
        """The pool makes another one for it."""
        self._forget()
        connection.close()
        self._pool.putconn(connection)

    def _forget(self) -> None:
        with self._counting:
            self._kept -= 1


def _checked(connection: Any, found: Any) -> Any:
    if connection.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError(connection.get_error_message())
    if found.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
        raise error_from_result(found)
    return found
