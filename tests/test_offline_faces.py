"""Offline tills rebuilt, replayed, over HTTP and on the command line."""

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.application import LoyaltyLedger
from ledger.calendar import moment_of
from ledger.policies.access import ADMIN, TILL
from tests.api import serving
from tests.conftest import PROGRAMME, SECRET
from tests.offline import HOUR, MINUTE, OFFLINE, TABLE, allow, claims_of, raw, rich, spend
from tests.shop import DAY, NOW, conserved, points_of, tally
from tests.till import Till


@pytest.fixture
def shop(ledger_copied):
    """A member with 100 points, where offline tills may let cards pay."""
    ledger = ledger_copied(TABLE)
    rich(ledger)
    return ledger


# --- rebuilt, replayed -------------------------------------------------------------------


def story(ledger, clock):
    """Paid whole, paid with an expiry undone, and short."""
    for card, points in (("c1", 100), ("c2", 20)):
        ledger.enrol(card)
        ledger.adjust(card, points, "start", "Ada", f"start {card}")
    (lot,) = tally(ledger, "c1").lots
    token = allow(ledger)
    clock.now = NOW + DAY
    spend(ledger, token, 20, "x1")
    ledger.redeem("c1", "r1", points=30)
    clock.now = lot[0] - HOUR
    token, other = allow(ledger, 50, "a2"), allow(ledger, 20, "a3", "c2")
    ledger.redeem("c2", "r2", points=15)
    clock.now = lot[0] + DAY
    ledger.record_expiry(ledger.member_of("c1"), clock.now)
    spend(ledger, token, 40, "x2", lot[0] - MINUTE)
    spend(ledger, other, 15, "x3", lot[0] - MINUTE, "c2")
    spend(ledger, other, 5, "x4", lot[0] - MINUTE, "c2")
    ledger.adjust("c2", 5, "more", "Ada", "j2")


def test_a_rebuild_equals_live_and_both_stores_agree(new_postgres, tmp_path, clock):
    said = []
    for db in (str(tmp_path / "one.db"), new_postgres()):
        clock.now = NOW
        with LoyaltyLedger.create(db, OFFLINE, secret=SECRET, clock=clock) as ledger:
            story(ledger, clock)
            assert ledger.verify().clean
            live = ledger.digests()
            ledger.rebuild()
            assert ledger.digests() == live
            burns = ledger.offline_burns(0, clock.now + 1, short=False)
            # Each ledger signs with a key of its own, whose id is in what it issued.
            said.append(({n: d for n, d in live.items() if n != "offline"}, burns))
    assert said[0] == said[1]


def test_a_draft_is_told_what_was_spent_offline(shop, clock):
    token = allow(shop)
    clock.now = NOW + DAY
    spend(shop, token, 40)
    same = shop.simulate_programme(OFFLINE, "2026-01-01..2026-01-31")
    assert (same.draft.redeemed, same.draft.available, same.draft.refused) == (40, 60, ())
    assert same.not_replayed == {}
    without = shop.simulate_programme(PROGRAMME, "2026-01-01..2026-01-31").draft
    assert (without.redeemed, without.available) == (0, 100)
    assert {(one.act, one.why) for one in without.refused} == {
        ("allowance", "allowance-not-offered"), ("redeemed", "allowance-invalid"),
    }  # fmt: skip


# --- over HTTP and on the command line ---------------------------------------------------


@pytest.fixture
def http(shop):
    with serving(shop) as api:
        yield api


BODY = {"card": "c1", "points": 60, "command_id": "a1"}


def test_a_till_gets_an_allowance_for_its_own_store(http):
    made = http.post("/v1/allowances", BODY).json()
    assert (made["points"], made["repeat"]) == (60, False)
    assert made["until"].startswith("2026-01-02T00:00:00")
    claims = claims_of(made["token"])
    assert (claims["store"], claims["jti"]) == ("s1", made["allowance"])
    assert http.post("/v1/allowances", BODY).json() == {**made, "repeat": True}
    (told,) = http.get("/v1/allowance-keys").json()["keys"]
    head, body, signature = made["token"].split(".")
    Ed25519PublicKey.from_public_bytes(raw(told["x"])).verify(
        raw(signature), f"{head}.{body}".encode()
    )
    assert (told["kty"], told["crv"], "until" in told) == ("OKP", "Ed25519", False)
    assert told["kid"] == json.loads(raw(head))["kid"]
    http.ledger.rotate_allowance_key("Ada", "k1")
    old, new = http.get("/v1/allowance-keys", key=http.key(ADMIN)).json()["keys"]
    assert old["until"].startswith("2026-01-08")
    assert "until" not in new


def test_a_refused_allowance_says_why(http):
    told = http.post("/v1/allowances", {**BODY, "points": 101})
    assert (told.status_code, told.json()["code"]) == (422, "allowance-limit")
    assert told.json()["field"] == "points"
    for wrong in ({"points": 0}, {"hours": 169}, {"hours": -1}, {"minutes": 1}):
        assert http.post("/v1/allowances", {**BODY, **wrong}).status_code == 400


