"""A clean ledger verifies, and verifying changes nothing; then what is changed in the reports."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from shop import DAY, NOW, back, key, line, receipt
from till import Till, counts

from ledger.application import LoyaltyLedger
from ledger.errors import RebuildNeeded
from ledger.projections import PROJECTIONS
from ledger.projections.habits import FRESH
from ledger.types import Price, Product, Promotion
from tests.campaigns import begun, issued
from tests.offline import OFFLINE, allow, spend
from tests.shop import snapshots_taken

TABLES = {t.name: t for p in PROJECTIONS for t in p.tables}


def told_of(ledger):
    """One ledger in which every reporting table has rows."""
    ledger.enrol("c1")
    bought = receipt(line(30_000, "p1", 3), line(9_900, "p2"), card="c1", number="1")
    ledger.record(bought)
    nameless = receipt(line(5_000), number="2")
    ledger.record(nameless)
    ledger.attribute(key(nameless), "c1")
    ledger.record(receipt(back(bought), number="3", card="c1"))
    ledger.redeem("c1", "r1", points=40)
    ledger.adjust("c1", 7, "hello", "Bob", "a1")
    ledger.grant_tier("c1", "gold", 2**31, "hello", "Bob", "g1")
    ledger.open_complaint("c1", key(bought), 2, "mould", "Bob", "k1")
    ledger.answer_complaint("c1", ledger.complaint_id("k1"), "wait", "Bob", "k2")
    ledger.resolve_complaint("c1", ledger.complaint_id("k1"), "sorry", 20, "Bob", "k3")
    ledger.enrol("c2")
    ledger.record(receipt(card="c2", number="4"))
    ledger.record(receipt(card="c2", number="5", at=NOW - 40 * DAY))  # too late: for review
    ledger.enrol("c3")
    ledger.merge("c1", "c3", "twins", "Bob", "m1")
    ledger.unmerge("m1", "Bob", "u1")
    ledger.set_consent("c1", "Ada", "consent-1", given=True)
    ledger.issue_key("Till 1", "till", "Ada", "key-1", stores=("s1",))
    ledger.describe_product(Product("p1", "Peas"))
    ledger.set_price(Price("p1", dt.date(2026, 1, 1), 199))
    ledger.set_promotion(Promotion("p1", "may", dt.date(2026, 5, 1)))
    code = begun(ledger, products=["p1"])
    listed = issued(ledger, "c1", code)
    free = line(0, "p1", discount_minor=50)
    ledger.record(receipt(free, number="6", card="c1", offers=(listed.barcode,)))
    ledger.record_all([receipt(card="c1", number=f"w{n}") for n in range(FRESH)])
    ledger.publish(OFFLINE, NOW + 1)
    ledger.clock.now += 1
    spend(ledger, allow(ledger, 9), 9, at=NOW + 1)
    snapshots_taken(ledger)
    ledger.catch_up()
    return ledger


@pytest.fixture
def told(ledger):
    return told_of(ledger)


def execute(ledger, statement, *parameters):
    with ledger.log.transaction(commit=True) as cursor:
        cursor.execute(statement.replace("?", ledger.engine.reports.mark), parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def name(ledger, table):
    with ledger.log.transaction(commit=False) as cursor:
        places = {n: place for n, (place, _, _) in ledger.engine.reports.status(cursor).items()}
    place = next(places[p.name] for p in PROJECTIONS if TABLES[table] in p.tables)
    return ledger.engine.reports.name(TABLES[table], place)


def findings(ledger, check=None):
    verdict = ledger.verify()
    assert verdict.clean == (not verdict.findings)
    return [f for f in verdict.findings if check in {None, f.check}]


def test_a_clean_ledger_verifies_with_the_digests_of_its_reports(told):
    verdict = told.verify()
    assert verdict.findings == []
    assert verdict.digests == told.digests()
    assert verdict.events == told.log.head()


def test_an_empty_ledger_verifies(ledger):
    assert ledger.verify().clean


def test_verifying_writes_nothing(told, db):
    before = counts(told), told.log.head(), told.digests(), told.status()
    if not told.log.is_postgres:
        execute_outside(told, "PRAGMA wal_checkpoint(TRUNCATE)")
        hashed = hashlib.sha256(Path(db).read_bytes()).digest()
    assert told.verify().clean
    assert (counts(told), told.log.head(), told.digests(), told.status()) == before
    if not told.log.is_postgres:
        execute_outside(told, "PRAGMA wal_checkpoint(TRUNCATE)")
        assert hashlib.sha256(Path(db).read_bytes()).digest() == hashed


def execute_outside(ledger, statement):
    """Run by a connection of its own, outside a transaction."""
    import sqlite3

    connection = sqlite3.connect(ledger.log.datastore.pool.db_name)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_lagging_reports_are_no_error(ledger, clock):
    ledger.enrol("c1")
    for i in range(130):  # a snapshot is taken at a hundred events
        ledger.record(receipt(card="c1", number=f"n{i}", at=clock() - 1_000 + i))
    assert execute(ledger, f"SELECT count(*) FROM {ledger_table(ledger, 'stored_snapshots')}")[0][0]
    assert max(s.lag for s in ledger.status()) > 130
    assert ledger.verify().clean
    ledger.catch_up()
    assert ledger.verify().clean


def ledger_table(ledger, table):
    return f"loyalty.{table}" if ledger.log.is_postgres else table


def test_a_ledger_at_work_while_it_is_verified_is_no_finding(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))
    ledger.catch_up()
    phases = []

    def phase(what, _):
        phases.append(what)

        def at_work(_):
            ledger.record_all([receipt(card="c1") for _ in range(60)])
            ledger.catch_up()

        return at_work if phases.count(what) == 1 and len(phases) < 3 else None

    def once(what, events):
        work = phase(what, events)
        done = []
        return work and (lambda n: done or (done.append(n), work(n)))

    verdict = ledger.verify(once)
    assert verdict.findings == []
    assert phases == ["log", "replay", "members"]


# Of each table, a column that no other finding is needed for, and what it is changed to.
CHANGES = {
    "fct_points_movement": ("reason", "'because'", True),
    "fct_lot": ("points", "points + 1", True),
    "fct_member_points": ("redeemed", "redeemed + 1", True),
    "fct_tier": ("tier", "'platinum'", True),
    "fct_tier_grant": ("author", "'Eve'", True),
    "fct_qualifying": ("points", "points + 1", True),
    "fct_receipt": ("cashier", "'somebody else'", True),
    "fct_receipt_line": ("amount_minor", "amount_minor + 1", False),
    "fct_complaint": ("answer", "'no'", True),
    "fct_review": ("store", "'elsewhere'", False),
    "dim_member": ("spend_minor", "spend_minor + 1", True),
    "dim_standing": ("kind", "'tribe'", True),
    "fct_purchase": ("bought_minor", "bought_minor + 1", True),
    "fct_merge": ("points_back", "points_back + 1", True),
    "dim_product": ("maker", "'somebody else'", False),
    "fct_price": ("price_minor", "price_minor + 1", False),
    "fct_promotion": ("promotion", "'june'", False),
    "fct_product_sold": ("lines", "lines + 1", False),
    "fct_member_rhythm": ("interval_days", "interval_days + 1", True),
    "fct_member_goods": ("goods", "member_id", True),
    "fct_consent": ("given", "1 - given", True),
    "dim_campaign": ("funder", "'somebody else'", False),
    "fct_offer_issue": ("amount", "amount + 1", True),
    "fct_list_accepted": ("day", "day + 1", True),
    "fct_offer_use": ("off_minor", "off_minor + 1", True),
    "dim_access_key": ("role", "'admin'", False),
    "fct_allowance": ("points", "points + 1", True),
    "fct_offline_burn": ("short", "short + 1", True),
}


def shown(key):
    return key.hex() if isinstance(key, bytes) else key


def test_there_is_a_change_for_every_table():
    assert set(CHANGES) == set(TABLES)


@pytest.mark.parametrize("table", CHANGES)
def test_a_changed_missing_or_extra_row_is_found_with_its_key_and_member(table, told):
    column, value, of_member = CHANGES[table]
    member = told.member_of("c1").hex()
    live = name(told, table)
    keys = [c.name for c in TABLES[table].columns[: TABLES[table].key]]
    where = " AND ".join(f"{k} = ?" for k in keys)
    owned = "WHERE member_id = ? " if of_member else ""
    row = execute(
        told, f"SELECT * FROM {live} {owned}ORDER BY {', '.join(keys)} LIMIT 1",
        *([told.member_of("c1")] if of_member else []),
    )[0]  # fmt: skip
    row_key = row[: len(keys)]

    def found(detail):
        (finding,) = findings(told, "projection")
        assert finding.place.startswith(f"{table} at {keys[0]} {shown(row_key[0])}")
        assert detail in finding.detail
        assert finding.member == (member if of_member else "")

    def put_back():
        marks = ", ".join("?" * len(row))
        execute(told, f"DELETE FROM {live} WHERE {where}", *row_key)
        execute(told, f"INSERT INTO {live} VALUES ({marks})", *row)
        assert told.verify().clean

    assert execute(told, f"UPDATE {live} SET {column} = {value} WHERE {where}", *row_key) == 1
    found(f"{column} is ")
    put_back()
    assert execute(told, f"DELETE FROM {live} WHERE {where}", *row_key) == 1
    found("the row is missing")
    put_back()
    first = row[0] + "!" if isinstance(row[0], str) else bytes([row[0][0]]) + bytes(15)
    extra = (first, *row[1:])
    execute(told, f"INSERT INTO {live} VALUES ({', '.join('?' * len(row))})", *extra)
    (finding,) = findings(told, "projection")
    assert finding.place.startswith(f"{table} at {keys[0]} {shown(extra[0])}")
    assert finding.detail == "the log knows no such row"


def test_a_lost_point_is_found_by_conservation_with_its_member(told):
    member = told.member_of("c2")
    execute(
        told, f"UPDATE {name(told, 'fct_lot')} SET points = points - 1 WHERE member_id = ?", member
    )
    conservation = findings(told, "conservation")
    assert [f.member for f in conservation] == [member.hex(), ""]
    assert "10 points came in and 9 are accounted for" in conservation[0].detail
    assert {f.member for f in findings(told, "member")} == {member.hex()}


def test_two_lies_that_cancel_out_are_found_each_with_its_member(told):
    lots = name(told, "fct_lot")
    for card, by in (("c1", 1), ("c2", -1)):
        execute(told, f"UPDATE {lots} SET points = points + {by} WHERE member_id = ? AND origin = 0",
                told.member_of(card))  # fmt: skip
    members = {told.member_of(card).hex() for card in ("c1", "c2")}
    assert {f.member for f in findings(told, "conservation")} >= members


@pytest.mark.parametrize(
    "damage",
    ["UPDATE {lot} SET points = 'many'", "UPDATE {lot} SET points = 9000000000000000000",
     "UPDATE {lot} SET member_id = 'nobody' WHERE origin = 1", "UPDATE {lot} SET points = NULL",
     "DROP TABLE {lot}"],
)  # fmt: skip
def test_a_table_that_holds_nonsense_is_a_finding_not_a_crash(damage, told):
    if told.log.is_postgres and "'" in damage:
        pytest.skip("PostgreSQL keeps the types of its columns")
    with told.log.transaction(commit=True) as cursor:
        lot = name(told, "fct_lot")
        if "DROP" in damage and told.log.is_postgres:
            damage += " CASCADE"
        cursor.execute(damage.format(lot=lot))
    assert findings(told)


def test_a_status_that_is_gone_or_of_another_shape_asks_for_a_rebuild(told):
    status = f"{told.engine.reports.prefix}projection_status"
    for damage in ("DELETE FROM {}", "UPDATE {} SET shape = 99"):
        execute(told, damage.format(status) + " WHERE projection = 'tier'")
        with pytest.raises(RebuildNeeded, match="tier"):
            told.verify()
        told.rebuild(["tier"])
        assert told.verify().clean


@pytest.mark.parametrize(
    ("damage", "detail"),
    [("state", "not what the member's events lead to"),
     ("version", "an event that the log does not have"),
     ("stream", "an event that the log does not have")],
)  # fmt: skip
def test_a_tampered_snapshot_is_found(ledger, damage, detail):
    ledger.enrol("c1")
    ledger.record_all([receipt(card="c1") for _ in range(120)])
    ledger.catch_up()
    snapshots_taken(ledger)
    snapshots = ledger_table(ledger, "stored_snapshots")
    (snapshot,) = ledger.log.snapshots(bytes([1]).ljust(16, b"\0"), 9)
    assert ledger.verify().clean
    if damage == "state":
        state = bytearray(snapshot.state)
        state[-1] ^= 1
        execute(ledger, f"UPDATE {snapshots} SET state = ?", bytes(state))
    elif damage == "version":
        execute(ledger, f"UPDATE {snapshots} SET originator_version = originator_version + 5000")
    else:
        other = bytes([1, 255]) + bytes(14)
        import uuid

        execute(ledger, f"UPDATE {snapshots} SET originator_id = ?",
                uuid.UUID(bytes=other) if ledger.log.is_postgres else other)  # fmt: skip
    (finding,) = findings(ledger)
    assert (finding.check, detail in finding.detail) == ("snapshot", True)
    who = other.hex() if damage == "stream" else ledger.member_of("c1").hex()
    assert finding.member == who


def test_the_command_says_what_it_found_and_ends_with_three(told, db, capsys):
    member = told.member_of("c2")
    lots = name(told, "fct_lot")
    execute(told, f"UPDATE {lots} SET points = points - 1 WHERE member_id = ?", member)
    till = Till(capsys, db)
    said = till("verify", code=3)
    assert not said["clean"]
    assert {f["check"] for f in said["findings"]} == {"projection", "conservation", "member"}
    assert member.hex() in {f["member"] for f in said["findings"]}
    text = till("verify", json_=False, code=3)
    assert text.startswith("NOT VERIFIED")
    assert f"(member {member.hex()})" in text
    execute(told, f"UPDATE {lots} SET points = points + 1 WHERE member_id = ?", member)
    assert till("verify", json_=False).startswith("Verified:")


def test_what_was_rebuilt_on_another_day_still_verifies(told, clock, db):
    clock.now += 400 * 86_400
    told.rebuild()
    assert told.verify().clean
    with LoyaltyLedger.open(db, clock=clock) as other:
        assert other.verify().clean
    assert dt.datetime.fromtimestamp(clock.now, dt.UTC).year == 2027
