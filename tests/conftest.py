"""Both stores for every test: SQLite in a file, PostgreSQL brought up from a wheel."""

import itertools
import re

import pytest

from bench.server import drop_database, new_database, postgres_server
from ledger.application import LoyaltyLedger

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
    """The URL of a PostgreSQL server of this test run's own, with durable commits."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def new_postgres(postgres):
    """Makes databases, and drops them afterwards."""
    made = []

    def make() -> str:
        made.append(new_database(postgres))
        return made[-1]

    yield make
    for url in made:
        drop_database(postgres, url)


@pytest.fixture(params=["sqlite", "postgres"])
def new_db(request, tmp_path):
    """Makes names of empty databases on one of the two stores."""
    if request.param == "postgres":
        return request.getfixturevalue("new_postgres")
    counter = itertools.count()
    return lambda: str(tmp_path / f"ledger{next(counter)}.db")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def db(new_db):
    return new_db()


@pytest.fixture
def ledger(db, clock):
    """A ledger with the test programme, at 2026-01-01."""
    with LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock) as made:
        yield made


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
