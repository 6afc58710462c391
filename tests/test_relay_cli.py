"""`loyalty relay`, as it is typed."""

import json
import signal
import subprocess
import sys

import pytest

from adapters.cli.main import main
from ledger.application import LoyaltyLedger
from ledger.store.outbox import Turn
from tests.receiver import Receiver, signed_by, until
from tests.shop import receipt
from tests.test_concurrency import ROOT


@pytest.fixture
def there():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def relay(ledger, db, capsys):
    """Type a command; what it says in JSON, or its refusal."""

    def typed(*words, code=0):
        assert main(["relay", *map(str, words), "--db", db, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return typed


def test_an_endpoint_from_its_first_day_to_its_last(relay, there, ledger, db, capsys):
    made = relay("add", there.url, "--name", "crm", "--events", "scan,enrolled", "--from", 1)
    assert made["name"] == "crm"
    assert made["secret"].startswith("whsec_")
    assert relay("list")["endpoints"] == [
        {"name": "crm", "url": there.url, "events": ["enrolled", "scan"], "state": "active",
         "reason": "", "allowed": [], "nats_subject": ""}
    ]  # fmt: skip
    for n in range(4):
        ledger.record(receipt(card=f"c{n}"), enrol=True)
    head = ledger.log.head()
    (status,) = relay("status")["endpoints"]
    assert (status["position"], status["lag"]) == (0, head)
    (ran,) = relay("run", "--once")["endpoints"]
    assert (ran["position"], ran["lag"], ran["delivered"]) == (head, 0, 8)
    assert all(signed_by(got, made["secret"]) for got in there.taken)
    assert relay("pause", "crm")["state"] == "paused"
    ledger.record(receipt(card="c1"))
    relay("run", "--once")
    assert len(there.taken) == 8
    assert relay("resume", "crm")["state"] == "active"
    new = relay("rotate", "crm", "--grace-hours", 1)["secret"]
    relay("run", "--once")
    assert signed_by(there.taken[8], made["secret"])
    assert signed_by(there.taken[8], new)
    assert relay("replay", "crm", "--from", 2, "--to", 3) == {"name": "crm", "from": 2, "to": 3}
    relay("run", "--once")
    there.answer = lambda _: 500
    ledger.record(receipt(card="c1"))
    assert relay("run", "--once", "--schedule", "1000000")["endpoints"][0]["waiting"] == 1
    assert relay("dead", "crm") == {"dead": []}
    assert relay("retry", "crm")["retried"] == 0
    texts = []
    for words in (["list"], ["status"], ["dead", "crm"]):
        assert main(["relay", *words, "--db", db]) == 0
        texts.append(capsys.readouterr().out)
    assert "crm   active" in texts[0]
    assert "1 waiting, 0 dead; last: HTTP 500." in texts[1]
    assert texts[2] == "No dead letters.\n"
    assert not any(s[6:] in "".join(texts) for s in (made["secret"], new))
    assert relay("remove", "crm")["state"] == "removed"
    assert relay("list") == {"endpoints": []}
    assert main(["relay", "list", "--db", db]) == 0
    assert capsys.readouterr().out == "No endpoint.\n"


def test_dead_letters_are_listed_and_sent_again(relay, there, ledger, clock, db, capsys):
    from adapters.relay.running import Relay

    there.answer = lambda got: 500 if got.position == 1 else 204
    relay("add", there.url, "--name", "crm", "--from", 1)
    for _ in range(2):
        Relay(ledger.log, clock, schedule=[10]).once()
        clock.now += 100
    (dead,) = relay("dead", "crm")["dead"]
    assert (dead["position"], dead["tries"], dead["answer"]) == (1, 2, "HTTP 500")
    assert main(["relay", "dead", "crm", "--db", db]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["1", "2"]
    there.answer = lambda _: 204
    assert relay("retry", "crm") == {"name": "crm", "retried": 1}
    assert relay("run", "--once")["endpoints"][0]["dead"] == 0
    assert 1 in there.positions
    turn = Turn(ledger.log)
    assert turn.take()
    assert relay("run", "--once", code=5)["error"] == "relay-busy"
    turn.leave()


@pytest.mark.parametrize(
    ("words", "error", "field"),
    [(["pause"], "input-invalid", "subject"), (["add"], "input-invalid", "subject"),
     (["pause", "crm"], "endpoint-unknown", None), (["dead", "crm"], "endpoint-unknown", None),
     (["add", "http://hooks.example/"], "input-invalid", "url"),
     (["add", "https://10.0.0.1/"], "input-invalid", "url"),
     (["add", "mailto:ada"], "input-invalid", "url"),
     (["add", "nats://"], "input-invalid", "url"),
     (["add", "nats://n1/path"], "input-invalid", "url"),
     (["add", "nats://n1:port"], "input-invalid", "url"), (["add", "nats://a\x00b"], "input-invalid", "url"),
     (["add", "https://hooks.example/", "--events", "scam"], "input-invalid", "events"),
     (["add", "https://hooks.example/", "--from", "99999"], "input-invalid", "from"),
     (["add", "https://hooks.example/", "--nats-subject", "x"], "input-invalid", "subject"),
     (["replay", "crm"], "input-invalid", "from"),
     (["rotate", "crm", "--grace-hours", "-1"], "input-invalid", "grace_hours")],
)  # fmt: skip
def test_what_is_typed_wrong_is_refused_at_its_place(relay, words, error, field):
    told = relay(*words, code=1)
    assert (told["error"], told["field"]) == (error, field)
    assert relay("list") == {"endpoints": []}


@pytest.mark.parametrize("words", [["--from", "zero"], ["--from", "0"], ["--schedule", "5,x"],
                                   ["--schedule", ""], ["--timeout", "0"]])  # fmt: skip
def test_what_is_no_value_is_refused_by_the_parser(db, ledger, words):
    with pytest.raises(SystemExit) as end:
        main(["relay", "run", *words, "--db", db])
    assert end.value.code == 2


def test_leave_for_http_and_for_private_addresses_is_kept_with_the_endpoint(relay):
    relay("add", "http://10.1.2.3:9/", "--allow-http", "--allow-private")
    (one,) = relay("list")["endpoints"]
    assert (one["name"], one["allowed"]) == ("10.1.2.3:9", ["http", "private"])


def test_an_endpoint_of_nats_has_no_secret_to_rotate(relay):
    assert relay("add", "nats://n1:4222", "--nats-subject", "a.{topic}")["secret"] == ""
    assert relay("list")["endpoints"][0]["nats_subject"] == "a.{topic}"
    assert relay("rotate", "n1:4222", code=1)["field"] == "name"


def test_a_relay_runs_says_how_it_fares_and_ends_when_it_is_told_to(ledger, db, there, store):
    ends = signal.SIGTERM if store == "sqlite" else signal.SIGINT
    with LoyaltyLedger.open(db):
        assert main(["relay", "add", there.url, "--name", "crm", "--from", "1", "--db", db]) == 0
    words = [sys.executable, "-m", "adapters.cli.main", "relay", "run", "--json", "--tell", "1"]
    running = subprocess.Popen(
        [*words, "--db", db], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        ledger.record(receipt(card="c1"), enrol=True)
        assert until(lambda: len(there.taken) == ledger.log.head())
        assert running.stdout.readline()
        ledger.record(receipt(card="c1"))
        assert until(lambda: len(there.taken) == ledger.log.head())
        running.send_signal(ends)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, err
    (last,) = json.loads(out.splitlines()[-1])["endpoints"]
    head = ledger.log.head()
    assert (last["name"], last["position"], last["delivered"]) == ("crm", head, head)
