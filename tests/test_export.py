"""The log as Parquet: everything once, increments, kills, and the balances another engine gets."""

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from test_docs import doc, fences, sections
from till import SECRET, TEXT, Till

from adapters.export import parquet, tables
from adapters.export.parquet import export
from adapters.simulate import simulate
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.projections.balance import FCT_LOT
from ledger.projections.points import FCT_POINTS_MOVEMENT
from ledger.store.leaf import leaf_hash
from ledger.types import Personal

duckdb = pytest.importorskip("duckdb", reason="the extra `bench` brings the engine to check with")
from bench import duckdb_check

ROOT = Path(__file__).parent.parent
PART = 150
PAGE = 40
KILLED = """
import os, signal, sys
from pathlib import Path
from adapters.export import parquet
from ledger.application import LoyaltyLedger

db, folder, left, what = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
parquet.PAGE = 40
replace = os.replace

def step(kind):
    global left
    left -= kind == what
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(*args, **kwargs):
    step("rename")
    return replace(*args, **kwargs)

os.replace = counted
with LoyaltyLedger.open(db) as ledger:
    parquet.export(ledger, folder, part_events=150, progress=lambda _: step("page"))
"""


@pytest.fixture
def chain(new_db, clock):
    """A small chain with returns, redemptions, holds open and ended, and a personal name."""
    db = new_db()
    ledger = LoyaltyLedger.create(db, TEXT, secret=bytes.fromhex(SECRET), clock=clock)
    with ledger:
        receipts = list(simulate(members=25, weeks=12, returns_bp=900))
        cards = sorted({r.card for r in receipts if r.card})
        ledger.enrol(cards[0], Personal(name="Ada Lovelace"))
        ledger.record_all(receipts, history=True, enrol=True)
        for n, card in enumerate(cards[:4]):
            ledger.adjust(card, 100 + n, "sorry", "Ann", f"a{n}")
        ledger.redeem(cards[1], "r1", points=10)
        ledger.hold(cards[0], 10, "h0")
        ledger.hold(cards[2], 10, "h2")
        ledger.release("h2")
        ledger.merge(cards[3], cards[2], "same person", "Ann", "m1")
        ledger.db = db
        yield ledger


def rows(folder, table, order="position"):
    files = str(folder / table / "*.parquet")
    return duckdb.sql(f"SELECT * FROM read_parquet('{files}') ORDER BY {order}").fetchall()


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if not p.is_dir()}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(parquet, "PAGE", PAGE)


@pytest.fixture
def whole(chain, tmp_path):
    """An export of all of it that nobody disturbed."""
    export(chain, tmp_path / "whole", part_events=PART)
    return tmp_path / "whole"


def in_between(db, folder, left, what):
    """Export in another process that kills itself at a step."""
    words = [sys.executable, "-c", KILLED, db, str(folder), str(left), what]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, env=env, capture_output=True, timeout=120).returncode


# --- what is in it ---------------------------------------------------------------------


def test_every_event_is_in_it_once_with_what_its_leaf_hash_covers(chain, whole):
    found = rows(whole, "events")
    stored = chain.log.read(0, 1_000_000)
    assert len(found) == chain.log.head() > 3 * PART
    assert found == [
        (r.position, r.stream, r.version, r.topic.decode(), r.recorded_at, r.written_at, r.leaf,
         r.state, r.claims) for r in stored
    ]  # fmt: skip
    for position, stream, version, topic, recorded_at, written_at, leaf, state, claims in found:
        parts = (position, stream, version, topic.encode(), recorded_at, written_at, state)
        assert leaf_hash(*parts, claims or b"") == leaf


def test_the_movements_are_those_of_the_reports(chain, whole):
    chain.catch_up()
    with chain.log.transaction(commit=False) as cursor:
        reports = chain.engine.reports
        place = reports.status(cursor)["points"][0]
        chunks = reports.scan(cursor, FCT_POINTS_MOVEMENT, place, digest=False)
        reported = [tuple(row) for chunk in chunks for row in chunk]
    assert rows(whole, "movements", "member_id, version, part") == reported
    assert {"earn", "reverse", "hold", "release", "transfer_in"} <= {row[3] for row in reported}


