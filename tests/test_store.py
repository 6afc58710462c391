"""Both stores keep the library's contract, and what the house asks beyond it.

Of the library's own cases these do not apply, each for its reason:
- `AggregateRecorderTestCase`: it wants no notification ids; ours always numbers the log.
- `InfrastructureFactoryTestCase`: it is about the library's transcoder, cipher and compressor,
  none of which we use, and about its aggregate recorder, whose table is not ours.
- `test_performance`, `test_concurrent_throughput`: they measure, and assert nothing.
- `optional_test_insert_subscribe`: the library makes it optional; our followers poll.
"""

import hmac
import sys
import threading
from types import SimpleNamespace
from uuid import UUID

import msgspec
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, MapperDeserialisationError, StoredEvent

from ledger.aggregates.member.folds import evolve
from ledger.application import LoyaltyLedger, codec
from ledger.errors import SettingRefused
from ledger.store import postgres, sqlite
from ledger.store.codec import LedgerMapper, Recorded
from ledger.store.keys import Keys
from ledger.store.leaf import leaf_hash
from ledger.store.log import Snapshot
from ledger.store.opening import is_postgres
from ledger.store.working import SNAPSHOT_EVERY
from ledger.types import Personal
from tests.conftest import PROGRAMME
from tests.shop import receipt, snapshots_taken

with pytest.MonkeyPatch.context() as patch:
    # The library's cases import its cipher, whose package we neither use nor install.
    patch.setitem(sys.modules, "eventsourcing.cipher", SimpleNamespace(AESCipher=None))
    from eventsourcing.tests.persistence import (
        ApplicationRecorderTestCase,
        NonInterleavingNotificationIDsBaseCase,
        ProcessRecorderTestCase,
        TrackingRecorderTestCase,
    )


def environment(db):
    """The library's settings that lead to our factories."""
    if is_postgres(db):
        return postgres.environment(db) | {"PERSISTENCE_MODULE": "ledger.store.postgres:Factory"}
    return {"PERSISTENCE_MODULE": "ledger.store.sqlite:Factory", "SQLITE_DBNAME": db}


def leaf_of(row):
    return leaf_hash(
        row.position, row.stream, row.version, row.topic, row.recorded_at, row.written_at,
        row.state, row.claims or b"",
    )  # fmt: skip


def joined():
    """Wait for the library's readers: it does not, and SQLite must not be closed under them."""
    for thread in threading.enumerate():
        if "read_continuously" in thread.name:
            thread.join(30)


class OnSQLite:
    @pytest.fixture(autouse=True)
    def _factory(self, tmp_path):
        env = environment(str(tmp_path / "log.db"))
        self.factory = InfrastructureFactory.construct(env)
        assert type(self.factory) is sqlite.Factory
        yield
        joined()
        self.factory.close()


class OnPostgres:
    @pytest.fixture(autouse=True)
    def _factory(self, new_postgres):
        self.factory = InfrastructureFactory.construct(environment(new_postgres()))
        assert type(self.factory) is postgres.Factory
        yield
        joined()
        self.factory.close()


class ApplicationCase(ApplicationRecorderTestCase):
    test_performance = test_concurrent_throughput = None

    def test_insert_select(self):
        super().test_insert_select()

    def create_recorder(self):
        return self.factory.application_recorder()


class ProcessCase(ProcessRecorderTestCase):
    test_performance = None

    def create_recorder(self):
        return self.factory.process_recorder()


class TrackingCase(TrackingRecorderTestCase):
    def create_recorder(self):
        return self.factory.process_recorder()


class OrderCase(NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self):
        return self.factory.application_recorder()


class TestApplicationOnSQLite(OnSQLite, ApplicationCase): ...


class TestApplicationOnPostgres(OnPostgres, ApplicationCase): ...


class TestProcessOnSQLite(OnSQLite, ProcessCase): ...


class TestProcessOnPostgres(OnPostgres, ProcessCase): ...


class TestTrackingOnSQLite(OnSQLite, TrackingCase): ...


class TestTrackingOnPostgres(OnPostgres, TrackingCase): ...


class TestOrderOnSQLite(OnSQLite, OrderCase): ...


class TestOrderOnPostgres(OnPostgres, OrderCase): ...


del (
    ApplicationCase, ProcessCase, TrackingCase, OrderCase, ApplicationRecorderTestCase,
    ProcessRecorderTestCase, TrackingRecorderTestCase, NonInterleavingNotificationIDsBaseCase,
)  # fmt: skip


# --- through the library -----------------------------------------------------------------


class Reading(Application[UUID]):
    """The library's application over our store, named so that its table is ours."""

    name = "stored"

    def construct_mapper(self):
        return LedgerMapper(codec())


@pytest.fixture
def member(ledger):
    """A member with a history that passed a snapshot."""
    stream = ledger.enrol("c1", Personal(name="Ada")).stream
    ledger.record_all([receipt(card="c1", amount=200) for _ in range(SNAPSHOT_EVERY - 5)])
    ledger.redeem("c1", "r1", points=40)
    for _ in range(10):
        ledger.record(receipt(card="c1"))
    snapshots_taken(ledger)
    return stream


