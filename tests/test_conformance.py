"""The conformance kit: our own server holds all of it, and one that lies is found."""

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress

import httpx
import pytest
import uvicorn

from adapters.cli.main import main
from adapters.conformance import CASES, Settings, run
from adapters.conformance.run import BROKEN, HELD, LEFT
from adapters.http.app import Limits, api
from ledger.application import LoyaltyLedger
from ledger.policies.access import INTEGRATION
from tests.conftest import PROGRAMME

STORE = "s1"


@contextmanager
def listening(app):
    """An application on a socket of its own."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([line],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{line.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture
def open_ledger(new_db):
    with LoyaltyLedger.create(new_db(), PROGRAMME) as ledger:  # with the real clock
        yield ledger


def played(ledger, around=lambda app: app, cases=CASES):
    key = ledger.issue_key("Kit", INTEGRATION, "Ada", "kit").key
    with listening(around(api(ledger, Limits(100_000)))) as url:
        results = run(Settings(url, key, STORE, "EUR"), cases)
    return {result.name: result for result in results}


def test_our_own_server_holds_all_of_it(open_ledger):
    results = played(open_ledger)
    assert len(results) == len(CASES) == 18
    assert {result.result for result in results.values()} == {HELD}, [
        result for result in results.values() if result.result != HELD
    ]
    open_ledger.catch_up()
    assert open_ledger.verify().clean


class Liar:
    """A server that changes what it is sent, or what it answers."""

    def __init__(self, app, *, body=lambda _path, told: told, status=lambda _path, code: code):
        self.app, self.body, self.status = app, body, status

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        with suppress(ValueError):
            raw = json.dumps(self.body(scope["path"], json.loads(raw))).encode()
        headers = [h for h in scope["headers"] if h[0] != b"content-length"]
        scope = {**scope, "headers": [*headers, (b"content-length", str(len(raw)).encode())]}

        async def again():
            return {"type": "http.request", "body": raw, "more_body": False}

        async def told(message):
            if message["type"] == "http.response.start":
                message = {**message, "status": self.status(scope["path"], message["status"])}
            await send(message)

        await self.app(scope, again, told)


def by_request(path, told):
    """Takes the transaction for the receipt's key, as many do."""
    if path.endswith("/accrue"):
        told["receipt"]["number"] = told["transaction"]
    return told


def burns_anew(path, told):
    """Takes each redeem for a new one."""
    if path.endswith("/redeem"):
        burns_anew.count += 1
        told["transaction"] += f"-{burns_anew.count}"
    return told


burns_anew.count = 0


def sums(path, told):
    """Reads amounts as something else the second time it sees a number."""
    if path.endswith("/accrue"):
        seen = sums.seen.setdefault(told["receipt"].get("number"), 0)
        sums.seen[told["receipt"].get("number")] += 1
        for line in told["receipt"]["lines"]:
            line["amount_minor"] += seen
    return told


sums.seen = {}


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (by_request, {"another transaction", "lost answer", "day late", "other content"}),
        (burns_anew, {"burn twice", "lost burn"}),
        (sums, {"sent twice", "another transaction"}),
    ],
)
def test_a_server_that_counts_wrong_is_found(open_ledger, lie, found):
    results = played(open_ledger, lambda app: Liar(app, body=lie))
    broken = {name for name, result in results.items() if result.result == BROKEN}
    assert found <= broken, {name: result.detail for name, result in results.items()}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (lambda _path, code: 500 if code == 409 else code, {"other content"}),
        (lambda _path, code: 200 if code == 401 else code, {"no key"}),
        (lambda path, code: 404 if path.endswith("inquire") else code, {"burn twice"}),
    ],
)
def test_a_server_that_answers_wrong_is_found(open_ledger, status, found):
    results = played(open_ledger, lambda app: Liar(app, status=status))
    assert found <= {name for name, result in results.items() if result.result == BROKEN}


def test_what_a_programme_does_not_offer_is_left_out(new_db):
    without = PROGRAMME.replace("[redeem.cash]\npoints = 1\nvalue_minor = 10\n", "")
    with LoyaltyLedger.create(new_db(), without) as ledger:
        results = played(ledger)
    assert {result.result for result in results.values()} == {HELD, LEFT}
    assert {name for name, result in results.items() if result.result == LEFT} == {
        "burn twice", "lost burn", "spent once",
    }  # fmt: skip


def test_nobody_there_breaks_every_case_and_ends():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    results = run(Settings(url, "ll_a_b", STORE, "EUR"))
    assert {result.result for result in results} == {BROKEN}


def test_the_command_tells_each_case_and_its_exit_code(open_ledger, capsys, monkeypatch):
    key = open_ledger.issue_key("Kit", INTEGRATION, "Ada", "kit").key
    monkeypatch.setenv("LOYALTY_KEY", key)
    with listening(api(open_ledger, Limits(100_000))) as url:
        words = ["conformance", url, "--store", STORE, "--currency", "EUR"]
        assert main([*words, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (len(told["cases"]), told["broken"]) == (18, 0)
        assert main([*words[:-1], "USD"]) == 3  # every accrue is refused
        assert "BROKEN" in capsys.readouterr().out
        monkeypatch.delenv("LOYALTY_KEY")
        assert main(words) == 1
        assert httpx.get(f"{url}/health").status_code == 200
