"""`loyalty spool` as it is run: for long, killed at any moment, and with its store away."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import psycopg
import pytest
from shop import receipt
from test_dialects import FILES, TOTALS, in_ledger
from test_spool import lies, ndjson, sales, spool
from till import PROGRAMME, ROOT, SECRET, Till, rejected

from adapters.simulate import simulate

KILLS = 4
SOON_S = 60


def put(drop, name, content):
    """Drop a file as senders should: under another name first."""
    (drop / f"{name}.tmp").write_bytes(content)
    (drop / f"{name}.tmp").rename(drop / name)


def start(db, drop, *words, code=None):
    """A spool in a process of its own, or a program that runs one."""
    program = ["-m", "adapters.cli.main"] if code is None else ["-c", code]
    process = subprocess.Popen(
        [sys.executable, *program, "spool", str(drop), "--db", db, "--json", "--history", "--enrol",
         *(words or ["--settle", "0", "--every", "1"])],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    watchdog = Timer(2 * SOON_S, process.kill)  # nobody waits for ever for what it says
    watchdog.daemon = True
    watchdog.start()
    return process


@contextmanager
def running(db, drop, code=None):
    process = start(db, drop, code=code)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def soon(holds):
    """Wait until something holds."""
    end = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def next_of(process):
    """The next thing it says."""
    return json.loads(process.stdout.readline())


# --- for long --------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_what_is_dropped_until_it_is_stopped(number, till, drop):
    with running(till.db, drop) as process:
        put(drop, "one", sales(1))
        said = next_of(process)
        assert (said["file"], said["recorded"]) == (str(drop / "one"), 1)
        put(drop, "two", sales(2) + b"bad\n")
        put(drop, "three.xml", FILES["poslog"])
        assert {Path(next_of(process)["file"]).name for _ in range(2)} == {"two", "three.xml"}
        second = start(till.db, drop, "--once")
        out, _ = second.communicate()
        assert (second.returncode, "Another spool is at work" in out) == (1, True)
        process.send_signal(number)
        out, notes = process.communicate()
        totals = json.loads(out)
        assert (totals["files"], totals["recorded"], totals["rejected"]) == (3, 5, 1)
        assert process.returncode == 4, "something was rejected"
        assert "SIGTERM or Ctrl-C ends it" in notes
    assert lies(drop) == ["done/one", "done/three.xml", "done/two", "rejected/two.rejects.ndjson"]


def test_a_folder_is_free_again_when_its_spool_was_killed(till, drop):
    with running(till.db, drop):
        put(drop, "one", sales(1))
        soon(lambda: lies(drop) == ["done/one"])
    assert spool(till, drop)[1]["files"] == 0


# --- killed ----------------------------------------------------------------------------

KILLED_AT = """
import os, signal, sys
from adapters.ingest import feeding
from adapters.ingest.marks import Mark
from adapters.rejects import Rejects
from adapters.spool import Folder, Taker, taking

feeding.CHUNKS_A_MARK, taking.BATCH = 2, 10
owner, name, nth, when = {owner}, {name!r}, {nth}, {when!r}
real, calls = getattr(owner, name), 0

def die():
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)

def killed(*arguments, **options):
    global calls
    calls += 1
    if when == "before" and calls == nth:
        die()
    told = real(*arguments, **options)
    if when == "after" and calls == nth:
        die()
    return told

