"""SIGKILL at random moments: run to the end afterwards, the digests are those of a clean run."""

import random
import signal
import time

import pytest
from till import PROGRAMME, SECRET, Till, digests, head, process, simulated

RECEIPTS = {"members": 110, "weeks": 20}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    path = tmp_path_factory.mktemp("kills") / "chain.ndjson"
    assert simulated(path, **RECEIPTS) > 2_500
    return path


@pytest.fixture(scope="module")
def clean(chain, tmp_path_factory):
    """Head and digests of one run that nobody disturbed."""
    db = str(tmp_path_factory.mktemp("clean") / "l.db")
    fresh(db)
    assert process("ingest", chain, "--history", "--enrol", db=db).wait() == 0
    return head(db), digests(db)


def fresh(db):
    from adapters.cli.main import main

    assert main(["init", PROGRAMME, "--secret", SECRET, "--db", db]) == 0


def killed(*arguments, db, when):
    """Run until `when` holds, then SIGKILL; whether it was still running."""
    running = process(*arguments, db=db)
    deadline = time.monotonic() + 60
    while running.poll() is None and not when() and time.monotonic() < deadline:
        time.sleep(0.005)
    running.kill()
    return running.wait() == -signal.SIGKILL


def reached(db):
    """The positions of the projections that readers see."""
    from ledger.application import LoyaltyLedger

    with LoyaltyLedger.open(db) as ledger:
        return min(status.position for status in ledger.status())


@pytest.mark.parametrize("seed", [1])
def test_an_ingest_killed_three_times_ends_as_one_that_was_not(db, chain, clean, seed):
    rng = random.Random(seed)
    fresh(db)
    whole = clean[0]
    kills = 0
    for part in range(1, 4):
        target = rng.randrange(whole * (part - 1) // 4, whole * part // 4)
        kills += killed(
            "ingest", chain, "--history", "--enrol", db=db,
            when=lambda target=target: head(db) > target,
        )  # fmt: skip
        assert head(db) <= whole
    assert kills == 3
    assert process("ingest", chain, "--history", "--enrol", db=db).wait() == 0
    assert (head(db), digests(db)) == clean


def test_a_kill_while_the_reports_are_written_loses_and_repeats_nothing(
    db, chain, clean, monkeypatch
):
    fresh(db)
    assert killed("ingest", chain, "--history", "--enrol", db=db, when=lambda: head(db) == clean[0])
    killed("status", "--digests", db=db, when=lambda: reached(db) > 0)
    assert process("verify", db=db).wait() == 0, "wherever they stand, they are right"
    assert process("ingest", chain, "--history", "--enrol", db=db).wait() == 0
    assert (head(db), digests(db)) == clean


def test_a_rebuild_killed_at_any_moment_leaves_the_reports_as_they_were(db, chain, clean):
    rng = random.Random(3)
    fresh(db)
    assert process("ingest", chain, "--history", "--enrol", db=db).wait() == 0
    kills = 0
    for _ in range(3):
        end = time.monotonic() + 0.25 + rng.random() * 0.5
        kills += killed("rebuild", db=db, when=lambda end=end: time.monotonic() > end)
        assert process("verify", db=db).wait() == 0
    assert kills
    assert process("rebuild", db=db).wait() == 0
    assert digests(db) == clean[1]


def test_two_ingests_of_one_file_at_once_record_everything_once(capsys, db, chain, clean):
    fresh(db)
    both = [process("ingest", chain, "--history", "--enrol", db=db) for _ in range(2)]
    codes = [one.wait() for one in both]
    assert set(codes) <= {0, 5}, "5: try again"
    assert Till(capsys, db)("ingest", chain, "--history", "--enrol")["recorded"] == 0 or 5 in codes
    assert (head(db), digests(db)) == clean
