"""Every byte of the log is watched: whatever is changed is found, with its position."""

import random
import shutil
import sqlite3
import uuid

import pytest
from till import PROGRAMME, SECRET, TEXT, simulated

from adapters.cli.main import main
from ledger.application import LoyaltyLedger
from ledger.store.leaf import leaf_hash

COLUMNS = (
    "state",
    "topic",
    "originator_id",
    "originator_version",
    "notification_id",
    "recorded_at",
    "written_at",
    "leaf_hash",
    "claims",
)
TAMPERINGS = 160


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A simulated log on SQLite, with its reports."""
    folder = tmp_path_factory.mktemp("tamper")
    simulated(folder / "r.ndjson", members=8, weeks=5)
    db = str(folder / "l.db")
    assert main(["init", PROGRAMME, "--secret", SECRET, "--db", db]) == 0
    ingest = ["ingest", str(folder / "r.ndjson"), "--db", db, "--history", "--enrol"]
    assert main(ingest) == 0
    return db


@pytest.fixture
def log(chain, tmp_path):
    """A connection to a copy of it that takes anything, and what verifying the copy says."""
    db = str(tmp_path / "l.db")
    shutil.copy(chain, db)
    connection = sqlite3.connect(db, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")  # who tampers asks no leave

    def verify():
        with LoyaltyLedger.open(db) as ledger:
            return ledger.verify()

    connection.execute("PRAGMA synchronous=OFF")
    yield connection, verify
    connection.close()


def flipped(value, rng):
    """A value with one byte of it changed, in its own type."""
    if isinstance(value, int):
        return value ^ (1 << rng.randrange(8)) << 8 * rng.randrange(4)
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


def test_every_byte_that_is_changed_is_found_with_its_position(log):
    connection, verify = log
    rng = random.Random(11)
    head = connection.execute("SELECT max(notification_id) FROM stored_events").fetchone()[0]
    done = 0
    while done < TAMPERINGS:
        column = COLUMNS[done % len(COLUMNS)]
        position = rng.randrange(1, head + 1)
        row = connection.execute(
            "SELECT * FROM stored_events WHERE notification_id = ?", (position,)
        ).fetchone()
        old = connection.execute(
            f"SELECT {column} FROM stored_events WHERE notification_id = ?", (position,)
        ).fetchone()[0]
        new = bytes(16) if old is None else flipped(old, rng)
        cast = "CAST(? AS TEXT)" if column == "topic" else "?"
        try:
            connection.execute(
                f"UPDATE stored_events SET {column} = {cast} WHERE notification_id = ?",
                (new, position),
            )
        except sqlite3.IntegrityError:
            continue  # it met another event's key; SQLite refused it
        findings = verify().findings
        assert findings, (column, position, old, new)
        assert any(f"position {position}" in f.place for f in findings) or (
            column == "notification_id" and "missing" in findings[0].detail
        ), (column, position, findings)
        assert findings[0].check == "log"
        place = new if column == "notification_id" else position
        connection.execute("DELETE FROM stored_events WHERE notification_id = ?", (place,))
        marks = ",".join("?" * len(row))
        connection.execute(f"INSERT INTO stored_events VALUES ({marks})", row)
        done += 1
    assert verify().clean


@pytest.mark.parametrize("value", [None, "text", 1.5, b"blob", -1, 2**62])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_another_type_is_a_finding_not_a_crash(log, column, value):
    connection, verify = log
    claiming = "SELECT min(notification_id) FROM stored_events WHERE claims IS NOT NULL"
    place = connection.execute(claiming).fetchone()[0] if column == "claims" else 9
    try:
        connection.execute(
            f"UPDATE stored_events SET {column} = ? WHERE notification_id = ?", (value, place)
        )
    except sqlite3.IntegrityError:
        pytest.skip("SQLite refuses it")
    findings = [f for f in verify().findings if f.check == "log"]
    strays = [f for f in findings if f.detail == "no event can stand there"]
    assert len(strays) == (column == "notification_id" and value == -1)
    (finding,) = [f for f in findings if f not in strays]
    assert f"position {place}" in finding.place


def test_a_deleted_event_is_found_at_its_position(log):
    connection, verify = log
    connection.execute("DELETE FROM stored_events WHERE notification_id = 17")
    (finding,) = verify().findings
    assert (finding.place, "missing" in finding.detail) == ("position 17", True)


def test_a_deleted_event_whose_followers_moved_up_is_found(log):
    connection, verify = log
    connection.execute("DELETE FROM stored_events WHERE notification_id = 17")
    connection.execute(
        "UPDATE stored_events SET notification_id = -notification_id WHERE notification_id > 17"
    )
    connection.execute(
        "UPDATE stored_events SET notification_id = -notification_id - 1 WHERE notification_id < 0"
    )
    assert "position 17," in verify().findings[0].place


def test_two_events_that_changed_places_are_both_found(log):
    connection, verify = log
    for one, other in ((20, -1), (21, 20), (-1, 21)):
        connection.execute(
            "UPDATE stored_events SET notification_id = ? WHERE notification_id = ?", (other, one)
        )
    places = [f.place for f in verify().findings]
    assert len(places) == 2
    assert "position 20," in places[0]
    assert "position 21," in places[1]


def forge(connection, *, proper):
    """Append a copy of the last event, with a leaf hash of its own or somebody else's."""
    (index, stream, version, topic, recorded, written, leaf, state, _) = connection.execute(
        "SELECT * FROM stored_events WHERE claims IS NULL ORDER BY notification_id DESC LIMIT 1"
    ).fetchone()
    (index,) = connection.execute("SELECT max(notification_id) FROM stored_events").fetchone()
    place, at = index + 1, version + 7
    if proper:
        leaf = leaf_hash(place, stream, at, topic.encode(), recorded, written, state)
    connection.execute(
        "INSERT INTO stored_events VALUES (?,?,?,?,?,?,?,?,NULL)",
        (place, stream, at, topic, recorded, written, leaf, state),
    )
    return place, stream


