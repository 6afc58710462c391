"""The members' commands, as they are typed."""

import json

import pytest

from adapters.cli.main import main
from ledger.application import LoyaltyLedger
from tests.conftest import PROGRAMME


@pytest.fixture
def typed(tmp_path, capsys):
    """Types a command with `--json` and gives the exit code and what it said."""
    db = str(tmp_path / "ledger.db")
    LoyaltyLedger.create(db, PROGRAMME + "[transfer]\n").close()

    def run(*words):
        code = main([*words, "--db", db, "--json"])
        return code, json.loads(capsys.readouterr().out)

    run("enrol", "c1", "--name", "Ada", "--identity", "ada@example.org", "--kind", "household")
    run("enrol", "d1")
    run("adjust", "c1", "100", "--reason", "start", "--author", "Ada")
    return run


def test_a_member_is_transferred_to_merged_and_parted(typed):
    assert typed("transfer", "c1", "d1", "30")[1]["available"] == 70
    code, merged = typed(
        "merge", "c1", "d1", "--reason", "twins", "--author", "Ada", "--command-id", "m1"
    )
    assert (code, merged["points"], merged["cards"]) == (0, 70, 1)
    shown = typed("member", merged["member_id"])[1]
    assert (shown["standing"], shown["merged_into"]) == ("merged", merged["into"])
    assert typed("member", "c1")[1]["balance"]["available"] == 100
    parted = typed("unmerge", "m1", "--author", "Ada")[1]
    assert (parted["points"], parted["receipts_between"]) == (70, 0)
    code, refused = typed("unmerge", "m1", "--author", "Ada")
    assert (code, refused["error"]) == (1, "unmerge-refused")


def test_a_member_is_completed_and_put_right(typed):
    assert typed("personal", "complete", "d1", "--name", "Bob")[1]["repeat"] is False
    assert typed("personal", "complete", "d1", "--name", "Bob")[1]["repeat"] is True
    assert typed("personal", "change", "d1", "--name", "Bea", "--author", "Ada")[0] == 0
    assert typed("member", "d1")[1]["personal"]["name"] == "Bea"


def test_a_card_is_limited(typed):
    assert typed("card", "link", "c1", "c2", "--holder", "Bob", "--limit-day", "5")[0] == 0
    assert typed("redeem", "c2", "--points", "6")[1]["error"] == "card-limit-reached"
    assert typed("card", "limit", "c2", "--no-redeem", "--author", "Ada")[0] == 0
    assert typed("redeem", "c2", "--points", "1")[1]["error"] == "card-may-not-redeem"
    (held,) = typed("member", "c1")[1]["holders"]
    assert (held["card"], held["may_redeem"]) == (2, False)


def test_a_member_is_closed_and_erased(typed):
    why = ("--reason", "asked", "--author", "Ada")
    assert typed("close", "c1", *why)[0] == 0
    assert typed("close", "c1", *why)[1]["error"] == "member-closed"
    assert typed("erase", "c1", *why)[1]["repeat"] is False
    assert typed("erase", "c1", *why)[1]["repeat"] is True
    shown = typed("member", "c1")[1]
    assert (shown["personal"], shown["standing"], shown["kind"]) == (None, "erased", "household")
    assert typed("verify")[0] == 0