is_static = isinstance(owner.__dict__[name], staticmethod)
setattr(owner, name, staticmethod(killed) if is_static else killed)
from adapters.cli.main import main
sys.exit(main())
"""
MOMENTS = [
    ("Folder", "take_out", 1, "after"),
    ("Rejects", "write", 3, "after"),
    ("Mark", "keep", 2, "before"),
    ("Mark", "keep", 2, "after"),
    ("Mark", "forget", 1, "after"),
    ("Taker", "remember", 1, "before"),
    ("Taker", "remember", 1, "after"),
    ("Folder", "show_rejects", 1, "after"),
    ("Folder", "put_away", 1, "before"),
    ("Folder", "put_away", 1, "after"),
]


@pytest.mark.parametrize(("owner", "name", "nth", "when"), MOMENTS)
def test_killed_between_any_two_steps_it_goes_on_with_the_same_end(
    owner, name, nth, when, capsys, tmp_path, drop
):
    till = Till(capsys, str(tmp_path / "l.db"))
    till("init", PROGRAMME, "--secret", SECRET)
    lines = [b"bad %d\n" % n if n % 12 == 5 else sales(n) for n in range(120)]
    bad = [f"bad {n}" for n in range(5, 120, 12)]
    put(drop, "day", b"".join(lines))
    code = KILLED_AT.format(owner=owner, name=name, nth=nth, when=when)
    first = start(till.db, drop, "--once", "--settle", "0", code=code)
    before, notes = first.communicate()
    assert first.returncode == -signal.SIGKILL, notes
    files, _ = spool(till, drop, code=0 if (name, when) == ("put_away", "after") else 4)
    told = [json.loads(one) for one in before.splitlines()] + list(files.values())
    assert told, "said at least once"
    for said in told:
        assert (said["read"], said["rejected"]) == (120, len(bad))
        assert said["rejects"] == str(drop / "rejected" / "day.rejects.ndjson")
        known = (
            name in {"remember", "show_rejects", "put_away"} and (name, when) != MOMENTS[5][1::2]
        )
        assert said["recorded"] == 110 or not known
    assert lies(drop) == ["done/day", "rejected/day.rejects.ndjson"]
    assert [one["text"] for one in rejected(drop / "rejected" / "day.rejects.ndjson")] == bad
    assert not [path for path in (drop / ".spool").iterdir() if path.name != ".spool.lock"]
    assert in_ledger(till.db)[:2] == (110, 110_000)


def test_a_reject_file_that_is_lost_meanwhile_is_written_again(capsys, tmp_path, drop):
    till = Till(capsys, str(tmp_path / "l.db"))
    till("init", PROGRAMME, "--secret", SECRET)
    lines = [b"bad %d\n" % n if n % 12 == 5 else sales(n) for n in range(120)]
    put(drop, "day", b"".join(lines))
    code = KILLED_AT.format(owner="Mark", name="keep", nth=3, when="after")
    first = start(till.db, drop, "--once", "--settle", "0", code=code)
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    (gathered,) = (drop / ".spool").glob("*.rejects")
    gathered.unlink()
    files, _ = spool(till, drop, code=4)
    said = files["day"]
    assert (said["read"], said["recorded"] + said["repeated"]) == (120, 110)
    assert said["repeated"] > 0
    assert len(rejected(said["rejects"])) == 10


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_nothing_is_lost_and_nothing_twice(seed, till, drop):
    rng = random.Random(seed)
    sold = list(simulate(members=60, weeks=12, returns_bp=600))
    amount = sum(line.amount_minor for one in sold for line in one.lines if not line.voided)
    bad = [f"bad {n}" for n in range(60)]
    files = {f"{n}.ndjson": ndjson(*sold[n::20]) for n in range(1, 20)}
    big = ndjson(*sold[0::20]).splitlines(keepends=True)
    for text in bad:
        big.insert(rng.randrange(len(big)), f"{text}\n".encode())
    files["big"] = b"".join(big)
    files["tlog.xml"] = FILES["poslog"]
    waiting = sorted(files)
    kills = 0
    for _ in range(KILLS):
        for _ in range(len(files) // KILLS):
            name = waiting.pop(rng.randrange(len(waiting)))
            put(drop, name, files[name])
        process = start(till.db, drop)
        try:
            lying = len(list(drop.glob("[!.]*")))
            soon(
                lambda p=process, n=lying: p.poll() is not None or len(list(drop.glob("[!.]*"))) < n
            )
            time.sleep(rng.random() * 0.15)
        finally:
            process.kill()
            _, notes = process.communicate()
        assert process.returncode == -signal.SIGKILL, notes
        kills += 1
    assert kills == KILLS
    for name in waiting:
        put(drop, name, files[name])
    _, totals = spool(
        till, drop, code=4 if any((drop / ".spool").glob("*/big")) or (drop / "big").exists() else 0
    )
    assert totals["left"] == 0
    count, more = TOTALS["poslog"]
    assert in_ledger(till.db)[:2] == (len(sold) + count, amount + more)
    kept = Counter(path.read_bytes() for path in (drop / "done").glob("2*/*"))
    assert kept == Counter(files.values())
    found = [one for path in (drop / "rejected").glob("*.ndjson") for one in rejected(path)]
    assert Counter(one["text"] for one in found) == Counter(bad)


# --- its store away --------------------------------------------------------------------


IMPATIENT = """
import sys
from adapters.cli.commands import spool
from ledger.store import postgres
spool.RETRY_S, environment = 1, postgres.environment
postgres.environment = lambda url: environment(url) | {"POSTGRES_CONNECT_TIMEOUT": "1"}
from adapters.cli.main import main
sys.exit(main())
"""


def test_it_waits_for_a_store_that_is_away_and_loses_nothing(capsys, new_postgres, postgres, drop):
    db = new_postgres()
    till = Till(capsys, db)
    till("init", PROGRAMME, "--secret", SECRET)
    name = psycopg.conninfo.conninfo_to_dict(db)["dbname"]

    def allowed(is_allowed):
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {is_allowed}")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )

    with running(db, drop, IMPATIENT) as process:
        put(drop, "one", sales(1))
        assert next_of(process)["recorded"] == 1
        assert "Looking" in process.stderr.readline()
        allowed(False)
        put(drop, "two", ndjson(*(receipt(card="c2") for _ in range(50))))
        assert "It is tried again; files wait where they are." in process.stderr.readline()
        assert "done/two" not in lies(drop)
        allowed(True)
        said = next_of(process)
        assert (said["recorded"], said["repeated"]) == (50, 0)
        process.send_signal(signal.SIGTERM)
        out, notes = process.communicate()
        assert (process.returncode, json.loads(out)["recorded"]) == (0, 51)
        assert "The store answers again." in notes
    assert in_ledger(db)[:2] == (51, 51_000)
