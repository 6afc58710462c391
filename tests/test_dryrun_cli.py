"""`loyalty simulate-programme`: what it says, and that it only reads."""

import hashlib
import os
from pathlib import Path

import psycopg
import pytest
from till import PROGRAMME, TEXT, Till, counts, simulated

from ledger.application import LoyaltyLedger

DOUBLE = TEXT.replace("per_minor = 1000", "per_minor = 500")


@pytest.fixture
def till(capsys, db, tmp_path):
    """A ledger with a made-up chain's half year, and a draft that earns twice as much."""
    (tmp_path / "draft.toml").write_text(DOUBLE)
    made = Till(capsys, db)
    made("init", PROGRAMME)
    simulated(tmp_path / "chain.ndjson", members=40, weeks=26)
    made("ingest", tmp_path / "chain.ndjson", "--history", "--enrol")
    return made


def test_the_report_is_one_object(till, tmp_path):
    told = till("simulate-programme", tmp_path / "draft.toml", "--over", "all")
    assert told["differing"] == 0
    assert told["draft"]["earned"] > told["current"]["earned"] > 0
    assert told["draft"]["cost_minor"] == told["draft"]["earned"] * 10
    assert sum(told["current"]["tiers"].values()) == told["members"]
    assert sum(m["members"] for m in told["movements"]) == told["members"]
    assert len(told["changed"]) == 10


def test_the_report_is_told_to_people(till, tmp_path):
    text = till("simulate-programme", tmp_path / "draft.toml", "--over", "3m", "--top", 2,
                json_=False)  # fmt: skip
    told = till("simulate-programme", tmp_path / "draft.toml", "--over", "3m")
    rows = {line[:22].strip(): line[22:].split() for line in text.splitlines()}
    earned = [told[side]["earned"] for side in ("current", "draft")]
    assert rows["points earned"] == [*map(str, earned), f"+{earned[1] - earned[0]}"]
    assert [line[:32] for line in text.splitlines() if line[:2] == "01"] == [
        changed["member_id"] for changed in told["changed"][:2]
    ]
    assert text.splitlines()[-1].endswith("gives every award as it was recorded.")
    assert "replay" in till.notes


def test_a_sample_can_be_asked_for(till, tmp_path):
    told = till("simulate-programme", tmp_path / "draft.toml", "--over", "all", "--sample", 5)
    assert (told["sample"], told["members"]) == (True, 5)


@pytest.mark.parametrize("over", ["soon", "1999-01-01..1999-12-31"])
def test_a_wrong_period_is_refused(till, tmp_path, over):
    told = till("simulate-programme", tmp_path / "draft.toml", "--over", over, code=1)
    assert (told["error"], told["field"]) == ("input-invalid", "over")


def test_no_file_of_the_ledger_changes_and_none_is_left(capsys, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(scratch))
    folder = tmp_path / "shop"
    folder.mkdir()
    till = Till(capsys, str(folder / "shop.db"))
    till("init", PROGRAMME)
    simulated(tmp_path / "chain.ndjson", members=20, weeks=10)
    till("ingest", tmp_path / "chain.ndjson", "--history", "--enrol")
    till("status")

    def left():
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}

    before = left()
    assert before
    (tmp_path / "draft.toml").write_text(DOUBLE)
    till("simulate-programme", tmp_path / "draft.toml", "--over", "all")
    assert left() == before
    assert not list(scratch.iterdir())


def test_who_may_only_read_can_ask(new_postgres, capsys, tmp_path):
    db = new_postgres()
    till = Till(capsys, db)
    till("init", PROGRAMME)
    simulated(tmp_path / "chain.ndjson", members=10, weeks=6)
    till("ingest", tmp_path / "chain.ndjson", "--history", "--enrol")
    till("status")
    role = f"reader{os.getpid()}"
    with psycopg.connect(db, autocommit=True) as admin:
        schemas = [
            row[0]
            for row in admin.execute(
                "SELECT DISTINCT schemaname FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
        ]
        admin.execute(f"CREATE ROLE {role} LOGIN")
        for schema in schemas:
            admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
            admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")
        with LoyaltyLedger.open(db) as ledger:
            before = counts(ledger)
        info = admin.info
        url = f"postgresql://{role}@/{info.dbname}?host={info.host}&port={info.port}"
    try:
        with LoyaltyLedger.open(url) as reader:
            with pytest.raises(Exception, match="permission denied"):
                reader.enrol("c")
            report = reader.simulate_programme(DOUBLE, "all")
    finally:
        with psycopg.connect(db, autocommit=True) as admin:
            admin.execute(f"DROP OWNED BY {role}")
            admin.execute(f"DROP ROLE {role}")
    assert report.differing == 0
    with LoyaltyLedger.open(db) as ledger:
        assert counts(ledger) == before


def test_a_draft_that_is_not_there_is_refused(till):
    told = till("simulate-programme", Path("nowhere.toml"), "--over", "all", code=1)
    assert told["error"] == "programme-invalid"
