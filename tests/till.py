"""What tests of the command line share: running it, feeding it, looking at what it left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from adapters.cli.main import main
from adapters.simulate import simulate
from ledger.application import LoyaltyLedger
from ledger.store.opening import open_log

ROOT = Path(__file__).parent.parent
SECRET = "5eed" * 16
PROGRAMME = str(ROOT / "programmes" / "points_as_cash.toml")
TEXT = Path(PROGRAMME).read_text()


class Till:
    """The command line in this process, on one database."""

    def __init__(self, capsys, db):
        self.capsys = capsys
        self.db = db

    def __call__(self, *arguments, json_=True, code=0):
        """Run a command; the object it said, or the text."""
        self.capsys.readouterr()
        words = [str(a) for a in arguments] + (["--json"] if json_ else [])
        if self.db and words[0] not in {"simulate", "demo"}:
            words += ["--db", self.db]
        got = main(words)
        said = self.capsys.readouterr()
        self.notes = said.err
        assert got == code, said
        return json.loads(said.out) if json_ else said.out


def process(*arguments, db):
    """The command line in a process of its own, not waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "adapters.cli.main", *map(str, arguments), "--db", db],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def write(path, receipts):
    """Receipts as NDJSON; how many."""
    lines = [msgspec.json.encode(receipt) for receipt in receipts]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return len(lines)


def simulated(path, **options):
    return write(path, simulate(**{"members": 30, "weeks": 6, "returns_bp": 600, **options}))


def head(db):
    log = open_log(db)
    try:
        return log.head()
    finally:
        log.close()


def digests(db):
    """The digests of the reports, which must be clean and up to date."""
    with LoyaltyLedger.open(db) as ledger:
        told = ledger.digests()
        verdict = ledger.verify()
    assert verdict.clean, verdict.findings
    assert verdict.digests == told
    return told


def rejected(path):
    """The envelopes of a reject file."""
    return [msgspec.json.decode(row) for row in Path(path).read_bytes().splitlines()]


def correct(path, changes):
    """A reject file with receipts changed or put in, by the line they were found at."""
    target = Path(f"{path}.corrected")
    rows = []
    for envelope in rejected(path):
        if change := changes.get(envelope["rejected"]["line"]):
            receipt = envelope.setdefault("receipt", {})
            change(receipt)
            rows.append(msgspec.json.encode(envelope) + b"\n")
    target.write_bytes(b"".join(rows))
    return target


def counts(ledger):
    """The rows of every table of the ledger."""
    with ledger.log.transaction(commit=False) as cursor:
        if ledger.log.is_postgres:
            cursor.execute(
                "SELECT schemaname || '.' || relname FROM pg_stat_user_tables ORDER BY 1"
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        found = {}
        for (name,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {name}")
            found[name] = cursor.fetchone()[0]
    return found
