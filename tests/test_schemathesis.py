"""The API by its own document: generated calls meet no fault of the server, and answers keep to it."""

import base64
import hmac
import json
import os
from collections import Counter

import httpx
import pytest
import requests  # schemathesis brings it
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core import NotSet
from test_openapi import SECRET, key_of, send
from test_openapi import http as http  # noqa: PLC0414  the fixture

from adapters.http.examples import EXAMPLES, NDJSON

CASES = int(os.environ.get("LOYALTY_CASES", "16"))
"""Of each operation: as its schema has it, as it does not, and the example with changes."""
LEAST_TAKEN = 30
"""Operations, of which some call was answered with 200: else nothing but refusals was tried."""
EXPECTED = {200, 400, 403, 404, 405, 409, 413, 422}
HOST = "http://ledger"
load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_headers_conformance", "response_schema_conformance",
    ]
)  # fmt: skip


@pytest.fixture
def lived_in(http):
    """A ledger in which everything of the examples is there to be called for."""
    known = {}
    for shown in EXAMPLES:
        answer = send(http, shown, known)
        if isinstance(answer, dict):
            known |= {old: answer[name] for name, old in shown.answers.items()
                      if isinstance(old, str) and name in answer}  # fmt: skip
    return http, known


def call(api, case, shown, known):
    """Send a generated call in a role that may make it."""
    case.path_parameters = {
        name: known.get(value, value) for name, value in (case.path_parameters or {}).items()
    }
    if "wait" in (case.query or {}):  # a long poll would be waited for in vain
        case.query["wait"] = min(case.query["wait"], 0) if type(case.query["wait"]) is int else "x"
    sent = requests.Request(**sendable(case)).prepare()
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
    headers = httpx.Headers(dict(sent.headers))
    if shown.role == "sender":
        told = base64.b64encode(hmac.digest(SECRET, body, "sha256")).decode()
        headers["x-frappe-webhook-signature"] = told
    elif shown.role:
        headers["authorization"] = f"Bearer {key_of(api, shown.role)}"
    return api.loop.run_until_complete(
        api.client.request(sent.method, sent.url, content=body, headers=headers)
    )


def sendable(case):
    kept = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    made = case.as_transport_kwargs(base_url=HOST)
    return {name: value for name, value in made.items() if name in kept}


@schemathesis.serializer(NDJSON)
def lines(_, value):
    """A journal; what is no text is sent as JSON."""
    return {"data": (value if isinstance(value, str) else json.dumps(value)).encode()}


def cases(operation, shown, receipts):
    """Calls as the schema has them, calls that it does not allow, and the example with changes."""
    positive, negative = (
        operation.as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )
    if isinstance(shown.sends, dict):
        names = st.sets(st.sampled_from(sorted(shown.sends)), min_size=1, max_size=3)
        return positive | negative | st.tuples(positive, names, st.just(shown)).map(_changed)
    if isinstance(shown.sends, list):
        bodies = st.lists(receipts.map(lambda case: case.body), max_size=4)
        return positive | negative | st.tuples(positive, bodies).map(_journal)
    return positive | negative


def _changed(made):
    """The example, with some of its fields as they were generated."""
    case, names, shown = made
    case.path_parameters = dict(shown.path)
    taken = {name: case.body[name] for name in names if name in case.body}
    case.body = {**shown.sends, **taken}
    return case


def _journal(made):
    case, bodies = made
    written = [body.decode(errors="replace") if isinstance(body, bytes) else json.dumps(body)
               for body in bodies if not isinstance(body, NotSet)]  # fmt: skip
    case.body = "\n".join(written)
    return case


def tried(api, strategy, shown, known):
    """Statuses of generated calls of one operation; raises for one that was answered wrongly."""
    statuses = Counter()

    @seed(1)
    @settings(
        max_examples=CASES, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def generated(case):
        answer = call(api, case, shown, known)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKED)

    generated()
    return statuses


@pytest.mark.timeout(600 + 60 * CASES)
def test_no_generated_call_meets_a_fault_or_an_answer_that_is_not_documented(lived_in):
    api, known = lived_in
    document = api.get("/openapi/openapi.json", key="").json()
    roles = {shown.call: shown for shown in reversed(EXAMPLES)}
    statuses, wrong = {}, []
    schema = schemathesis.openapi.from_dict(document)
    receipts = cases(schema["/v1/receipts"]["POST"], roles["POST /v1/receipts"], None)
    for found in schema.get_all_operations():
        operation = found.ok()
        name = f"{operation.method.upper()} {operation.path}"
        strategy = cases(operation, roles[name], receipts)
        try:
            statuses[name] = tried(api, strategy, roles[name], known)
        except Exception as error:
            wrong.append(f"{name}: {error!s:.1000}")
    assert not wrong, "\n\n".join(wrong)
    assert statuses.keys() == roles.keys()
    assert sum(1 for seen in statuses.values() if seen[200]) >= LEAST_TAKEN, statuses
    assert set().union(*statuses.values()) <= EXPECTED, statuses
    api.ledger.catch_up()
    assert api.ledger.verify().clean
