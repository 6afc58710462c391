"""The review queue, staff cards and roles from the command line."""

import time

import pytest
from shop import receipt
from till import SECRET, TEXT, Till, write

from ledger.calendar import moment_of

CARD = "2900000000018"
LIMITS = """
[fraud.receipts_per_card_day]
limit = 1
action = "review"
[fraud.own_card]
[[staff.role]]
name = "clerk"
adjust_points = 100
compensate_points = 100
second_person_from = 40
"""


@pytest.fixture
def till(capsys, db, tmp_path):
    """A member with two receipts of one day: 10 points each, the second's in review."""
    programme = tmp_path / "limits.toml"
    programme.write_text(TEXT + LIMITS)
    made = Till(capsys, db)
    made("init", programme, "--secret", SECRET)
    made("enrol", CARD)
    now = int(time.time()) - 60
    bought = [
        receipt(card=CARD, at=now, number=n, amount=10_000, cashier="17", currency="EUR")
        for n in ("1", "2")
    ]
    write(tmp_path / "r.ndjson", bought)
    made("ingest", tmp_path / "r.ndjson")
    made.keys = [f"s1/1/{moment_of(now).date()}/{n}" for n in ("1", "2")]
    return made


def test_the_queue_lists_what_waits_and_who_decided(till):
    (row,) = till("review", "list")["reviews"]
    assert (row["kind"], row["points"], row["decision"]) == ("points", 10, "open")
    assert row["breaches"] == "receipts_per_card_day 2"
    assert till("member", CARD)["balance"]["in_review"] == 10
    done = till("review", "approve", row["review_id"], "--reason", "ok", "--author", "Ann")
    assert (done["done"], done["repeat"]) == ("approved", False)
    assert till("member", CARD)["balance"]["available"] == 20
    assert till("review", "list", json_=False) == "Nothing.\n"
    (row,) = till("review", "list", "--decided")["reviews"]
    assert (row["decision"], row["reason"], row["author"]) == ("approved", "ok", "Ann")


def test_denying_by_the_receipts_key_twice_under_one_id_is_once(till):
    said = ("review", "deny", till.keys[1], "--reason", "no", "--author", "A", "--command-id", "d1")
    assert till(*said, json_=False) == "The receipt is denied.\n"
    assert till(*said, json_=False) == "The receipt is denied (done before).\n"
    assert till("member", CARD)["balance"]["available"] == 10


def test_a_decision_without_receipt_reason_or_author_is_refused(till):
    assert till("review", "approve", code=1)["field"] == "receipt"
    assert till("review", "approve", till.keys[1], "--author", "A", code=1)["field"] == "reason"
    assert till("review", "deny", till.keys[1], "--reason", "x", code=1)["field"] == "author"
    assert till("review", "deny", till.keys[0], "--reason", "x", "--author", "A", code=1)[
        "error"
    ] == "review-unknown"  # fmt: skip


def test_a_staff_card_makes_the_cashiers_own_receipts_flagged(till, tmp_path):
    assert till("staff", CARD, "17", "--author", "Ann")["repeat"] is False
    told = till("staff", CARD, "17", "--author", "Ann", json_=False)
    assert told == "The card's holder is cashier 17 already.\n"
    before = int(time.time()) - 2 * 86_400
    made = receipt(card=CARD, at=before, number="3", cashier="17", currency="EUR")
    write(tmp_path / "own.ndjson", [made])
    till("ingest", tmp_path / "own.ndjson")
    (row,) = till("review", "list", "--flagged")["reviews"]
    assert (row["kind"], row["breaches"], row["decision"]) == ("flag", "own_card 1", "")
    assert till("staff", CARD, "", "--author", "Ann", json_=False) == (
        "The card's holder is no cashier.\n"
    )


def test_an_adjustment_names_its_role_and_a_second_person(till):
    said = ("adjust", CARD, 41, "--reason", "sorry", "--author", "Ann")
    assert till(*said, code=1)["error"] == "role-unknown"
    said += ("--role", "clerk")
    assert till(*said, code=1)["error"] == "second-person-needed"
    assert till(*said, "--approved-by", "Bob", "--approver-role", "clerk")["available"] == 51


def test_compensation_names_its_role_and_a_second_person(till):
    opened = till("complaint", "open", CARD, "sour", "--receipt", till.keys[0])
    said = ("complaint", "resolve", CARD, "sorry", "--complaint", opened["complaint"])
    said += ("--points", 5, "--author", "Ann")
    assert till(*said, code=1)["error"] == "role-unknown"
    signed = ("--role", "clerk", "--approved-by", "Bob", "--approver-role", "clerk")
    assert till(*said, *signed)["done"] == "resolved"
    assert till("member", CARD)["balance"]["available"] == 15
