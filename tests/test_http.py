"""The API: what is sent comes to the ledger once, and what comes back says what became of it."""

import asyncio
import base64
import json
import zlib

import msgspec
import pytest
from eventsourcing.persistence import OperationalError

from ledger.errors import Busy, StoreUnavailable
from ledger.policies.access import AUDITOR, INTEGRATION, MANAGER, SERVICE, TILL
from tests.api import sale, serving
from tests.shop import conserved, points_of

PROBLEM = "application/problem+json"


@pytest.fixture
def http(ledger):
    with serving(ledger) as api:
        yield api


@pytest.fixture
def shop(http):
    assert http.post("/v1/members", {"card": "c1"}).status_code == 200
    return http


def problem(answer, status, code):
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    told = answer.json()
    assert (told["code"], told["status"]) == (code, status)
    return told


# --- receipts ----------------------------------------------------------------------------


def test_a_receipt_earns_once_however_often_it_is_sent(shop):
    first = shop.post("/v1/receipts", sale("1")).json()
    assert (first["points"], first["points_by_line"], first["state"]) == (10, [10], "earned")
    again = shop.post("/v1/receipts", sale("1"))
    assert again.json() == {**first, "repeat": True}
    other = shop.post("/v1/receipts", sale("1", 2_000))
    told = problem(other, 409, "key-conflict")
    assert (told["field"], told.get("retryable")) == ("number", None)
    assert points_of(shop.ledger, "c1") == 10
    conserved(shop.ledger, "c1")


def test_the_same_receipt_from_many_calls_at_once_is_one(shop):
    answers = shop.all_at_once([("POST", "/v1/receipts", sale("1"), shop.key())] * 20)
    assert [one.status_code for one in answers] == [200] * 20
    assert sorted(one.json()["repeat"] for one in answers) == [False] + [True] * 19
    assert points_of(shop.ledger, "c1") == 10


@pytest.mark.parametrize(
    ("card", "state"),
    [(None, "anonymous"), ("never", "unknown_card"), ("c2", "review_blocked_card")],
)
def test_a_receipt_that_earns_nothing_is_recorded_and_says_so(shop, card, state):
    shop.ledger.enrol("c2")
    shop.ledger.block_card("c2", "lost")
    told = shop.post("/v1/receipts", sale("1", card=card)).json()
    assert (told["state"], told["points"], told["member_id"]) == (state, 0, "")


def test_a_receipt_without_a_member_is_given_to_one(shop):
    shop.post("/v1/receipts", sale("1", card=None))
    key = {n: sale("1")[n] for n in ("store", "lane", "business_date", "number")}
    told = shop.post(
        "/v1/receipts/attribute", {"receipt": key, "card": "c1"}, key=shop.key(SERVICE)
    )
    assert told.json()["points"] == 10
    assert points_of(shop.ledger, "c1") == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nummer": "1"}, "nummer"),
        ({"number": ""}, "number"),
        ({"lines": []}, "lines"),
        ({"lines": [{"product": "1", "quantity": "x", "amount_minor": 1}]}, "lines[0].quantity"),
        ({"lines": [{"product": "1", "quantity": 1}]}, "lines[0].amount_minor"),
        ({"captured_at": "2026-01-01T00:00:00"}, "captured_at"),
        ({"store": "s\0"}, None),
    ],
)
def test_what_has_not_the_form_names_its_field(shop, change, field):
    told = problem(shop.post("/v1/receipts", {**sale("1"), **change}), 400, "input-invalid")
    assert told.get("field") == field
    assert shop.ledger.log.receipts(bytes([3]).ljust(16, b"\0"), 1) == []


HOSTILE = [
    b"{", b"[]", b"\xff\xfe", b"null", b'{"a":' * 2_000, b"[" * 100_000, b"\0" * 1_000, b"9" * 100_000,
    json.dumps(sale("1")).encode("utf-16"), json.dumps(sale("1")).encode().replace(b":", b":\0", 1),
    b'{"store":"\xed\xa0\x80"}', b'{"store":"\\ud800"}', b'{"lines":[' + b"[],{}," * 50_000 + b"1]}",
    zlib.compress(b" " * 10_000_000), b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
]  # fmt: skip
"""Bodies that are none: deep, long, of another encoding, with NULs, half a character, a bomb."""


@pytest.mark.parametrize("content", [b"", *HOSTILE])
@pytest.mark.parametrize("encoding", ["", "deflate"])
def test_what_is_no_receipt_at_all_is_refused(shop, content, encoding):
    headers = {"content-encoding": encoding} if encoding else {}
    answer = shop.call("POST", "/v1/receipts", content=content, headers=headers)
    problem(answer, 400, "input-invalid")


def test_lines_that_are_no_receipts_spoil_no_neighbour(shop):
    good = json.dumps(sale("1")).encode()
    journal = b"\n".join([*(one.replace(b"\n", b"") for one in HOSTILE), good])
    answer = shop.call("POST", "/v1/receipts/batch", content=journal)
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [one.get("code") for one in told] == ["input-invalid"] * len(HOSTILE) + [None]
    assert told[-1]["recorded"]["points"] == 10


def test_a_body_beyond_the_limit_is_refused(shop):
    big = json.dumps(sale("1", cashier="x" * (1 << 20))).encode()
    problem(shop.call("POST", "/v1/receipts", content=big), 413, "http-413")


def test_a_journal_is_answered_line_by_line(shop):
    lines = [
        json.dumps(sale("1")),
        "",
        json.dumps(sale("2", currency="GBP")),
        "{",
        json.dumps(sale("1")),
        json.dumps(sale("3", store="s2")),
        json.dumps(sale("4", lines=[{"product": "1", "quantity": 0, "amount_minor": 1}])),
        json.dumps(sale("5")),
    ]
    answer = shop.call("POST", "/v1/receipts/batch", content="\n".join(lines).encode())
    assert answer.status_code == 200
    told = [msgspec.json.decode(line) for line in answer.content.splitlines()]
    assert [one["line"] for one in told] == [1, 3, 4, 5, 6, 7, 8]
    assert [one.get("code", "") for one in told] == [
        "", "currency-unknown", "input-invalid", "", "store-not-yours", "input-invalid", "",
    ]  # fmt: skip
    assert [one["recorded"]["repeat"] for one in told if "recorded" in one] == [False, True, False]
    assert points_of(shop.ledger, "c1") == 20
    again = shop.call("POST", "/v1/receipts/batch", content="\n".join(lines).encode())
    repeats = [msgspec.json.decode(line) for line in again.content.splitlines()]
    assert all(one["recorded"]["repeat"] for one in repeats if "recorded" in one)
    assert points_of(shop.ledger, "c1") == 20


def test_a_journal_beyond_its_limit_is_refused_whole(shop):
    problem(shop.call("POST", "/v1/receipts/batch", content=b"{}\n" * 2_001), 400, "input-invalid")


def test_goods_come_back_and_a_return_is_taken_back(shop):
    shop.post("/v1/receipts", sale("1"))
    key = {n: sale("1")[n] for n in ("store", "lane", "business_date", "number")}
    back = {"receipt": key, "command_id": "b1"}
    assert shop.post("/v1/returns", back).json()["points"] == 10
    assert shop.post("/v1/returns", back).json()["repeat"] is True
    assert points_of(shop.ledger, "c1") == 0
    void = {"receipt": key, "command_id": "v1", "by_command": "b1"}
    assert shop.post("/v1/returns/void", void).json()["repeat"] is False
    assert points_of(shop.ledger, "c1") == 10
    line = {"line": 1, "quantity": 1}
    twice = {"receipt": key, "command_id": "b2", "lines": [line, line]}
    problem(shop.post("/v1/returns", twice), 400, "input-invalid")
    gone = {"receipt": {**key, "number": "9"}, "command_id": "b3"}
    problem(shop.post("/v1/returns", gone), 404, "receipt-unknown")


