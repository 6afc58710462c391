"""The document of the API: whole, true in its examples, and checked against its own schemas."""

import base64
import hmac
import json

import httpx
import jsonschema_rs
import pytest

from adapters.http import paths
from adapters.http.examples import EXAMPLES, written
from adapters.http.hooks import hooks_of
from ledger.errors import StoreUnavailable
from ledger.policies.access import AUDITOR, TILL
from tests.api import serving

EVENING = 1_795_801_800
"""2026-11-27 18:50 in Berlin, after what the examples sell."""
NEXT_YEARS_END = 1_830_297_599
VOUCHERS = """
[[redeem.voucher]]
code = "five"
name = "5 off"
points = 50
value_minor = 500
[redeem.offline]
most_points = 500
"""
SECRET = b"what the shop signs with"
NEW_EVERY_TIME = {
    "id", "key", "replaces", "member_id", "stream", "complaint", "members", "voucher_code", "subject",
    "state", "position", "token", "allowance", "kid", "x", "number", "head", "at", "recorded_at", "topic", "version",
}  # fmt: skip
"""Fields whose values are another ledger's or another moment's."""
HOLDERS = {"admin": "Ada", "service": "Ben", "auditor": "Cara", "till": "Till 1 of S001"}


@pytest.fixture
def http(ledger_under, clock, tmp_path, monkeypatch):
    clock.now = EVENING
    monkeypatch.setenv("SHOP", SECRET.decode())
    file = tmp_path / "webhooks.toml"
    file.write_text('[erpnext]\ndialect = "erpnext"\nsecrets = ["env:SHOP"]\n')
    ledger = ledger_under(VOUCHERS)
    with serving(ledger, hooks_of(ledger, file, None)) as api:
        yield api


@pytest.fixture
def document(http):
    return http.get("/openapi/openapi.json", key="").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def send(http, shown, known):
    """Make a call as it is shown, with the ids of this ledger in place of those that are shown."""
    method, path = shown.call.split()
    for name, value in shown.path.items():
        path = path.replace(f"{{{name}}}", known.get(value, value))
    headers, content, key = {}, None, ""
    if shown.sends is not None:
        journal = isinstance(shown.sends, list)
        media = "application/x-ndjson" if journal else "application/json"
        content = written(media, shown.sends)
        content = (content if journal else json.dumps(content)).encode()
        headers["content-type"] = media
    if shown.role == "sender":
        told = base64.b64encode(hmac.digest(SECRET, content, "sha256")).decode()
        headers["x-frappe-webhook-signature"] = told
    elif shown.role:
        key = key_of(http, shown.role)
    if shown.query:
        path = f"{path}?{httpx.QueryParams(shown.query)}"
    answer = http.call(method, path, content=content, key=key, headers=headers)
    assert answer.status_code == 200, (shown.call, answer.text)
    if "ndjson" in answer.headers["content-type"]:
        return [json.loads(line) for line in answer.text.splitlines()]
    if "json" not in answer.headers["content-type"]:
        return answer.text
    told = answer.json()
    if shown.call == "GET /v1/keys":  # in the order of their ids, which are random
        told.sort(key=lambda one: (one["holder"], one["replaces"] != ""))
    return told


def key_of(http, role):
    if role not in http.keys:
        stores = ("S001",) if role == TILL else ()
        holder = HOLDERS[role]
        issued = http.ledger.issue_key(
            holder, role, "Ada", f"key {holder}", stores=stores, until=NEXT_YEARS_END
        )
        http.keys[role] = issued.key
    return http.keys[role]


def alike(shown, real, known, at=""):
    """Whether an answer is the one that is shown, but for what is new every time."""
    if isinstance(shown, dict):
        assert shown.keys() == real.keys(), at
        for name in shown:
            if name.rsplit(".")[-1] in NEW_EVERY_TIME and not isinstance(shown[name], list | dict):
                assert type(shown[name]) is type(real[name]), f"{at}.{name}"
                if isinstance(shown[name], str):
                    known[shown[name]] = real[name]
            else:
                alike(shown[name], real[name], known, f"{at}.{name}")
    elif isinstance(shown, list):
        assert len(shown) == len(real), at
        for index, (one, other) in enumerate(zip(shown, real, strict=True)):
            if at.rpartition(".")[2] in NEW_EVERY_TIME:
                assert type(one) is type(other), at
            else:
                alike(one, other, known, f"{at}[{index}]")
    elif at:
        assert (type(shown), shown) == (type(real), real), at
    else:
        assert all(line in real for line in shown.splitlines())


def test_every_example_is_answered_as_it_is_shown(http):
    known = {}
    for shown in EXAMPLES:
        alike(shown.answers, send(http, shown, known), known)


def test_every_operation_has_examples_and_every_example_an_operation(document):
    for name, operation in operations(document):
        if body := operation.get("requestBody"):
            assert all(content["examples"] for content in body["content"].values()), name
        for status, response in operation["responses"].items():
            for content in response["content"].values():
                assert content.get("examples"), f"{name} {status}"
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] == "query" or parameter["example"], name
    assert {name for name, _ in operations(document)} == {shown.call for shown in EXAMPLES}


def test_every_example_is_of_its_schema(document):
    checked = 0
    for name, operation in operations(document):
        told = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [media for one in told for media in one.get("content", {}).values()]:
            schema = {**content["schema"], "components": document["components"]}
            validator = jsonschema_rs.validator_for(schema, validate_formats=True)
            for example in content["examples"].values():
                validator.validate(example["value"]), name
                checked += 1
    assert checked > 300


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def test_every_problem_is_answered_as_it_is_shown(http, monkeypatch):
    key = http.key(TILL, "S001")
    http.post("/v1/members", {"card": "c1"}, key=key)
    sold = next(one.sends for one in EXAMPLES if one.call == "POST /v1/receipts") | {"card": "c1"}
    http.post("/v1/receipts", sold, key=key)
    too_much = {"card": "c1", "points": 500, "command_id": "x", "store": "S001"}
    answers = {
        400: http.post("/v1/receipts", {**sold, "lines": []}, key=key),
        401: http.get("/v1/members/c1/balance", key=""),
        403: http.post("/v1/adjustments", {}, key=key),
        404: http.get("/v1/members/c2/balance", key=key),
        409: http.post(
            "/v1/receipts",
            {**sold, "currency": "EUR", "number": "0001", "lines": sold["lines"][:1]},
            key=key,
        ),
        413: http.call("POST", "/v1/receipts", content=b" " * (paths.LARGEST_BODY + 1), key=key),
        422: http.post("/v1/redemptions", too_much, key=key),
    }
    for status, error in ((500, RuntimeError("inside")), (503, StoreUnavailable())):
        monkeypatch.setattr(http.ledger, "access_keys", failing(error))
        answers[status] = http.get("/v1/keys", key=http.key(AUDITOR))
    with serving(http.ledger, calls_per_second=1) as busy:
        for _ in range(5):
            answers[429] = busy.get("/v1/members/c1/balance", key=key)
    assert answers.keys() == paths.PROBLEMS.keys()
    for status, answer in answers.items():
        (shown,) = paths.PROBLEMS[status].examples
        told = answer.json()
        assert answer.status_code == status, answer.text
        stable = ("type", "title", "status", "code", "retryable")
        assert [told.get(name) for name in stable] == [shown.value.get(name) for name in stable]