def test_the_librarys_application_reads_a_member_that_the_door_wrote(ledger, member, db):
    with Reading(env=environment(db)) as application:
        state = None
        for version, recorded in enumerate(application.events.get(UUID(bytes=member)), 1):
            assert (recorded.originator_version, type(recorded)) == (version, Recorded)
            state = evolve(state, recorded.event)
    assert state == ledger._state(member)


def test_the_librarys_application_numbers_the_log_as_the_door_does(ledger, member, db):
    with Reading(env=environment(db)) as application:
        told = application.recorder.select_notifications(None, 10_000)
        assert application.recorder.max_notification_id() == ledger.log.head()
    ours = [(row[0], UUID(bytes=row[1]), *row[2:5]) for row in ledger.log.page(0, 10_000)]
    assert ours == [(n.id, n.originator_id, n.originator_version, n.topic, n.state) for n in told]


def test_an_event_that_the_library_stores_is_numbered_and_hashed_like_any(ledger, db):
    event = StoredEvent(UUID(int=7), 1, "topic", b"state")
    with Reading(env=environment(db)) as application:
        ids = application.recorder.insert_events([event])
    assert list(ids) == [ledger.log.head()]
    row = ledger.log.read(ids[0] - 1, 1)[0]
    assert row.leaf == leaf_of(row)


def test_an_unknown_topic_says_where_it_stands():
    with pytest.raises(MapperDeserialisationError, match=r"`loan` at .* version 3"):
        LedgerMapper(codec()).to_domain_event(StoredEvent(UUID(int=7), 3, "loan", b""))


def test_functions_of_the_database_that_take_no_lock_are_refused(new_postgres):
    env = environment(new_postgres()) | {"POSTGRES_ENABLE_DB_FUNCTIONS": "yes"}
    with pytest.raises(SettingRefused) as refused:
        InfrastructureFactory.construct(env)
    assert refused.value.field == "POSTGRES_ENABLE_DB_FUNCTIONS"


def test_the_name_of_a_store_leads_to_its_factory(db):
    name = "postgres" if is_postgres(db) else "sqlite"
    env = environment(db) | {"PERSISTENCE_MODULE": f"ledger.store.{name}"}
    InfrastructureFactory.construct(env).close()


# --- leaves ------------------------------------------------------------------------------


def test_every_leaf_is_the_hash_of_what_is_stored(ledger, member):
    rows = ledger.log.read(0, 10_000)
    assert len(rows) > SNAPSHOT_EVERY
    for row in rows:
        assert row.leaf == leaf_of(row)


def test_a_leaf_covers_every_column():
    row = (1, bytes(16), 1, b"scan", 5, 6, b"state", b"")
    others = [
        leaf_hash(*row[:n], value, *row[n + 1 :])
        for n, value in enumerate((2, bytes(15) + b"1", 2, b"scam", 6, 7, b"states", bytes(16)))
    ]
    assert len({leaf_hash(*row), *others}) == 9


# --- snapshots ---------------------------------------------------------------------------


def replayed(ledger, stream):
    state = None
    for _, at, _, topic, stored, _ in ledger.log.page(0, 10_000):
        if at == stream:
            state = evolve(state, ledger.codec.decode[topic](stored))
    return state


def snapshot_of(ledger, stream):
    snapshots_taken(ledger)
    return next(kept for kept in ledger.log.snapshots(b"", 10) if kept.stream == stream)


def test_a_state_from_a_snapshot_is_the_state_of_a_replay(ledger, member):
    kept = snapshot_of(ledger, member)
    assert kept.version >= SNAPSHOT_EVERY
    found = ledger.log.load([member], ledger.codec.shape, 2**62)
    assert len(found.snapshots) == 1
    assert len(found.events) < 20
    assert ledger._state(member) == replayed(ledger, member)


def test_a_snapshot_of_another_shape_is_ignored(ledger, member):
    ledger.log.put_snapshots([Snapshot(member, 999, "member0", b"of another time")])
    assert snapshot_of(ledger, member).shape == "member0"
    assert ledger.log.load([member], ledger.codec.shape, 2**62).snapshots == []
    assert ledger._state(member) == replayed(ledger, member)


def test_an_older_snapshot_does_not_replace_a_newer_one(ledger, member):
    kept = snapshot_of(ledger, member)
    ledger.log.put_snapshots([kept._replace(version=kept.version - 1, state=b"old")])
    assert snapshot_of(ledger, member) == kept


def test_a_snapshot_holds_nothing_personal_in_clear(ledger, member):
    assert b"Ada" not in snapshot_of(ledger, member).state


def test_options_of_a_postgresql_url_reach_the_server(new_postgres):
    url = f"{new_postgres()}&application_name=till-7&options=-c%20work_mem%3D7MB"
    with LoyaltyLedger.create(url, PROGRAMME) as ledger, ledger.log._cursor() as cursor:
        assert cursor.execute("SHOW application_name").fetchone() == ("till-7",)
        assert cursor.execute("SHOW work_mem").fetchone() == ("7MB",)


@pytest.mark.parametrize("size", [1, 32, 64, 65, 200])
def test_stream_ids_are_plain_hmac_of_their_key(size):
    secret = bytes(range(size))
    keys = Keys(secret)
    plain = hmac.digest(secret, msgspec.msgpack.encode(("member", "c1")), "sha256")
    assert keys.member("c1") == b"\x01" + plain[:15]