def test_a_quote_says_what_would_be_and_records_nothing(shop):
    head = shop.ledger.log.head()
    told = shop.post("/v1/quote", sale("1")).json()
    assert (told["points"], told["tier"], told["available"]) == (10, "basic", 0)
    assert told["lines"] == [{"points": 10, "member_discount_minor": 0}]
    assert shop.ledger.log.head() == head


# --- members -----------------------------------------------------------------------------


def test_a_till_sees_points_and_nothing_personal(shop):
    shop.post("/v1/receipts", sale("1"))
    told = shop.get("/v1/members/c1/balance").json()
    assert (told["available"], told["pending"], told["held"], told["tier"]) == (10, 0, 0, "basic")
    assert told["next_expiry_points"] == 10
    assert set(told) & {"name", "email", "personal"} == set()
    problem(shop.get("/v1/members/c1"), 403, "not-permitted")
    problem(shop.get("/v1/members/nobody/balance"), 404, "card-unknown")


def test_a_balance_is_the_one_that_the_reports_tell(shop):
    for number in range(3):
        shop.post("/v1/receipts", sale(str(number)))
    shop.ledger.hold("c1", 7, "h1")
    told = shop.get("/v1/members/c1/balance").json()
    known = shop.ledger.balance("c1")
    assert (told["available"], told["pending"], told["held"], told["arrears"]) == (
        known.available, known.pending, known.held, known.arrears,
    )  # fmt: skip


def test_the_desk_sees_a_member_whole_and_it_is_kept_that_it_looked(shop):
    body = {"card": "c9", "name": "Bo", "email": "bo@example.org", "birthday": "1990-05-01"}
    shop.post("/v1/members", body)
    told = shop.get("/v1/members/c9", key=shop.key(SERVICE)).json()
    assert (told["personal"]["name"], told["personal"]["birthday"]) == ("Bo", "1990-05-01")
    looks = shop.get("/v1/looks?limit=1000", key=shop.key(AUDITOR)).json()
    looked = [one for one in looks if one["operation"] == "personal"]
    assert [(one["holder"], one["subject"], one["code"]) for one in looked] == [
        ("service ", told["member_id"], "ok")
    ]
    assert "Bo" not in json.dumps(looks)


def test_a_statement_tells_every_movement(shop):
    shop.post("/v1/receipts", sale("1"))
    shop.ledger.adjust("c1", 5, "sorry", "Ada", "a1")
    told = shop.get("/v1/members/c1/statement", key=shop.key(SERVICE)).json()
    assert [(one["kind"], one["points"]) for one in told["movements"]] == [
        ("earn", 10), ("adjust_in", 5),
    ]  # fmt: skip


def test_cards_are_linked_replaced_and_blocked(shop):
    desk = shop.key(SERVICE)
    shop.post("/v1/members/c1/cards", {"card": "c2"}, key=desk)
    shop.post("/v1/members/c2/replace", {"card": "c3"}, key=desk)
    shop.post("/v1/members/c3/block", {"reason": "lost"}, key=desk)
    told = [shop.get(f"/v1/members/{card}/balance").json() for card in ("c1", "c2", "c3")]
    assert [one["card_stopped"] for one in told] == [False, True, True]
    assert len({one["member_id"] for one in told}) == 1


# --- points ------------------------------------------------------------------------------


@pytest.fixture
def rich(shop):
    shop.ledger.adjust("c1", 100, "start", "Ada", "a1")
    return shop


def test_points_are_held_and_end_in_one_of_two_ways(rich):
    body = {"card": "c1", "points": 40, "command_id": "h1"}
    held = rich.post("/v1/holds", body).json()
    assert (held["hold"], held["points"], held["repeat"]) == ("h1", 40, False)
    assert rich.post("/v1/holds", body).json() == {**held, "repeat": True}
    paid = rich.post("/v1/holds/h1/settle", {"points": 30}).json()
    assert (paid["points"], paid["value_minor"]) == (30, 300)
    problem(rich.post("/v1/holds/h1/release"), 409, "hold-over")
    rich.post("/v1/holds", {**body, "command_id": "h2"})
    assert rich.post("/v1/holds/h2/release").json()["repeat"] is False
    assert rich.post("/v1/holds/h2/release").json()["repeat"] is True
    assert points_of(rich.ledger, "c1") == 70
    conserved(rich.ledger, "c1")


