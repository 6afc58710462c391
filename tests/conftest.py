"""Both stores for every test: SQLite in a file, PostgreSQL brought up from a wheel."""

import itertools
import re
import shutil
from contextlib import contextmanager
from functools import cache

import pytest
from hypothesis import settings

from bench.server import drop_database, in_memory, new_database, postgres_server
from ledger.application import LoyaltyLedger

settings.register_profile("untimed", deadline=None)  # how long a case takes is the machine's affair
settings.load_profile("untimed")

SECRET = b"a log secret that the tests share"
NOW = 1_767_225_600
"""2026-01-01 00:00 UTC."""

PROGRAMME = """
name = "test"
currency = "EUR"
time_zone = "Europe/Berlin"
[earn]
points = 1
per_minor = 100
[lots.expiry]
after = 12
round_to = "month"
[redeem.cash]
points = 1
value_minor = 10
[[redeem.gift]]
code = "mug"
name = "A mug"
points = 50
[tiers]
window_days = 365
keep_days = 30
[[tiers.level]]
name = "basic"
from_points = 0
[[tiers.level]]
name = "gold"
from_points = 100
multiplier_bp = 20000
[complaints]
max_points = 500
"""


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server of this test run's own.

    In memory where there is room: most of a test's time went into the files of its database,
    and no test cuts the power. `make prove` and `make bench` write to the disk.
    """
    with postgres_server(in_memory()) as url:
        yield url


@pytest.fixture
def new_postgres(postgres):
    """Makes databases, empty or as copies, and drops them afterwards."""
    made = []

    def make(template=None) -> str:
        made.append(new_database(postgres, template))
        return made[-1]

    yield make
    for url in made:
        drop_database(postgres, url)


@pytest.fixture(scope="session")
def original(request, tmp_path_factory):
    """The database of a ledger that nobody touches: made once a store and programme, then copied.

    A schema is a hundred statements on PostgreSQL, a copy is one.
    """

    @cache
    def made(store: str, programme: str) -> str:
        if store == "postgres":
            db = new_database(request.getfixturevalue("postgres"))
        else:
            db = str(tmp_path_factory.mktemp("original") / "ledger.db")
        LoyaltyLedger.create(db, programme, secret=SECRET, clock=Clock()).close()
        return db

    return made


@pytest.fixture(params=["sqlite", "postgres"])
def store(request):
    return request.param


@pytest.fixture
def new_db(request, store, tmp_path):
    """Makes databases on one of the two stores: empty, or copies."""
    if store == "postgres":
        return request.getfixturevalue("new_postgres")
    counter = itertools.count()

    def make(template=None) -> str:
        path = tmp_path / f"ledger{next(counter)}.db"
        if template:
            shutil.copyfile(template, path)
        return str(path)

    return make


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def db(request, store, new_db, original):
    """The test's database: empty, unless the test also asks for the ledger in it."""
    return new_db(original(store, PROGRAMME) if "ledger" in request.fixturenames else None)


@pytest.fixture
def ledger(db, clock):
    """A ledger with the test programme, at 2026-01-01."""
    with LoyaltyLedger.open(db, clock=clock) as opened:
        yield opened


@pytest.fixture
def ledger_under(new_db, clock):
    """Makes ledgers under the test programme, with lines of it changed, and more text."""
    made = []

    def make(more: str, **changes: str) -> LoyaltyLedger:
        text = PROGRAMME
        for key, lines in changes.items():
            text = re.sub(rf"^{key} = .*$", lines, text, count=1, flags=re.MULTILINE)
            assert lines in text
        made.append(LoyaltyLedger.create(new_db(), text + more, secret=SECRET, clock=clock))
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


@pytest.fixture
def ledger_copied(store, new_db, original, clock):
    """Makes ledgers under the test programme with more text that many tests share: copies of one."""
    made = []

    def make(more: str) -> LoyaltyLedger:
        made.append(LoyaltyLedger.open(new_db(original(store, PROGRAMME + more)), clock=clock))
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


@pytest.fixture
def fresh_ledger(request, original, tmp_path):
    """`with fresh_ledger(store, clock) as ledger`: for a test that needs hundreds of them.

    A state machine enters one a run and leaves it in its `teardown`, where its database goes.
    """
    counter = itertools.count()

    @contextmanager
    def fresh(store: str, clock: Clock, programme: str = PROGRAMME):
        template = original(store, programme)
        if store == "postgres":
            server = request.getfixturevalue("postgres")
            db = new_database(server, template)
        else:
            db = shutil.copyfile(template, tmp_path / f"fresh{next(counter)}.db")
        try:
            with LoyaltyLedger.open(str(db), clock=clock) as ledger:
                yield ledger
        finally:
            if store == "postgres":
                drop_database(server, db)
            else:
                db.unlink()

    return fresh


@pytest.fixture
def till(capsys, db):
    """The command line on a new ledger."""
    from till import PROGRAMME, SECRET, Till

    made = Till(capsys, db)
    made("init", PROGRAMME, "--secret", SECRET)
    return made


@pytest.fixture
def drop(tmp_path):
    """A folder that files are dropped in."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder
