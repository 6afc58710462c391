"""Holds, vouchers, returns and expiring points on the command line, end to end."""

import time

import pytest
from shop import receipt
from till import SECRET, TEXT, Till, head, write

from ledger.calendar import moment_of

CARD = "2900000000018"
VOUCHER = """
[[redeem.voucher]]
code = "five"
name = "5 off"
points = 50
value_minor = 500
[[redeem.gift]]
code = "scarf"
name = "A scarf"
points = 20
variants = ["red"]
"""


@pytest.fixture
def till(capsys, db, tmp_path):
    """A member with 100 points by hand and a receipt of 100.00, which earned 10."""
    made = Till(capsys, db)
    (tmp_path / "p.toml").write_text(TEXT + VOUCHER)
    made("init", tmp_path / "p.toml", "--secret", SECRET)
    made("enrol", CARD)
    made("adjust", CARD, 100, "--reason", "start", "--author", "Ada")
    now = int(time.time()) - 60
    bought = receipt(card=CARD, at=now, number="7", amount=10_000)
    write(tmp_path / "r.ndjson", [bought])
    made("ingest", tmp_path / "r.ndjson")
    made.key = f"s1/1/{moment_of(now).date()}/7"
    return made


def test_a_hold_is_made_and_settled(till):
    held = till("hold", CARD, 60, "--command-id", "h1", "--minutes", 5)
    assert {k: held[k] for k in ("hold", "points", "repeat", "available")} == {
        "hold": "h1", "points": 60, "repeat": False, "available": 50,
    }  # fmt: skip
    assert till("hold", CARD, 60, "--command-id", "h1", "--minutes", 5)["repeat"]
    settled = till("settle", "h1", "--points", 50, "--at", held["ends_at"])
    assert settled == {
        "hold": "h1", "points": 50, "value_minor": 500, "arrears": 0, "repeat": False,
    }  # fmt: skip
    assert till("settle", "h1", "--points", 50)["repeat"]
    assert till("settle", "h1", code=1)["error"] == "hold-over"
    assert till("member", CARD)["balance"]["available"] == 60
    assert "5.00 EUR (done before)" in till("settle", "h1", "--points", 50, json_=False)


def test_a_hold_without_a_name_is_given_one_and_released(till):
    name = till("hold", CARD, 60)["hold"]
    assert name in till.notes
    assert till("release", name) == {"hold": name, "points": 60, "repeat": False}
    assert "free already" in till("release", name, json_=False)
    assert till("release", "never", code=1)["error"] == "hold-unknown"
    assert till("member", CARD)["balance"]["held"] == 0


def test_a_voucher_is_bought_shown_and_used(till):
    bought = till("redeem", CARD, "--voucher", "five", "--command-id", "v1")
    code = bought["voucher"]
    assert (bought["points"], bought["available"], len(code)) == (50, 60, 19)
    assert till("redeem", CARD, "--voucher", "five", "--command-id", "v1")["voucher"] == code
    before = head(till.db)
    assert till("voucher", "show", code)["state"] == "valid"
    assert head(till.db) == before
    used = till("voucher", "use", code, "--command-id", "t1", "--store", "s1")
    assert (used["state"], used["value_minor"], used["repeat"]) == ("used", 500, False)
    assert till("voucher", "use", code, "--command-id", "t1")["repeat"]
    assert till("voucher", "use", code, code=1)["error"] == "voucher-spent"
    assert till("voucher", "show", "AAAA", code=1)["error"] == "voucher-unknown"
    assert "5.00 EUR: used" in till("voucher", "show", code, json_=False)


def test_a_gift_is_redeemed_in_a_variant(till):
    got = till("redeem", CARD, "--gift", "scarf", "--variant", "red")
    assert (got["gift"], got["variant"], got["voucher"]) == ("scarf", "red", "")
    assert till("redeem", CARD, "--gift", "scarf", code=1)["field"] == "variant"


def test_a_redemption_is_undone(till):
    till("redeem", CARD, "--voucher", "five", "--command-id", "v1")
    undo = ("redemption", "undo", "v1", "--reason", "unwanted", "--author", "Ada")
    assert till(*undo) == {"redemption": "v1", "points": 50, "repeat": False}
    assert till(*undo) == {"redemption": "v1", "points": 0, "repeat": True}
    undo = ("redemption", "undo", "v2", "--reason", "unwanted", "--author", "Ada")
    assert till(*undo, code=1)["error"] == "redemption-unknown"
    assert till("member", CARD)["balance"]["available"] == 110


def test_a_return_is_taken_back(till):
    assert till("return", till.key, "--command-id", "r1")["points"] == 10
    voided = till("return", till.key, "--void", "r1", "--command-id", "v1")
    assert (voided["points"], voided["amount_minor"], voided["repeat"]) == (10, 10_000, False)
    assert till("return", till.key, "--void", "r1", "--command-id", "v1")["repeat"]
    assert till("return", till.key, "--void", till.key, code=1)["error"] == "return-unknown"
    assert till("member", CARD)["balance"]["available"] == 110


def test_goods_come_back_without_a_receipt(till):
    loose = ("return", "--without-receipt", CARD, "--amount", 3_000)
    got = till(*loose, "--author", "Ada")
    assert (got["points"], got["amount_minor"], got["arrears"]) == (3, 3_000, 0)
    assert till(*loose, code=1)["field"] == "author"
    assert till("member", CARD)["balance"]["available"] == 107


@pytest.mark.parametrize(
    ("arguments", "field"),
    [((), "receipt"), (("s1/1/2026-01-01/7", "--without-receipt", CARD), "receipt"),
     (("--without-receipt", CARD), "amount"), (("s1/1/2026-01-01/7", "--void", "r", "--line", "1"), "void")],
)  # fmt: skip
def test_a_return_is_of_one_kind(till, arguments, field):
    assert till("return", *arguments, code=1)["field"] == field


def test_what_expires_soon_is_listed_in_pages(till):
    assert till("expiring", "--within", 1) == {"expiring": [], "next": None}
    assert till("expiring", "--within", 1, json_=False) == "Nothing expires.\n"
    (row,) = till("expiring", "--within", 400, "--limit", 2)["expiring"]
    member = till("member", CARD)["member_id"]
    assert (row["member_id"], row["points"]) == (member, 110)
    page = till("expiring", "--within", 400, "--limit", 1)
    assert page["next"].endswith(f"/{member}")
    assert till("expiring", "--within", 400, "--after", page["next"])["expiring"] == []
    assert "More: --after" in till("expiring", "--within", 400, "--limit", 1, json_=False)
    with pytest.raises(SystemExit):
        till("expiring", "--within", 400, "--after", "nonsense")