def test_an_appended_event_without_its_leaf_hash_is_found(log):
    connection, verify = log
    place, _ = forge(connection, proper=False)
    (finding,) = verify().findings[:1]
    assert f"position {place}," in finding.place


def test_a_stream_with_a_gap_is_found_even_if_every_leaf_hash_fits(log):
    connection, verify = log
    _, stream = forge(connection, proper=True)
    (finding,) = verify().findings
    assert (finding.check, stream.hex() in finding.place) == ("stream", True)


@pytest.mark.parametrize("topic", ["receipt-scanned", "goods-returned", "points-redeemed"])
def test_a_member_who_was_never_enrolled_is_a_finding_not_a_crash(log, topic):
    """A forger who knows the leaf hash can still not make events that fit together."""
    connection, verify = log
    found = connection.execute(
        "SELECT topic, recorded_at, written_at, state FROM stored_events WHERE topic = ?", (topic,)
    ).fetchone()
    if found is None:
        found = connection.execute(
            "SELECT topic, recorded_at, written_at, state FROM stored_events"
            " WHERE substr(originator_id, 1, 1) = x'01' AND originator_version > 2 LIMIT 1"
        ).fetchone()
    topic, recorded, written, state = found
    place = connection.execute("SELECT max(notification_id) + 1 FROM stored_events").fetchone()[0]
    stream = bytes([1]) + b"f" * 15
    leaf = leaf_hash(place, stream, 1, topic.encode(), recorded, written, state)
    connection.execute(
        "INSERT INTO stored_events VALUES (?,?,?,?,?,?,?,?,NULL)",
        (place, stream, 1, topic, recorded, written, leaf, state),
    )
    connection.execute("UPDATE reporting_projection_status SET position = ?", (place,))
    assert verify().findings


def test_a_log_that_was_cut_off_is_found_by_reports_that_are_ahead(log):
    connection, verify = log
    head = connection.execute("SELECT max(notification_id) FROM stored_events").fetchone()[0]
    connection.execute("DELETE FROM stored_events WHERE notification_id > ?", (head - 3,))
    (finding,) = verify().findings
    assert finding.place == "its end"
    assert f"after position {head - 3}" in finding.detail


def test_findings_stop_when_there_are_enough(log):
    connection, verify = log
    connection.execute("UPDATE stored_events SET written_at = written_at + 1")
    assert len(verify().findings) == 20


def test_a_file_with_a_broken_page_is_not_verified(chain, tmp_path, capsys):
    db = tmp_path / "l.db"
    shutil.copy(chain, db)
    raw = bytearray(db.read_bytes())
    for start in range(4096 * 2, len(raw), 4096 * 3):
        raw[start : start + 200] = b"\xa5" * 200
    db.write_bytes(bytes(raw))
    assert main(["verify", "--db", str(db), "--json"]) in {1, 3, 5}
    assert '"clean":true' not in capsys.readouterr().out


class OnPostgres:
    """One statement against the log, and what verifying says then."""

    def __init__(self, ledger):
        self.ledger = ledger

    def __call__(self, statement, *parameters):
        with self.ledger.log.transaction(commit=True) as cursor:
            cursor.execute(statement.format(e="loyalty.stored_events"), parameters)
            assert cursor.rowcount
        return self.ledger.verify().findings


STATEMENTS = [
    "UPDATE {e} SET state = set_byte(state, 5, get_byte(state, 5) # 1)",
    "UPDATE {e} SET leaf_hash = set_byte(leaf_hash, 5, get_byte(leaf_hash, 5) # 1)",
    "UPDATE {e} SET topic = topic || 'x'",
    "UPDATE {e} SET recorded_at = recorded_at + 1",
    "UPDATE {e} SET written_at = written_at # 256",
    "UPDATE {e} SET originator_version = originator_version + 100",
    "UPDATE {e} SET originator_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    "UPDATE {e} SET claims = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    "UPDATE {e} SET claims = NULL",
    "UPDATE {e} SET notification_id = notification_id + 100",
    "DELETE FROM {e}",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_change_on_postgresql_is_found_with_its_position(statement, new_postgres, clock):
    from shop import receipt

    with LoyaltyLedger.create(new_postgres(), TEXT, clock=clock) as ledger:
        ledger.enrol("c1")
        ledger.record_all([receipt(card="c1") for _ in range(5)])
        ledger.catch_up()
        tamper = OnPostgres(ledger)
        finding = tamper(statement + " WHERE notification_id = 7")[0]
        assert finding.check == "log"
        assert "position 7" in finding.place
        assert uuid.UUID(bytes=ledger.member_of("c1"))


def test_a_cut_off_log_on_postgresql_is_found(new_postgres, clock):
    from shop import receipt

    with LoyaltyLedger.create(new_postgres(), TEXT, clock=clock) as ledger:
        ledger.record_all([receipt() for _ in range(5)])
        ledger.catch_up()
        (finding,) = OnPostgres(ledger)("DELETE FROM {e} WHERE notification_id > 4")
        assert finding.place == "its end"