def test_points_are_redeemed_and_given_back(rich):
    body = {"card": "c1", "points": 40, "command_id": "r1"}
    assert rich.post("/v1/redemptions", body).json()["value_minor"] == 400
    assert rich.post("/v1/redemptions", body).json()["repeat"] is True
    told = problem(
        rich.post("/v1/redemptions", {**body, "points": 61, "command_id": "r2"}),
        422,
        "points-short",
    )
    assert told["field"] == "points"
    assert rich.post("/v1/redemptions/r1/undo", {"reason": "cancelled"}).json()["repeat"] is False
    assert points_of(rich.ledger, "c1") == 100


def test_points_by_hand_are_given_in_the_name_of_the_key(rich):
    body = {"card": "c1", "points": 7, "reason": "sorry", "command_id": "a2"}
    rich.post("/v1/adjustments", body, key=rich.key(MANAGER))
    told = rich.get("/v1/members/c1/statement", key=rich.key(SERVICE)).json()["movements"]
    assert told[-1]["reason"] == "sorry (manager )"
    event = rich.ledger.event(rich.ledger.adjust("c1", 7, "sorry", "manager ", "a2"))
    assert event.author == "manager "


def test_a_complaint_is_opened_answered_and_resolved(rich):
    rich.post("/v1/receipts", sale("1"))
    desk = rich.key(SERVICE)
    key = {n: sale("1")[n] for n in ("store", "lane", "business_date", "number")}
    body = {"card": "c1", "receipt": key, "line": 1, "reason": "sour", "command_id": "o1"}
    opened = rich.post("/v1/complaints", body, key=desk).json()
    at = f"/v1/complaints/{opened['complaint']}"
    answer = {"card": "c1", "answer": "we ask", "command_id": "n1"}
    assert rich.post(f"{at}/answer", answer, key=desk).json()["repeat"] is False
    end = {"card": "c1", "resolution": "sorry", "points": 9, "command_id": "z1"}
    assert rich.post(f"{at}/resolve", end, key=desk).json()["repeat"] is False
    assert points_of(rich.ledger, "c1") == 119
    problem(
        rich.post("/v1/complaints/xyz/answer", {**answer, "command_id": "n2"}, key=desk),
        400, "input-invalid",
    )  # fmt: skip


# --- the five verbs ----------------------------------------------------------------------


def test_accrue_under_another_transaction_awards_once(shop):
    told = [
        shop.post("/v1/till/accrue", {"transaction": name, "receipt": sale("1")}).json()
        for name in ("t1", "t2", "t3")
    ]
    assert [one["repeat"] for one in told] == [False, True, True]
    assert points_of(shop.ledger, "c1") == 10


def test_a_burn_whose_answer_was_lost_is_found_and_undone(rich):
    burn = {"transaction": "t1", "store": "s1", "card": "c1", "points": 40}
    assert rich.post("/v1/till/redeem", burn).json()["value_minor"] == 400
    undo = {"transaction": "t2", "store": "s1", "redeem": "t1"}
    told = [rich.post("/v1/till/reverse", undo).json() for _ in range(3)]
    assert told == [{"what": "redeem", "repeat": repeat} for repeat in (False, True, True)]
    assert points_of(rich.ledger, "c1") == 100
    never = {"transaction": "t4", "store": "s1", "redeem": "t3"}
    problem(rich.post("/v1/till/reverse", never), 404, "redemption-unknown")


def test_transactions_of_two_stores_may_be_counted_alike(rich):
    for store in ("s1", "s2"):
        body = {"transaction": "1", "store": store, "card": "c1", "points": 10}
        told = rich.post("/v1/till/redeem", body, key=rich.key(TILL, store))
        assert told.json()["repeat"] is False
    assert points_of(rich.ledger, "c1") == 80


