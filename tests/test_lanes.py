"""What goes past the driver's cursors: the same values arrive, and no connection is lost on the way."""

import struct
import threading

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, ProgrammingError
from psycopg import pq
from psycopg.errors import error_from_result

from ledger.application import LoyaltyLedger
from ledger.store import postgres_binary as binary
from ledger.store import postgres_lanes as lanes
from ledger.store.log import Row
from ledger.store.postgres import Factory, environment
from tests.conftest import PROGRAMME, SECRET

ECHO = {
    "texts": lanes.Statement(
        "SELECT array_to_string($1, '|'), cardinality($1)", (binary.ARRAY_OF[binary.TEXT],)
    ),
    "int8s": lanes.Statement(
        "SELECT array_to_string($1, '|'), cardinality($1)", (binary.ARRAY_OF[binary.INT8],)
    ),
    "int4s": lanes.Statement(
        "SELECT array_to_string($1, '|'), cardinality($1)", (binary.ARRAY_OF[binary.INT4],)
    ),
    "bytes": lanes.Statement(
        "SELECT (SELECT string_agg(encode(u, 'hex'), '|') FROM unnest($1) u), cardinality($1)",
        (binary.ARRAY_OF[binary.BYTEA],),
    ),
    "uuids": lanes.Statement(
        "SELECT array_to_string($1, '|'), cardinality($1)", (binary.ARRAY_OF[binary.UUID],)
    ),
    "wrong": lanes.Statement("SELECT 1 / ($1 - $1)", (binary.INT8,)),
}


@pytest.fixture
def log(new_postgres, clock):
    with LoyaltyLedger.create(new_postgres(), PROGRAMME, secret=SECRET, clock=clock) as ledger:
        yield ledger.log


@pytest.fixture
def echo(log):
    opened = lanes.Lanes(log.datastore, ECHO)
    yield opened
    opened.close()


def told(found):
    value = found.get_value(0, 0)
    return (value or b"").decode(), binary.number(found.get_value(0, 1))


@pytest.mark.parametrize(
    ("name", "sent", "text", "count"),
    [
        ("texts", binary.texts(["a", "", "żółć", "x" * 300]), f"a||żółć|{'x' * 300}", 4),
        ("int8s", binary.int8s([0, -1, 2**63 - 1, -(2**63)]), f"0|-1|{2**63 - 1}|{-(2**63)}", 4),
        ("int4s", binary.int4s([1, -(2**31), 2**31 - 1]), f"1|{-(2**31)}|{2**31 - 1}", 3),
        ("bytes", binary.array(binary.BYTEA, [b"", b"\0\xff", b"a"]), "|00ff|61", 3),
        (
            "uuids",
            binary.array(binary.UUID, [bytes(16)]),
            "00000000-0000-0000-0000-000000000000",
            1,
        ),
        ("bytes", binary.array(binary.BYTEA, []), "", 0),
        ("texts", binary.texts([]), "", 0),
    ],
)
@pytest.mark.parametrize("prepared", [True, False])
def test_values_arrive_as_they_were(echo, monkeypatch, prepared, name, sent, text, count):
    if not prepared:
        monkeypatch.setattr(lanes, "KEPT", 0)
    assert told(echo.call(name, (sent,))) == (text, count)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("int8", [0, -1, 2**63 - 1, -(2**63), True]),
        ("int8", [None, 7, None]),
        ("text", ["a", "", "żółć", "x" * 300, "{NULL}"]),
        ("text", [None, "", "NULL", None]),
        ("bytea", [b"", b"\0\xff", bytes(5_000)]),
        ("bytea", [None, b"", b"\0"]),
        ("int8", []),
    ],
)
def test_a_column_arrives_as_it_was(log, kind, values):
    with log.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT * FROM unnest(%b::{kind}[])", (binary.column(kind, values),))
        assert [value for (value,) in cursor.fetchall()] == values


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int8", 2**63), ("int8", "1"), ("int8", 1.5), ("text", b"a"), ("text", 1),
        ("text", "\udcff"), ("bytea", "a"), ("bytea", 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside", [(), (None,)])
def test_a_column_refuses_what_is_of_another_kind(kind, value, beside):
    with pytest.raises((TypeError, ValueError, struct.error)):
        binary.column(kind, [*beside, value])


@pytest.mark.parametrize("prepared", [True, False])
def test_an_error_is_the_librarys_and_the_next_call_is_served(echo, monkeypatch, prepared):
    if not prepared:
        monkeypatch.setattr(lanes, "KEPT", 0)
    for _ in range(20):  # more than the pool has connections
        with pytest.raises(Exception, match="division by zero") as raised:
            echo.call("wrong", (binary.int8(1),))
        assert type(raised.value).__module__ == "eventsourcing.persistence"
    assert told(echo.call("texts", (binary.texts(["on"]),))) == ("on", 1)


def test_a_server_that_said_no_more_is_away(echo, monkeypatch):
    def nothing(connection, _):
        raise error_from_result(connection.make_empty_result(pq.ExecStatus.FATAL_ERROR))

    monkeypatch.setattr(lanes, "_checked", nothing)
    with pytest.raises(OperationalError):
        echo.call("texts", (binary.texts([]),))


def test_more_threads_than_lanes_are_served(log):
    wrong = []

    def look():
        try:
            for _ in range(20):
                assert log.load([bytes(16)], "", 0).head == 1
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=look) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert log._lanes._kept <= lanes.KEPT


@pytest.mark.parametrize("most", [1, 2])
def test_a_small_pool_is_not_used_up(new_postgres, clock, most):
    """Two who append side by side, and then one who needs a transaction."""
    url = new_postgres()
    LoyaltyLedger.create(url, PROGRAMME, secret=SECRET, clock=clock).close()
    few = {"POSTGRES_POOL_SIZE": "1", "POSTGRES_MAX_OVERFLOW": str(most - 1), "CREATE_TABLE": "no"}
    log = Factory({**environment(url), **few}).process_recorder()
    try:
        before = log.head()

        def put(name):
            for version in range(1, 51):
                log.append([Row(bytes([1, name]).ljust(16, b"p"), version, "enrolled", b"", 1)], 1)

        threads = [threading.Thread(target=put, args=(name,)) for name in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with log.transaction(commit=True) as cursor:
            cursor.execute("SELECT 1")
        assert log.head() - before == 150
    finally:
        log.close()


def test_what_is_rolled_back_elsewhere_takes_no_statement_away(log):
    for number in range(3):
        with pytest.raises(ProgrammingError), log.transaction(commit=True) as cursor:
            cursor.execute("SELECT nothing_of_the_kind")
        row = Row(bytes([2]) + bytes(14) + bytes([number]), 1, "seen", b"\x90", 1)
        assert log.append([row], 1) == number + 2
    with pytest.raises(IntegrityError):
        log.append([row], 1)
    assert log.load([row.stream], "", 0).head == 4
