"""Who may do what: every role and every operation, every store, every key."""

import asyncio
import base64
import hmac
import inspect
import re
from pathlib import Path

import pytest

from adapters.http import looks
from adapters.http.app import ROUTES
from adapters.http.guard import OPEN, OPERATION, SIGNED
from adapters.http.hooks import hooks_of
from adapters.http.pace import Pace
from ledger.errors import AccessKeyInvalid, AccessKeyUnknown, InputInvalid, KeyConflict
from ledger.policies.access import (
    ADMIN,
    AUDITOR,
    CASHIER,
    INTEGRATION,
    MANAGER,
    PERMISSIONS,
    ROLES,
    SENDER,
    SERVICE,
    TILL,
)
from tests.api import sale, serving
from tests.conftest import NOW
from tests.shop import points_of

ROOT = Path(__file__).parent.parent
KEY = {n: sale("1")[n] for n in ("store", "lane", "business_date", "number")}
OTHER = {**KEY, "store": "s2"}
CALLS = {
    "record": ("POST", "/v1/receipts", sale("1")),
    "batch": ("POST", "/v1/receipts/batch", None),
    "return": ("POST", "/v1/returns", {"receipt": KEY, "command_id": "b1"}),
    "void-return": (
        "POST", "/v1/returns/void", {"receipt": KEY, "command_id": "v1", "by_command": "b1"},
    ),
    "attribute": ("POST", "/v1/receipts/attribute", {"receipt": KEY, "card": "c1"}),
    "quote": ("POST", "/v1/quote", sale("1")),
    "inquire": ("GET", "/v1/members/c1/balance", None),
    "statement": ("GET", "/v1/members/c1/statement", None),
    "personal": ("GET", "/v1/members/c1", None),
    "enrol": ("POST", "/v1/members", {"card": "c1"}),
    "link-card": ("POST", "/v1/members/c1/cards", {"card": "c7"}),
    "replace-card": ("POST", "/v1/members/c1/replace", {"card": "c8"}),
    "block-card": ("POST", "/v1/members/c1/block", {"reason": "lost"}),
    "hold": ("POST", "/v1/holds", {"card": "c1", "points": 1, "command_id": "h1"}),
    "redeem": ("POST", "/v1/redemptions", {"card": "c1", "points": 1, "command_id": "r1"}),
    "undo-redemption": ("POST", "/v1/redemptions/r1/undo", {"reason": "x"}),
    "use-voucher": ("POST", "/v1/vouchers/ABCD/use", {"command_id": "u1"}),
    "adjust": (
        "POST", "/v1/adjustments", {"card": "c1", "points": 1, "reason": "x", "command_id": "a1"},
    ),
    "allowance": ("POST", "/v1/allowances", {"card": "c1", "points": 1, "command_id": "w1"}),
    "list-allowance-keys": ("GET", "/v1/allowance-keys", None),
    "open-complaint": (
        "POST", "/v1/complaints",
        {"card": "c1", "receipt": KEY, "line": 1, "reason": "sour", "command_id": "o1"},
    ),
    "answer-complaint": (
        "POST", "/v1/complaints/00/answer", {"card": "c1", "answer": "x", "command_id": "n1"},
    ),
    "resolve-complaint": (
        "POST", "/v1/complaints/00/resolve", {"card": "c1", "resolution": "x", "command_id": "z1"},
    ),
    "log": ("GET", "/v1/log", None),
    "looks": ("GET", "/v1/looks", None),
    "metrics": ("GET", "/metrics", None),
    "keys": ("POST", "/v1/keys", {"holder": "x", "role": "auditor", "command_id": "k1"}),
    "list-keys": ("GET", "/v1/keys", None),
    "webhook": ("POST", "/v1/webhooks/shop", {}),
}  # fmt: skip
"""One call of each operation."""


SECRET = b"what the shop signs with"


@pytest.fixture
def http(ledger, tmp_path, monkeypatch):
    ledger.enrol("c1")
    monkeypatch.setenv("SHOP", SECRET.decode())
    file = tmp_path / "webhooks.toml"
    file.write_text('[shop]\ndialect = "erpnext"\nsecrets = ["env:SHOP"]\n')
    with serving(ledger, hooks_of(ledger, file, None)) as api:
        yield api


