"""Opening the log that a database name means."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError

from ledger.errors import InputInvalid, LogMissing, StoreUnavailable
from ledger.store.log import Log

SECRET = "secret"  # noqa: S105  the name of the setting


def is_postgres(db: str) -> bool:
    """Whether a database name is a PostgreSQL URL; anything else is a SQLite path."""
    return db.startswith(("postgresql://", "postgres://"))


def open_log(db: str, *, create: bool = False) -> Log:
    """The log in a database.

    Raises:
        LogMissing: there is none, and none is to be made.
        StoreUnavailable: the database does not answer.
        InputInvalid: the name cannot be one of a database.
    """
    try:
        log = _postgres(db, create=create) if is_postgres(db) else _sqlite(db, create=create)
        log.db = db
        if not create and log.setting(SECRET) is None:
            log.close()
            raise LogMissing(f"`{_shown(db)}`")
        if not create:
            log.renew()
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(str(error)) from error
    except PersistenceError as error:
        raise InputInvalid(f"`{_shown(db)}`: {error}", field="db") from error
    return log


def _sqlite(db: str, *, create: bool) -> Log:
    from ledger.store.sqlite import Factory  # noqa: PLC0415  start-up stays short

    if not db or db.startswith("file:") or ":memory:" in db or "mode=memory" in db:
        raise InputInvalid(f"`{db}` is no path of a file that lasts.", field="db")
    path = Path(db)
    if not create and not path.is_file():
        raise LogMissing(f"`{db}`")
    if create and not path.parent.is_dir():
        raise InputInvalid(f"There is no folder `{path.parent}`.", field="db")
    environment = {"SQLITE_DBNAME": str(path), "CREATE_TABLE": "yes" if create else "no"}
    return cast("Log", Factory(environment).process_recorder())


def _postgres(db: str, *, create: bool) -> Log:
    import psycopg  # noqa: PLC0415  start-up stays short

    from ledger.store.postgres import Factory, environment  # noqa: PLC0415

    try:
        settings = environment(db)
    except psycopg.ProgrammingError as error:
        raise InputInvalid(str(error).strip(), field="db") from None
    settings["CREATE_TABLE"] = "yes" if create else "no"
    return cast("Log", Factory(settings).process_recorder())


def _shown(db: str) -> str:
    """A database name without its password."""
    if not is_postgres(db) or "@" not in db:
        return db
    return f"{db.split('://', maxsplit=1)[0]}://...@{db.rsplit('@', 1)[1]}"