def test_another_engine_comes_to_the_same_balances(chain, whole):
    with duckdb.connect() as connection:
        connection.execute(duckdb_check.statement(whole))
        computed = duckdb_check.computed(connection)
    assert computed == duckdb_check.reported(chain)
    assert computed[0] > 20


@pytest.mark.parametrize("later_s", [0, 86_400])
def test_the_documented_query_gives_what_each_member_can_use(chain, whole, clock, later_s):
    """A day later a hold is over, and nobody has recorded it."""
    (query,) = fences(doc("export.md"), "sql")
    clock.now += later_s
    query = query.replace("FOLDER", str(whole)).replace("1767225600", str(clock.now))
    told = dict(duckdb.sql(query).fetchall())
    members = {row[0].hex() for row in rows(whole, "movements")}
    assert len(members) > 15
    for member in members:
        assert told.get(member, 0) == chain.balance(member).available


def test_the_check_fails_where_a_row_of_the_reports_is_wrong(chain, tmp_path, capsys):
    results = {"errors": 0}
    duckdb_check.measure(chain, results, "")
    assert results["errors"] == 0
    assert results["rebuild_vs_duckdb"] > 0
    check = duckdb_check.check(chain, tmp_path / "out", rounds=1)
    with chain.log.transaction(commit=True) as cursor:
        place = chain.engine.reports.status(cursor)["balance"][0]
        cursor.execute(
            f"UPDATE {chain.engine.reports.name(FCT_LOT, place)} SET points = points + 1"
        )
    count, digest = duckdb_check.reported(chain)
    assert count == check.theirs[0]
    assert digest != check.theirs[1]


def test_lots_summed_up_to_a_position_are_what_was_left_then(chain, whole, new_db, tmp_path):
    """An export that ends earlier has the balances of an export cut at that position."""
    middle = chain.log.head() // 2
    export(chain, tmp_path / "half", until=middle, part_events=PART)
    half = rows(tmp_path / "half", "lot_changes", "ALL")
    assert half == [row for row in rows(whole, "lot_changes", "ALL") if row[-1] <= middle]
    assert 0 < len(half) < len(rows(whole, "lot_changes", "ALL"))


def test_personal_data_stays_encrypted(chain, whole, tmp_path):
    assert not any(b"Lovelace" in row[-2] for row in rows(whole, "events"))
    assert not [row for row in rows(whole, "movements") if "Lovelace" in str(row)]