def test_an_accrued_receipt_is_reversed_whole(shop):
    shop.post("/v1/till/accrue", {"transaction": "t1", "receipt": sale("1")})
    key = {n: sale("1")[n] for n in ("store", "lane", "business_date", "number")}
    undo = {"transaction": "t2", "store": "s1", "receipt": key}
    told = [shop.post("/v1/till/reverse", undo).json()["repeat"] for _ in range(2)]
    assert told == [False, True]
    assert points_of(shop.ledger, "c1") == 0


def test_a_guest_is_found_by_card_or_by_what_they_enrolled_with(shop):
    shop.ledger.enrol("c5", identity="bo@example.org")
    member = shop.ledger.member_of("c5").hex()
    for body in ({"card": "c5"}, {"identity": "BO@example.org"}):
        assert shop.post("/v1/till/search", body).json() == {"members": [member]}
    assert shop.post("/v1/till/search", {"card": "nobody"}).json() == {"members": []}
    problem(shop.post("/v1/till/search", {}), 400, "input-invalid")
    problem(shop.post("/v1/till/search", {"card": "1", "identity": "2"}), 400, "input-invalid")


def test_an_inquiry_tells_what_the_basket_would_earn(shop):
    told = shop.post("/v1/till/inquire", {"card": "c1", "basket": sale("1")}).json()
    assert (told["would_earn"], told["member"]["available"]) == (10, 0)


# --- the log -----------------------------------------------------------------------------


def test_a_follower_sees_every_event_once_in_order(shop):
    for number in range(5):
        shop.post("/v1/receipts", sale(str(number)))
    key, after, seen = shop.key(INTEGRATION), 0, []
    while events := shop.get(f"/v1/log?after={after}&limit=3", key=key).json()["events"]:
        seen += events
        after = events[-1]["position"]
    stored = shop.ledger.log.read(0, 1_000)
    assert [one["position"] for one in seen] == [row.position for row in stored]
    assert [base64.b64decode(one["state"]) for one in seen] == [row.state for row in stored]


def test_a_long_poll_ends_with_the_next_event(shop):
    key = shop.key(INTEGRATION)
    head = shop.ledger.log.head()

    async def wait():
        headers = {"authorization": f"Bearer {key}"}
        ask = asyncio.create_task(
            shop.client.get(f"/v1/log?after={head}&wait=20", headers=headers, timeout=60)
        )
        await asyncio.sleep(0.3)
        assert not ask.done()
        await asyncio.to_thread(shop.ledger.adjust, "c1", 1, "x", "Ada", "a9")
        return await ask

    answer = shop.loop.run_until_complete(wait())
    assert answer.json()["events"][0]["position"] == head + 1
    nothing = shop.get(f"/v1/log?after={shop.ledger.log.head()}", key=key).json()
    assert nothing["events"] == []


# --- when it cannot ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [Busy, StoreUnavailable])
def test_what_can_help_to_send_again_says_so(shop, monkeypatch, error):
    async def refuse(*_, **__):
        raise error

    monkeypatch.setattr(shop.ledger, "record_async", refuse)
    answer = shop.post("/v1/receipts", sale("1"))
    told = problem(answer, 503, error().code)
    assert (told["retryable"], answer.headers["retry-after"]) == (True, "1")


def test_a_fault_says_nothing_of_the_inside(shop, monkeypatch, caplog):
    def fail(*_, **__):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(shop.ledger, "inquire", fail)
    answer = shop.get("/v1/members/c1/balance")
    told = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert told["retryable"] is True
    assert "a secret" in caplog.text


def test_a_call_that_takes_too_long_is_told_to_come_again(ledger):
    with serving(ledger, seconds=1) as api:
        key = api.key(INTEGRATION)
        answer = api.get(f"/v1/log?after={ledger.log.head()}&wait=20", key=key)
        told = problem(answer, 503, "store-unavailable")
        assert told["retryable"] is True