def code_of(answer):
    return answer.json().get("code") if answer.status_code >= 400 else "ok"


# --- the table ---------------------------------------------------------------------------


def test_there_is_a_call_of_every_operation_and_an_operation_of_every_path():
    handlers = [route for route in ROUTES if not route.opt.get(OPEN)]
    assert {handler.opt[OPERATION] for handler in handlers} == set(PERMISSIONS) == set(CALLS)
    assert [r.paths for r in ROUTES if r.opt.get(OPEN)] == [{"/health"}, {"/ready"}]
    assert [r.paths for r in ROUTES if r.opt.get(SIGNED)] == [{"/v1/webhooks/{sender:str}"}]


def test_no_key_opens_what_has_to_be_signed_and_no_signature_what_needs_a_key(http):
    answers = [http.post("/v1/webhooks/shop", {}, key=http.key(role)) for role in ROLES]
    answers.append(http.post("/v1/webhooks/shop", {}, key=""))
    assert {(one.status_code, code_of(one)) for one in answers} == {(403, "signature-invalid")}
    told = base64.b64encode(hmac.digest(SECRET, b"{}", "sha256")).decode()
    signed = {"content": b"{}", "key": "", "headers": {"x-frappe-webhook-signature": told}}
    assert http.call("POST", "/v1/webhooks/shop", **signed).status_code == 200
    assert code_of(http.call("POST", "/v1/receipts", **signed)) == "access-key-invalid"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", [name for name in CALLS if name != "webhook"])
def test_a_role_may_do_what_the_table_says_and_nothing_else(http, role, operation):
    method, path, body = CALLS[operation]
    answer = http.call(method, path, body, key=http.key(role))
    refused = (
        code_of(answer) == "not-permitted" if operation != "batch" or answer.content else False
    )
    assert refused is (role not in PERMISSIONS[operation]), answer.text
    assert answer.status_code != 500
    if refused:
        assert answer.status_code == 403


def test_the_table_in_the_documents_is_the_one_that_holds():
    text = (ROOT / "docs/http.md").read_text()
    head = re.search(r"^\| Operation \|(.+)\|$", text, re.MULTILINE)
    roles = [cell.strip() for cell in head[1].split("|")]
    assert roles == list(ROLES)
    rows = text[head.end() :].strip().splitlines()[1:]
    told = {}
    for row in rows[: len(PERMISSIONS)]:
        name, *cells = [cell.strip() for cell in row.strip("|").split("|")]
        told[name.strip("`")] = {role for role, cell in zip(roles, cells, strict=True) if cell}
    assert told == {name: set(may) - {SENDER} for name, may in PERMISSIONS.items()}
    assert [name for name, may in PERMISSIONS.items() if SENDER in may] == ["webhook"]
    assert SENDER not in ROLES


# --- stores ------------------------------------------------------------------------------


IN_ANOTHER_STORE = [
    ("POST", "/v1/receipts", {**sale("1"), "store": "s2"}),
    ("POST", "/v1/quote", {**sale("1"), "store": "s2"}),
    ("POST", "/v1/returns", {"receipt": OTHER, "command_id": "b1"}),
    ("POST", "/v1/returns", {"receipt": KEY, "command_id": "b1", "store": "s2"}),
    ("POST", "/v1/returns/void", {"receipt": OTHER, "command_id": "v1", "by_command": "b1"}),
    (
        "POST", "/v1/returns/void",
        {"receipt": KEY, "command_id": "v1", "by_receipt": {**OTHER, "number": "2"}},
    ),
    ("POST", "/v1/members", {"card": "c2", "store": "s2"}),
    ("POST", "/v1/holds", {"card": "c1", "points": 1, "command_id": "h1", "store": "s2"}),
    ("POST", "/v1/holds/h2/settle", {"store": "s2"}),
    ("POST", "/v1/holds/h2/settle", {}),
    ("POST", "/v1/holds/h2/release", {}),
    ("POST", "/v1/redemptions", {"card": "c1", "points": 1, "command_id": "r1", "store": "s2"}),
    ("POST", "/v1/allowances", {"card": "c1", "points": 1, "command_id": "w1", "store": "s2"}),
    ("POST", "/v1/redemptions/r2/undo", {"reason": "x"}),
    ("POST", "/v1/redemptions/r3/undo", {"reason": "x"}),
    ("POST", "/v1/redemptions/r1/undo", {"reason": "x", "store": "s2"}),
    ("POST", "/v1/vouchers/ABCD/use", {"command_id": "u1", "store": "s2"}),
    ("POST", "/v1/till/accrue", {"transaction": "1", "receipt": {**sale("1"), "store": "s2"}}),
    ("POST", "/v1/till/redeem", {"transaction": "1", "store": "s2", "card": "c1", "points": 1}),
    ("POST", "/v1/till/reverse", {"transaction": "1", "store": "s2", "redeem": "9"}),
    ("POST", "/v1/till/inquire", {"card": "c1", "basket": {**sale("1"), "store": "s2"}}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), IN_ANOTHER_STORE)
