"""A PostgreSQL whose clients speak another encoding: every text comes back as it was said."""

import psycopg
import pytest

from ledger.application import LoyaltyLedger
from ledger.types import Level, Product
from tests.conftest import PROGRAMME
from tests.shop import line, receipt

NAME = "żółć"
TEXTS = (("dim_product", "name"), ("fct_product_sold", "product"), ("fct_receipt_line", "product"))


@pytest.fixture(params=["client", "database"])
def latin2(request, new_postgres, monkeypatch):
    """A database that answers in LATIN2 unless it is asked not to."""
    url = new_postgres()
    if request.param == "client":
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN2")
        yield url
        return
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            f"CREATE DATABASE {name}_latin TEMPLATE template0 ENCODING 'LATIN2'"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    yield url.replace(f"/{name}", f"/{name}_latin")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}_latin WITH (FORCE)")


def test_texts_of_all_reports_are_what_was_said(latin2, clock):
    with LoyaltyLedger.create(latin2, PROGRAMME, clock=clock) as ledger:
        ledger.describe_product(Product(NAME, NAME, (Level("l", NAME),), "b", "m", "national"))
        ledger.record(receipt(line(1_000, NAME), card="c1"), enrol=True)
        with ledger.reading() as reader:
            found = {
                table: reader.rows(f"SELECT {column} FROM reporting.{table}", ())
                for table, column in TEXTS
            }
        assert found == {table: [(NAME,)] for table, _ in TEXTS}
        assert ledger.verify().clean
