"""`loyalty serve` and `loyalty key` as they are run: processes, sockets, and real kills."""

import datetime as dt
import json
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adapters.cli.main import main
from ledger.application import LoyaltyLedger
from tests.api import sale
from tests.shop import conserved

ROOT = Path(__file__).parent.parent
KILLS = 3
RECEIPTS = 150


def sold(number, amount=1_000, card="c1"):
    """A receipt of now: the server has the real clock."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    day = now.date().isoformat()
    return sale(number, amount, card, business_date=day, captured_at=now.isoformat())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(db, port, *options):
    """A server in a process of its own, once it answers."""
    words = [sys.executable, "-m", "adapters.cli.main", "serve", "--db", db, "--port", str(port)]
    process = subprocess.Popen(
        [*words, "--calls-per-second", "100000", *options], cwd=ROOT, stderr=subprocess.PIPE
    )
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200:
                    break
            except httpx.HTTPError:
                assert process.poll() is None, process.stderr.read()[-2_000:]
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.communicate()


def key_of(db, capsys, *words):
    assert main(["key", "issue", *words, "--author", "Ada", "--db", db]) == 0
    return capsys.readouterr().out.strip()


def test_a_till_with_a_key_from_the_command_line_is_served(ledger, db, capsys):
    ledger.enrol("c1")
    ledger.close()
    key = key_of(db, capsys, "Till 1", "--role", "till", "--store", "s1")
    assert re.fullmatch(r"ll_[a-z2-7]{13}_[a-z2-7]{52}", key)
    port = free_port()
    with server(db, port) as process:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as till:
            told = till.post("/v1/receipts", json=sold("1"))
            assert (told.status_code, told.json()["points"]) == (200, 10)
            assert "server" not in told.headers
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in {0, -signal.SIGTERM}
    with LoyaltyLedger.open(db) as again:
        conserved(again, "c1")


def test_what_was_acknowledged_is_there_once_however_often_the_server_is_killed(ledger, db, capsys):
    """Tills send each receipt until it is answered; the server is killed in between."""
    for card in range(5):
        ledger.enrol(f"c{card}")
    ledger.close()
    key = key_of(db, capsys, "Till 1", "--role", "till", "--store", "s1")
    port, acknowledged = free_port(), []

    def send(number):
        body = sold(str(number), 100, f"c{number % 5}")
        for _ in range(600):
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{port}/v1/receipts", json=body, timeout=30,
                    headers={"authorization": f"Bearer {key}"},
                )  # fmt: skip
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                acknowledged.append((number, answer.json()))
                return
            assert answer.json()["retryable"], answer.text
            time.sleep(0.05)
        raise AssertionError(number)

    with ThreadPoolExecutor(8) as tills:
        sent = [tills.submit(send, number) for number in range(RECEIPTS)]
        for kill in range(KILLS):
            with server(db, port) as process:
                while len(acknowledged) < RECEIPTS * (kill + 1) // (KILLS + 1):
                    assert process.poll() is None
                    time.sleep(0.01)
        with server(db, port):
            for one in sent:
                one.result(120)
    with LoyaltyLedger.open(db) as again:
        assert len(acknowledged) == RECEIPTS
        rows = [row for row in again.log.read(0, 10_000) if row.claims]
        assert len({row.claims for row in rows}) == len(rows) == RECEIPTS
        places = {(told["stream"], told["version"]) for _, told in acknowledged}
        assert places == {(row.stream.hex(), row.version) for row in rows}
        for card in range(5):
            conserved(again, f"c{card}")
        assert again.verify().clean


def test_keys_are_listed_rotated_and_revoked(ledger, db, capsys):
    ledger.close()
    key_of(db, capsys, "Till 1", "--role", "till", "--store", "s1", "--command-id", "k1")
    assert "told when it was issued" in key_of(
        db, capsys, "Till 1", "--role", "till", "--store", "s1", "--command-id", "k1"
    )
    assert main(["key", "list", "--db", db, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["keys"]
    assert (row["holder"], row["role"], row["stores"], row["until"]) == ("Till 1", "till", "s1", 0)
    assert main(["key", "rotate", row["id"], "--author", "Ada", "--db", db]) == 0
    new = capsys.readouterr().out.strip()
    with LoyaltyLedger.open(db) as again:
        assert again.caller(new).holder == "Till 1"
    words = ["key", "revoke", new.split("_")[1], "--reason", "lost", "--author", "Ada", "--db", db]
    assert main(words) == 0
    assert main(["key", "list", "--db", db]) == 0
    assert "(lost)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["issue", "--role", "till"], "field `subject`"),
        (["issue", "Bo"], "field `role`"),
        (["issue", "Till 1", "--role", "till", "--author", "Ada"], "field `stores`"),
        (["issue", "Bo", "--role", "service"], "field `author`"),
        (["revoke", "nobody", "--author", "Ada", "--reason", "x"], "field `id`"),
        (["rotate", "nobody", "--author", "Ada"], "field `id`"),
    ],
)
def test_a_wrong_word_is_refused_with_its_field(ledger, db, capsys, words, said):
    ledger.close()
    assert main(["key", *words, "--db", db]) == 1
    assert said in capsys.readouterr().err


def test_a_certificate_needs_its_key(ledger, db, capsys):
    ledger.close()
    assert main(["serve", "--tls-cert", "x.pem", "--db", db]) == 1
    assert "tls-cert" in capsys.readouterr().err