def test_a_till_does_nothing_in_the_name_of_another_store(http, method, path, body):
    ledger = http.ledger
    ledger.adjust("c1", 100, "start", "Ada", "a1")
    ledger.hold("c1", 10, "h2", store="s2")
    ledger.redeem("c1", "r2", points=10, store="s2")
    ledger.redeem("c1", "r3", points=10)  # at no store at all
    head = ledger.log.head()
    answer = http.call(method, path, body, key=http.key(TILL, "s1"))
    assert (answer.status_code, code_of(answer)) == (403, "store-not-yours"), answer.text
    made = [row.topic for row in ledger.log.read(head, 10) if row.topic != b"access-key"]
    assert made == [b"command"] * len(made)  # only the till's own key came


def test_a_key_for_several_stores_has_to_name_one(http):
    body = {"card": "c1", "points": 1, "command_id": "r1"}
    http.ledger.adjust("c1", 100, "start", "Ada", "a1")
    key = http.key(TILL, "s1", "s2")
    assert code_of(http.post("/v1/redemptions", body, key=key)) == "store-not-yours"
    told = http.post("/v1/redemptions", {**body, "store": "s2"}, key=key)
    assert told.status_code == 200
    event = http.ledger.event(http.ledger.redeem("c1", "r1", points=1, store="s2"))
    assert event.store == "s2"


def test_goods_of_another_store_come_back_in_the_tills_own(http):
    http.post("/v1/receipts", {**sale("1"), "store": "s2"}, key=http.key(TILL, "s2"))
    body = {"receipt": OTHER, "command_id": "b1", "store": "s1"}
    assert http.post("/v1/returns", body, key=http.key(TILL, "s1")).json()["points"] == 10


def test_an_author_is_never_what_is_sent(http):
    """There is no field for one: what people do is recorded under their own key."""
    body = {"card": "c1", "points": 1, "reason": "x", "command_id": "a1", "author": "Eve"}
    answer = http.post("/v1/adjustments", body, key=http.key(MANAGER))
    assert (code_of(answer), answer.json()["field"]) == ("input-invalid", "author")


# --- keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    ["", "Bearer", "Bearer ", "Basic abc", "Bearer ll_", "Bearer ll__", "Bearer ll_a_b", "Bearer a_b_c",
     "Bearer ll_" + "x" * 5_000, "Bearer " + "_" * 500],
)  # fmt: skip
def test_without_a_key_nothing_is_answered_but_health(http, sent):
    headers = {"authorization": sent} if sent else {}
    for operation, (method, path, body) in CALLS.items():
        answer = http.call(method, path, body, key="", headers=headers)
        if operation == "webhook":  # a signature is asked for instead
            assert (answer.status_code, code_of(answer)) == (403, "signature-invalid")
            continue
        assert (answer.status_code, code_of(answer)) == (401, "access-key-invalid"), path
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_another_secret_or_of_another_ledger_is_none(http):
    good = http.key(TILL)
    head, _, secret = good.rpartition("_")
    other = http.key(TILL, "s2").rpartition("_")[2]
    for wrong in (f"{head}_{other}", f"{head}_{secret[:-1]}", f"{head}_{secret}a", good.upper()):
        assert http.get("/v1/members/c1/balance", key=wrong).status_code == 401


