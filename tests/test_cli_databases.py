"""What `loyalty` says where there is no ledger, no database, or no answer; and its start-up."""

import os
import sqlite3
import subprocess
import sys

import pytest
from till import PROGRAMME, ROOT, SECRET, Till, simulated

from adapters.cli.main import main
from ledger.application import LoyaltyLedger
from ledger.errors import Busy, StoreUnavailable

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_database_can_be_named_by_the_environment(capsys, db, monkeypatch):
    monkeypatch.setenv("LOYALTY_DB", db)
    assert main(["init", PROGRAMME]) == 0
    assert main(["status", "--json"]) == 0
    assert main(["status", "--db", db]) == 0
    assert '"head":1' in capsys.readouterr().out


def test_without_any_name_it_is_a_file_in_the_folder(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOYALTY_DB", raising=False)
    assert main(["init", PROGRAMME]) == 0
    assert (tmp_path / "loyalty.db").is_file()


COMMANDS = [
    ("status",),
    ("verify",),
    ("rebuild",),
    ("member", "c1"),
    ("enrol", "c1"),
    ("redeem", "c1", "--points", "5"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_a_missing_ledger_is_named_and_none_is_made(capsys, db, command):
    told = Till(capsys, db)(*command, code=1)
    assert (told["error"], told["retryable"]) == ("log-missing", False)
    assert "loyalty init" in told["message"]
    Till(capsys, db)("status", code=1)


def test_a_password_is_not_shown(capsys, new_postgres):
    url = new_postgres().replace("postgres:@", "postgres:hush@")
    assert "hush" in url
    told = Till(capsys, url)("status", code=1)
    assert told["error"] == "log-missing"
    assert "hush" not in told["message"]


def empty(path):
    path.touch()


def other(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE somebody_elses (x)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("make", [empty, other])
def test_a_sqlite_file_without_a_ledger_is_no_reason_to_try_again(capsys, tmp_path, make):
    make(tmp_path / "x.db")
    told = Till(capsys, str(tmp_path / "x.db"))("status", code=1)
    assert told["error"] == "log-missing"


@pytest.mark.parametrize("command", ["status", "init"])
def test_a_file_that_is_no_database_is_refused_by_name(capsys, tmp_path, command):
    (tmp_path / "x.db").write_bytes(b"junk" * 2_000)
    more = [PROGRAMME] if command == "init" else []
    told = Till(capsys, str(tmp_path / "x.db"))(command, *more, code=1)
    assert (told["error"], told["field"]) == ("input-invalid", "db")
    assert (tmp_path / "x.db").read_bytes() == b"junk" * 2_000


def test_init_in_a_folder_that_is_not_there_is_refused(capsys, tmp_path):
    told = Till(capsys, str(tmp_path / "no" / "x.db"))("init", PROGRAMME, code=1)
    assert told["field"] == "db"


def test_a_url_that_is_none_is_refused(capsys):
    told = Till(capsys, "postgresql://%zz")("status", code=1)
    assert (told["error"], told["field"]) == ("input-invalid", "db")


@pytest.mark.parametrize("error", [StoreUnavailable, Busy])
def test_what_can_be_tried_again_ends_with_five(capsys, db, monkeypatch, error):
    till = Till(capsys, db)
    till("init", PROGRAMME)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(LoyaltyLedger, "_do", fail)
    assert till("enrol", "c1", code=5)["retryable"]


def test_a_store_that_fails_in_the_middle_ends_with_five_and_no_traceback(capsys, tmp_path):
    till = Till(capsys, str(tmp_path / "x.db"))
    till("init", PROGRAMME)
    with sqlite3.connect(till.db) as connection:
        connection.execute("DROP TABLE tracking")
    told = till("member", "c1", code=1)
    assert told["error"] == "member-unknown"
    told = till("status", "--digests", code=5)
    assert (told["error"], told["retryable"]) == ("store-unavailable", True)


def test_an_init_that_was_killed_is_finished_by_the_next(capsys, db, monkeypatch):
    till = Till(capsys, db)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LoyaltyLedger, "_do", die)
        assert main(["init", PROGRAMME, "--secret", SECRET, "--db", db]) == 130
    till("init", PROGRAMME, "--secret", "0" * 64, code=1)
    till("init", PROGRAMME, "--secret", SECRET)
    till("enrol", "c1")
    assert till("verify")["clean"]


STARTS = """
import sys
from adapters.cli.main import main
try:
    main({arguments})
except SystemExit:
    pass
heavy = {{"eventsourcing", "psycopg", "msgspec", "sqlite3", "pyarrow", "tqdm"}}
sys.stderr.write(",".join(sorted(heavy & set(sys.modules))))
"""


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_starts_without_the_store(arguments):
    done = subprocess.run(
        [sys.executable, "-c", STARTS.format(arguments=arguments)],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "usage: loyalty" in done.stdout
    assert done.stderr == "", "start-up stays short"


def test_a_reader_who_has_enough_ends_it_in_silence():
    loyalty = f"{sys.executable} -m adapters.cli.main simulate --members 50 --weeks 4"
    done = subprocess.run(
        ["bash", "-c", f"{loyalty} | head -c 20 > /dev/null; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("0", "")


def test_ingest_on_sqlite_needs_no_postgres_driver(tmp_path):
    simulated(tmp_path / "r.ndjson", members=3, weeks=1)
    db = str(tmp_path / "x.db")
    assert main(["init", PROGRAMME, "--db", db]) == 0
    arguments = ["ingest", str(tmp_path / "r.ndjson"), "--db", db, "--history", "--enrol"]
    code = f"import sys\nfrom adapters.cli.main import main\nmain({arguments})\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print('psycopg' in sys.modules)"],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("False\n")