@pytest.mark.parametrize("verb", ["redemptions", "till/redeem"])
def test_what_was_spent_offline_is_told_over_http(http, clock, verb):
    token = http.post("/v1/allowances", BODY).json()["token"]
    clock.now = NOW + DAY
    http.ledger.redeem("c1", "r1", points=80)
    name = {"command_id": "x1"} if verb == "redemptions" else {"transaction": "x1", "store": "s1"}
    at = moment_of(NOW + HOUR).isoformat()
    body = {"card": "c1", "points": 50, "allowance": token, "captured_at": at, **name}
    told = http.post(f"/v1/{verb}", body).json()
    assert told == {
        "points": 50, "value_minor": 500, "repeat": False, "voucher_code": "", "owed": 30,
    }  # fmt: skip
    assert http.post(f"/v1/{verb}", body).json() == {**told, "repeat": True}
    for left_out in ("allowance", "captured_at"):
        part = {name: value for name, value in body.items() if name != left_out}
        refused = http.post(f"/v1/{verb}", part).json()
        assert (refused["code"], refused["field"]) == ("input-invalid", left_out)
    refused = http.post(f"/v1/{verb}", {**body, "allowance": "a.b.c"})
    assert (refused.status_code, refused.json()["code"]) == (422, "allowance-invalid")
    naive = http.post(f"/v1/{verb}", {**body, "captured_at": "2026-01-01T01:00:00"})
    assert naive.status_code == 400
    elsewhere = {**body, "store": "s2"}
    key = http.key(TILL, "s2")
    refused = http.post(f"/v1/{verb}", {**elsewhere, "points": 1}, key=key)
    assert refused.json()["code"] in {"allowance-invalid", "key-conflict"}
    conserved(http.ledger, "c1")


def test_offline_only_cash_pays(http):
    token = http.post("/v1/allowances", BODY).json()["token"]
    at = moment_of(NOW).isoformat()
    body = {"card": "c1", "gift": "mug", "allowance": token, "captured_at": at, "command_id": "x1"}
    refused = http.post("/v1/redemptions", body).json()
    assert (refused["code"], refused["field"]) == ("input-invalid", "allowance")


def test_a_reversal_finds_what_a_till_spent_offline(http, clock):
    token = http.post("/v1/allowances", BODY).json()["token"]
    at = moment_of(NOW).isoformat()
    body = {"card": "c1", "points": 50, "allowance": token, "captured_at": at}
    http.post("/v1/till/redeem", {**body, "transaction": "t1", "store": "s1"})
    undone = http.post("/v1/till/reverse", {"transaction": "t2", "store": "s1", "redeem": "t1"})
    assert undone.json() == {"what": "redeem", "repeat": False}
    assert points_of(http.ledger, "c1") == 100


def test_all_of_it_on_the_command_line(capsys, db, tmp_path):
    till = Till(capsys, db)
    (tmp_path / "p.toml").write_text(OFFLINE)
    till("init", tmp_path / "p.toml")
    till("enrol", "c1")
    till("adjust", "c1", 100, "--reason", "start", "--author", "Ada")
    assert till("allowance", "keys", json_=False) == "No allowance was ever issued.\n"
    issue = ("allowance", "issue", "c1", 60, "--store", "s1", "--command-id", "a1")
    token = till(*issue, json_=False).strip()
    told = till(*issue)
    assert (told["token"], told["repeat"], told["points"]) == (token, True, 60)
    till("redeem", "c1", "--points", 70)
    at = moment_of(int(time.time())).isoformat()
    sent = ("redeem", "c1", "--points", 50, "--allowance", token, "--captured-at", at,
            "--store", "s1", "--command-id", "x1")  # fmt: skip
    assert till(*sent, json_=False) == "50 points for 5.00 EUR, 20 of them owed; 0 left.\n"
    assert (till(*sent)["owed"], till(*sent)["repeat"]) == (20, True)
    told = till("redeem", "c1", "--gift", "mug", "--allowance", token, code=1)
    assert (told["error"], told["field"]) == ("input-invalid", "allowance")
    for part, missing in (
        (("--allowance", token), "captured_at"),
        (("--captured-at", at), "allowance"),
    ):
        assert till("redeem", "c1", "--points", 1, *part, code=1)["field"] == missing
    assert till("allowance", "issue", "c1", code=1)["field"] == "points"
    assert till("allowance", "issue", code=1)["field"] == "card"
    said = till("allowance", "burns", "--short", json_=False)
    assert said.splitlines()[-1] == "1 in all, 20 points short."
    (burn,) = till("allowance", "burns")["burns"]
    assert (burn["store"], burn["points"], burn["short"]) == ("s1", 50, 20)
    assert till("allowance", "burns", "--until", "2020-01-01")["burns"] == []
    made = till("allowance", "rotate", "--author", "Ada")
    keys = till("allowance", "keys")["keys"]
    assert [key["id"] for key in keys][1:] == [made["id"]]
    assert till("allowance", "keys", json_=False).splitlines()[1].endswith("signs")