def test_of_a_key_only_a_hash_is_kept(http):
    key = http.key(TILL)
    secret = key.rpartition("_")[2].encode()
    rows = http.ledger.log.read(0, 1_000)
    assert not any(secret in row.state or key.encode() in row.state for row in rows)
    http.post("/v1/receipts", sale("1"))
    seen = http.ledger.log.seen(0, 100)
    assert secret.decode() not in str(seen)


def test_a_key_is_told_once(ledger):
    first = ledger.issue_key("Till 1", TILL, "Ada", "k1", stores=("s1",))
    again = ledger.issue_key("Till 1", TILL, "Ada", "k1", stores=("s1",))
    assert (again.id, again.key, again.outcome.repeat) == (first.id, "", True)
    assert ledger.caller(first.key).holder == "Till 1"
    with pytest.raises(KeyConflict):
        ledger.issue_key("Till 2", TILL, "Ada", "k1", stores=("s1",))


def test_a_key_ends_by_itself(ledger, clock):
    made = ledger.issue_key("Till 1", TILL, "Ada", "k1", stores=("s1",), until=NOW + 60)
    clock.now = NOW + 59
    assert ledger.caller(made.key).id == made.id
    clock.now = NOW + 60
    with pytest.raises(AccessKeyInvalid):
        ledger.caller(made.key)


def test_a_revoked_key_is_refused_at_once_and_elsewhere_soon(ledger, db, clock):
    from ledger.application import LoyaltyLedger

    made = ledger.issue_key("Till 1", TILL, "Ada", "k1", stores=("s1",))
    with LoyaltyLedger.open(db, clock=clock) as other:
        for one in (ledger, other):
            one.caller(made.key)
        ledger.revoke_key(made.id, "stolen", "Ada", "k2")
        with pytest.raises(AccessKeyInvalid):
            ledger.caller(made.key)
        assert other.caller(made.key)  # it looked just now
        clock.now += 6
        with pytest.raises(AccessKeyInvalid):
            other.caller(made.key)
    assert ledger.revoke_key(made.id, "stolen", "Ada", "k2").repeat


def test_a_key_is_looked_up_once_however_long_it_calls(ledger, db, clock, monkeypatch):
    from ledger.application import LoyaltyLedger

    keys = [ledger.issue_key(f"T{n}", TILL, "Ada", f"k{n}", stores=("s1",)) for n in range(3)]
    with LoyaltyLedger.open(db, clock=clock) as other:
        read, asked = other._state, []
        monkeypatch.setattr(other, "_state", lambda stream: (asked.append(stream), read(stream))[1])
        for _ in range(5):
            assert [other.caller(made.key).holder for made in keys] == ["T0", "T1", "T2"]
            clock.now += 60
        assert len(asked) == len(set(asked)) == 3
        assert other.caller_at_hand(keys[0].key) is None  # others may have changed it since
        ledger.revoke_key(keys[1].id, "lost", "Ada", "r1")
        assert other.caller(keys[0].key)
        assert other.caller_at_hand(keys[2].key).holder == "T2"
        assert other.caller_at_hand(keys[1].key) is None
        assert len(asked) == 3


def test_while_one_caller_looks_for_changes_the_others_go_on_for_a_while(ledger, clock):
    made = ledger.issue_key("T1", TILL, "Ada", "k1", stores=("s1",))
    assert ledger.caller(made.key)
    with ledger._keys_known.looking:
        clock.now += 10
        assert ledger.caller_at_hand(made.key)
        clock.now += 1
        assert ledger.caller_at_hand(made.key) is None
    clock.now -= 5
    assert ledger.caller_at_hand(made.key) is None


def test_a_key_that_is_changed_while_it_is_looked_up_is_not_believed(
    ledger, db, clock, monkeypatch
):
    from ledger.application import LoyaltyLedger

    made, same = (ledger.issue_key(n, TILL, "Ada", n, stores=("s1",)) for n in ("a", "b"))
    with LoyaltyLedger.open(db, clock=clock) as other:
        read = other._state

        def slowly(stream):
            state = read(stream)
            ledger.revoke_key(made.id, "stolen", "Ada", "k2")
            clock.now += 6
            other.caller(same.key)  # another thread looks for changes meanwhile
            return state

        monkeypatch.setattr(other, "_state", lambda s: (monkeypatch.undo(), slowly(s))[1])
        assert other.caller(made.key)  # it held when it was looked up
        with pytest.raises(AccessKeyInvalid):
            other.caller(made.key)
        assert other.caller_at_hand(same.key)