def test_more_calls_at_once_than_there_may_be_are_told_to_come_again_at_once(ledger):
    with serving(ledger, calls_at_once=2) as api:
        poll = ("GET", f"/v1/log?after={ledger.log.head()}&wait=2", None, api.key(INTEGRATION))
        sale_of = [("POST", "/v1/receipts", sale(str(n)), api.key()) for n in range(3)]
        told = api.all_at_once([poll, poll, *sale_of, ("GET", "/health", None, "")])
        assert [one.status_code for one in told] == [200, 200, 503, 503, 503, 200]
        problem(told[2], 503, "busy")
        assert told[2].headers["retry-after"] == "1"
        assert api.post("/v1/receipts", sale("1")).status_code == 200
        assert "turned-away" in api.get("/metrics", key=api.key(INTEGRATION)).text


def test_too_many_calls_of_one_key_are_held_back_and_not_those_of_others(ledger):
    ledger.enrol("c1")
    with serving(ledger, calls_per_second=5) as api:
        keys = [api.key(TILL, "s1"), api.key(TILL, "s2")]
        answers = [api.get("/v1/members/c1/balance", key=keys[0]) for _ in range(50)]
        codes = [one.status_code for one in answers]
        assert set(codes) == {200, 429}
        problem(answers[codes.index(429)], 429, "http-429")
        assert api.get("/v1/members/c1/balance", key=keys[1]).status_code == 200


def test_health_and_readiness_need_no_key(http, monkeypatch):
    assert http.get("/health", key="").json() == {"status": "ok"}
    assert http.get("/ready", key="").json() == {"status": "ready"}

    def gone():
        raise OSError("no such host: secret")

    monkeypatch.setattr(http.ledger.log, "head", gone)
    assert http.get("/health", key="").status_code == 200
    assert "secret" not in http.get("/ready", key="").text
    problem(http.get("/ready", key=""), 503, "store-unavailable")


def test_metrics_count_calls_by_operation_and_status(shop):
    shop.post("/v1/receipts", sale("1"))
    text = shop.get("/metrics", key=shop.key(MANAGER)).text
    assert 'loyalty_http_calls_total{operation="record",status="200"} 1.0' in text
    problem(shop.get("/metrics"), 403, "not-permitted")


def test_metrics_tell_how_the_relays_endpoints_fare(shop, monkeypatch):
    from adapters.relay.registering import Endpoints

    endpoints, key = Endpoints(shop.ledger.log, shop.ledger.clock), shop.key(MANAGER)
    for name in ("crm", "old"):
        endpoints.add("https://crm.example/", name=name, first=1)
    head = shop.ledger.log.head()
    for _ in range(2):
        text = shop.get("/metrics", key=key).text
        assert f'loyalty_relay_lag{{endpoint="crm"}} {head}.0' in text
        assert 'loyalty_relay_dead{endpoint="old"} 0.0' in text
    endpoints.remove("old")
    assert 'endpoint="old"' not in shop.get("/metrics", key=key).text

    def away(*_):
        raise OperationalError

    monkeypatch.setattr(Endpoints, "status", away)
    assert "loyalty_http_calls_total" in shop.get("/metrics", key=key).text


def test_there_is_a_document_of_all_of_it(http):
    told = http.get("/openapi/openapi.json", key="").json()
    assert told["openapi"].startswith("3.1")
    assert len(told["paths"]) > 25
    for path, methods in told["paths"].items():
        for method in methods.values():
            open_to_all = path in {"/health", "/ready", "/v1/webhooks/{sender}"}
            assert ("401" in method["responses"]) is not open_to_all, path


def test_an_answer_is_not_kept_by_anybody_on_the_way(shop):
    answer = shop.get("/v1/members/c1/balance")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_path_leads_nowhere_quietly(http):
    problem(http.get("/v2/anything"), 404, "http-404")
    problem(http.call("DELETE", "/v1/receipts"), 405, "http-405")
    for path in ("/v1/receipts", "/health"):
        problem(http.call("OPTIONS", path), 405, "http-405")