def test_the_manifest_names_every_file_with_its_digest(chain, whole):
    manifest = json.loads((whole / "manifest.json").read_bytes())
    parts = {part["file"]: part for part in manifest["parts"]}
    files = files_of(whole)
    files.pop("manifest.json")
    assert set(parts) == set(files)
    for name, content in files.items():
        assert parts[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert parts[name]["bytes"] == len(content)
    head = chain.log.read(chain.log.head() - 1, 1)[0]
    assert (manifest["until"], manifest["until_leaf"]) == (head.position, head.leaf.hex())
    assert manifest["log"] == chain.log.read(0, 1)[0].leaf.hex()
    for table, count in manifest["rows"].items():
        assert count == len(rows(whole, table, "ALL"))


# --- increments ------------------------------------------------------------------------


def test_increments_add_up_to_the_whole(chain, whole, tmp_path):
    head, since, folders = chain.log.head(), 0, []
    manifests = []
    for until in (1, head // 3, head // 3, head - 1, head):
        folders.append(tmp_path / f"part{len(folders)}")
        done = export(chain, folders[-1], since=since, until=until, part_events=PART)
        manifests.append(done.manifest)
        since = until
    for one, other in pairwise(manifests):
        assert (other.since, other.since_leaf) == (one.until, one.until_leaf)
    for table in ("events", "movements", "lot_changes"):
        parts = [row for f in folders if any((f / table).iterdir()) for row in rows(f, table)]
        assert sorted(parts, key=str) == sorted(rows(whole, table), key=str)
    with duckdb.connect() as connection:
        filled = [f for f in folders if any((f / "lot_changes").iterdir())]
        connection.execute(duckdb_check.statement(*filled))
        assert duckdb_check.computed(connection) == duckdb_check.reported(chain)


# --- kills -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "what", "how"),
    [
        (1, "rename", "new"),  # nothing is listed yet
        (2, "page", "resumed"),  # in the first part
        (4, "rename", "resumed"),  # a part is there in two of three tables
        (9, "rename", "resumed"),  # a part is there and not listed
        (-2, "rename", "resumed"),  # all is listed
        (-1, "rename", "resumed"),  # all but the folder's name is there
    ],
)
def test_an_export_killed_on_the_way_leaves_none_and_then_ends_the_same(
    chain, whole, tmp_path, left, what, how
):
    parts = -(-chain.log.head() // PART)
    left = left if left > 0 else 1 + 4 * parts + 2 + left + 1
    folder = tmp_path / "killed"
    assert in_between(chain.db, folder, left, what) == -signal.SIGKILL
    assert not folder.exists()
    assert (tmp_path / "killed.unfinished").exists()
    assert export(chain, folder, part_events=PART).how == how
    assert files_of(folder) == files_of(whole)
    assert not (tmp_path / "killed.unfinished").exists()
    assert export(chain, folder, part_events=PART).how == "already"


def test_parts_lost_after_a_kill_are_written_again(chain, whole, tmp_path):
    folder, work = tmp_path / "killed", tmp_path / "killed.unfinished"
    assert in_between(chain.db, folder, 16, "rename") == -signal.SIGKILL
    second = sorted((work / "lot_changes").glob("*.parquet"))[1]
    second.write_bytes(second.read_bytes()[:-1])
    done = export(chain, folder, part_events=PART)
    assert (done.how, done.after) == ("resumed", PART)
    assert files_of(folder) == files_of(whole)


@pytest.mark.parametrize("changed", [{"part_events": 77}, {"since": 3}, {"until": 200}])
def test_what_was_cut_off_and_does_not_fit_is_begun_anew(chain, tmp_path, changed):
    folder = tmp_path / "killed"
    assert in_between(chain.db, folder, 12, "rename") == -signal.SIGKILL
    asked = {"part_events": PART, **changed}
    assert export(chain, folder, **asked).how == "anew"
    export(chain, tmp_path / "clean", **asked)
    assert files_of(folder) == files_of(tmp_path / "clean")


def test_an_export_that_goes_on_ends_where_it_was_to_end(chain, whole, tmp_path):
    folder = tmp_path / "killed"
    assert in_between(chain.db, folder, 12, "rename") == -signal.SIGKILL
    head = chain.log.head()
    chain.enrol("a card of later")
    assert export(chain, folder, part_events=PART).how == "resumed"
    assert files_of(folder) == files_of(whole)
    with pytest.raises(InputInvalid, match=f"ends at position {head}; .* since {head}"):
        export(chain, folder, part_events=PART)


def test_a_full_disk_is_told_and_the_export_goes_on_later(chain, whole, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    pages = iter(range(1_000))

    def fill(_):
        if next(pages) == PART // PAGE + 2:  # in the second part
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))

    try:
        with pytest.raises(OSError, match="unfinished, run it again to go on"):
            export(chain, tmp_path / "out", part_events=PART, progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out").exists()
    done = export(chain, tmp_path / "out", part_events=PART)
    assert (done.how, done.after) == ("resumed", PART)
    assert files_of(tmp_path / "out") == files_of(whole)


def test_two_at_once_in_one_folder_are_refused(chain, tmp_path):
    told = []

    def second(_):
        with pytest.raises(InputInvalid, match="Another process is writing") as refused:
            export(chain, tmp_path / "out")
        told.append(refused.value.field)

    export(chain, tmp_path / "out", progress=second)
    assert set(told) == {"folder"}


def test_memory_does_not_grow_with_the_log(chain, tmp_path):
    head = chain.log.head()

    def peak_bytes(name, until):
        tracemalloc.start()
        try:
            export(chain, tmp_path / name, until=until)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes("warm", 3 * PAGE)
    short, long = peak_bytes("short", 3 * PAGE), peak_bytes("long", head)
    assert head > 12 * PAGE
    assert long < 1.5 * short


# --- refusals --------------------------------------------------------------------------


def test_folders_of_others_are_left_alone(chain, whole, tmp_path, new_db, clock):
    file, full, odd = tmp_path / "file", tmp_path / "full", tmp_path / "odd"
    file.write_text("mine")
    for folder in (full, tmp_path / "new.unfinished", odd):
        folder.mkdir()
        (folder / "mine.txt").write_text("mine")
    (odd / "manifest.json").write_text("{}")
    before = files_of(tmp_path)
    for folder, told in (
        (file, "is a file"),
        (full, "holds other files"),
        (odd, "is not an export's"),
        (tmp_path / "new", "holds other files, such as `mine.txt`"),
    ):
        with pytest.raises(InputInvalid, match=told) as refused:
            export(chain, folder)
        assert refused.value.field == "folder"
    with (
        LoyaltyLedger.create(new_db(), TEXT, clock=clock) as other,
        pytest.raises(InputInvalid, match="holds an export of the events after position 0"),
    ):
        export(other, whole)
    after = {name: content for name, content in files_of(tmp_path).items() if name in before}
    assert after == before


def test_what_was_cut_off_of_another_log_is_left_alone(chain, tmp_path, new_db, clock):
    folder = tmp_path / "killed"
    assert in_between(chain.db, folder, 12, "rename") == -signal.SIGKILL
    before = files_of(tmp_path / "killed.unfinished")
    with (
        LoyaltyLedger.create(new_db(), TEXT, clock=clock) as other,
        pytest.raises(InputInvalid, match="is of another log"),
    ):
        export(other, folder)
    assert files_of(tmp_path / "killed.unfinished") == before


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": -1}, "since"),
        ({"since": 1_000_000}, "since"),
        ({"until": 1_000_000}, "until"),
        ({"since": 9, "until": 8}, "until"),
    ],
)
def test_a_range_that_is_not_in_the_log_is_refused(chain, tmp_path, asked, field):
    with pytest.raises(InputInvalid) as refused:
        export(chain, tmp_path / "out", **asked)
    assert refused.value.field == field
    assert not list(tmp_path.glob("out*"))