def test_calls_are_counted_by_caller_and_second_and_then_forgotten():
    now = [10.2]
    pace = Pace(2, lambda: now[0])
    assert [pace.allows("a") for _ in range(3)] == [True, True, False]
    assert [pace.allows(f"forged {n}") for n in range(100)] == [True] * 100
    now[0] = 11.1
    assert [pace.allows("a") for _ in range(3)] == [True, True, False]
    assert len(pace._calls) == 1


def test_a_key_is_replaced_by_one_like_it(ledger, clock):
    old = ledger.issue_key("Till 1", TILL, "Ada", "k1", stores=("s1",), until=NOW + 10_000)
    new = ledger.rotate_key(old.id, "Ada", "k2", grace_seconds=60)
    assert ledger.rotate_key(old.id, "Ada", "k2", grace_seconds=60).key == ""
    one, other = ledger.caller(old.key), ledger.caller(new.key)
    assert (one.holder, one.role, one.stores) == (other.holder, other.role, other.stores)
    assert (one.until, other.until) == (NOW + 60, NOW + 10_000)
    clock.now = NOW + 60
    with pytest.raises(AccessKeyInvalid):
        ledger.caller(old.key)
    assert ledger.caller(new.key)
    with pytest.raises(AccessKeyUnknown):
        ledger.rotate_key(old.id, "Ada", "k3")
    rows = {row.id: row for row in ledger.access_keys()}
    assert (rows[old.id].until, rows[old.id].reason) == (NOW + 60, "replaced")
    assert (rows[new.id].replaces, rows[new.id].stores) == (old.id, "s1")


def test_a_grace_is_never_longer_than_the_key_was(ledger):
    old = ledger.issue_key("Till 1", TILL, "Ada", "k1", stores=("s1",), until=NOW + 10)
    ledger.rotate_key(old.id, "Ada", "k2", grace_seconds=1_000)
    assert ledger.caller(old.key).until == NOW + 10


@pytest.mark.parametrize(
    ("change", "field"),
    [({"role": "boss"}, "role"), ({"holder": ""}, "holder"), ({"author": ""}, "author"),
     ({"stores": ()}, "stores"), ({"stores": ("",)}, "stores"), ({"until": NOW}, "until"),
     ({"holder": "a\0"}, "holder")],
)  # fmt: skip
def test_a_wrong_key_is_refused_by_its_field(ledger, change, field):
    made = {"holder": "Till 1", "role": TILL, "author": "Ada", "stores": ("s1",), "until": 0}
    made |= change
    with pytest.raises(InputInvalid) as refused:
        ledger.issue_key(
            made["holder"], made["role"], made["author"], "k1", stores=made["stores"],
            until=made["until"],
        )  # fmt: skip
    assert refused.value.field == field


@pytest.mark.parametrize("act", ["rotate", "revoke"])
def test_a_key_that_was_never_given_out_is_unknown(ledger, act):
    words = ("Ada", "k1") if act == "rotate" else ("lost", "Ada", "k1")
    with pytest.raises(AccessKeyUnknown):
        getattr(ledger, f"{act}_key")("nobody", *words)


def test_an_administrator_gives_keys_out_and_takes_them_back(http):
    admin = http.key(ADMIN)
    body = {"holder": "Bo", "role": SERVICE, "command_id": "k9"}
    made = http.post("/v1/keys", body, key=admin).json()
    assert http.get("/v1/members/c1", key=made["key"]).status_code == 200
    new = http.post(f"/v1/keys/{made['id']}/rotate", {"command_id": "k10"}, key=admin).json()
    assert http.get("/v1/members/c1", key=made["key"]).status_code == 401
    assert http.get("/v1/members/c1", key=new["key"]).status_code == 200
    end = {"reason": "left", "command_id": "k11"}
    http.post(f"/v1/keys/{new['id']}/revoke", end, key=admin)
    assert http.get("/v1/members/c1", key=new["key"]).status_code == 401
    listed = http.get("/v1/keys", key=http.key(AUDITOR))
    assert made["key"].rpartition("_")[2] not in listed.text
    assert {one["reason"] for one in listed.json()} >= {"replaced", "left"}
    end = {**end, "command_id": "k12"}
    assert code_of(http.post("/v1/keys/nobody/revoke", end, key=admin)) == "access-key-unknown"


# --- who looked --------------------------------------------------------------------------


def test_every_call_is_kept_with_who_made_it_and_how_it_ended(http):
    http.post("/v1/receipts", sale("1"))
    http.get("/v1/members/c1/balance", key=http.key(CASHIER))
    http.get("/v1/members/c1", key=http.key(CASHIER))
    http.get("/v1/members/nobody/balance", key=http.key(CASHIER))
    http.get("/v1/members/c1", key="wrong")
    looks = http.get("/v1/looks?limit=1000", key=http.key(AUDITOR)).json()
    member = http.ledger.member_of("c1").hex()
    told = [(one["operation"], one["role"], one["subject"], one["code"]) for one in looks]
    assert sorted(told) == sorted(
        [
            ("record", TILL, "", "ok"),
            ("inquire", CASHIER, member, "ok"),
            ("personal", CASHIER, "", "not-permitted"),
            ("inquire", CASHIER, "", "card-unknown"),
            ("personal", "", "", "access-key-invalid"),
        ]
    )
    assert next(one["store"] for one in looks if one["operation"] == "record") == "s1"


def test_who_looked_is_on_disk_before_the_answer(http, monkeypatch):
    kept = []
    put = http.ledger.log.put_seen
    monkeypatch.setattr(http.ledger.log, "put_seen", lambda seen: (put(seen), kept.extend(seen)))
    http.get("/v1/members/c1", key=http.key(SERVICE))
    assert [one.operation for one in kept] == ["personal"]


def test_where_it_cannot_be_kept_nothing_is_told(http, monkeypatch):
    def full(_):
        raise OSError("disk full")

    key = http.key(SERVICE)
    monkeypatch.setattr(http.ledger.log, "put_seen", full)
    answer = http.get("/v1/members/c1", key=key)
    assert answer.status_code >= 500
    assert "member_id" not in answer.text


def test_what_was_not_waited_for_is_kept_before_the_server_ends(ledger):
    with serving(ledger) as api:
        for number in range(5):
            api.post("/v1/receipts", sale(str(number)))
    assert [one.operation for _, one in ledger.log.seen(0, 100)] == ["record"] * 5


def test_what_was_not_waited_for_is_kept_once_the_store_is_back(ledger, monkeypatch):
    monkeypatch.setattr(looks, "AGAIN_SECONDS", 0.01)
    put, tries = ledger.log.put_seen, []

    def away_twice(seen):
        tries.append(len(seen))
        if len(tries) < 3:
            raise OSError("away")
        put(seen)

    monkeypatch.setattr(ledger.log, "put_seen", away_twice)
    with serving(ledger) as api:
        for number in range(3):
            assert api.post("/v1/receipts", sale(str(number))).status_code == 200
        api.loop.run_until_complete(asyncio.sleep(0.3))
        assert len(tries) >= 3
    assert [one.operation for _, one in ledger.log.seen(0, 100)] == ["record"] * 3


def test_what_cannot_be_kept_by_the_end_is_told(ledger, monkeypatch, caplog):
    def away(_):
        raise OSError("away")

    monkeypatch.setattr(ledger.log, "put_seen", away)
    with serving(ledger) as api:
        assert api.post("/v1/receipts", sale("1")).status_code == 200
    assert "who made 1 calls could not be kept" in caplog.text


def test_looks_are_read_on_from_a_number(http):
    for _ in range(5):
        http.get("/v1/members/c1/balance", key=http.key(INTEGRATION))
    first = http.get("/v1/looks?limit=3", key=http.key(AUDITOR)).json()
    rest = http.get(f"/v1/looks?after={first[-1]['number']}", key=http.key(AUDITOR)).json()
    numbers = [one["number"] for one in first + rest]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 6


def test_no_operation_of_the_door_that_moves_points_is_open(http):
    """What the API offers names an operation; nothing is reachable by the name of a method."""
    assert points_of(http.ledger, "c1") == 0
    for name, _ in inspect.getmembers(type(http.ledger), inspect.isfunction):
        assert http.post(f"/v1/{name}", {}, key=http.key(ADMIN)).status_code in {404, 405, 403, 400}