def test_a_damaged_log_is_not_exported(chain, tmp_path):
    schema = "" if not chain.log.is_postgres else f"{schema_of(chain)}."
    with chain.log.transaction(commit=True) as cursor:
        cursor.execute(
            f"UPDATE {schema}stored_events SET recorded_at = recorded_at + 1"
            " WHERE notification_id = 77"
        )
    with pytest.raises(InputInvalid, match="damaged at position 77"):
        export(chain, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def schema_of(ledger):
    with ledger.log.transaction(commit=False) as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'stored_events'")
        return cursor.fetchone()[0]


# --- the command line, the documents ---------------------------------------------------


def test_the_command_exports_and_says_what_it_did(capsys, chain, tmp_path):
    till = Till(capsys, chain.db)
    head = chain.log.head()
    said = till("export", "parquet", tmp_path / "out", "--until", head - 1)
    assert (said["how"], said["until"], said["rows"]["events"]) == ("new", head - 1, head - 1)
    rest = till("export", "parquet", tmp_path / "rest", "--since", head - 1)
    assert (rest["since"], rest["until"], rest["rows"]["events"]) == (head - 1, head, 1)
    told = till("export", "parquet", tmp_path / "out", "--until", head - 1, json_=False)
    assert told.startswith("It was there already; nothing was written.\n")
    refused = till("export", "parquet", tmp_path / "out", code=1)
    assert (refused["error"], refused["field"]) == ("input-invalid", "folder")
    (tmp_path / "file").write_text("")
    refused = till("export", "parquet", tmp_path / "file" / "out", code=1)
    assert (refused["error"], refused["field"]) == ("input-invalid", "folder")


def test_every_column_of_the_export_is_documented():
    documented = sections(doc("export.md"), 3)
    for table in tables.TABLES:
        found = re.findall(r"^\| `(\w+)` \|", documented[f"`{table.name}`"], re.MULTILINE)
        assert found == [column.name for column in table.columns]
