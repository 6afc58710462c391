"""Into NATS JetStream, on a real server: every event once, whatever is killed on the way."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from types import SimpleNamespace

import msgspec
import pytest

from adapters.notification import notification_of
from adapters.relay import courier
from adapters.relay.message import shard_of
from adapters.relay.registering import Endpoints
from adapters.relay.running import Relay
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from tests.receiver import until
from tests.shop import receipt
from tests.test_relay_kills import relay  # noqa: F401  a fixture

nats = pytest.importorskip("nats")
BINARY = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which(
    "nats-server"
)
pytestmark = pytest.mark.skipif(
    BINARY is None, reason="no nats-server (the extra `test` brings it)"
)


class Server:
    """A NATS server of a test's own, on loopback."""

    def __init__(self, folder, *more, port=-1):
        self._folder = folder
        self.process = subprocess.Popen(
            [BINARY, "-js", "-sd", folder / "js", "-a", "127.0.0.1", "-p", str(port),
             "--ports_file_dir", folder, *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        told = folder / f"nats-server_{self.process.pid}.ports"
        assert until(lambda: told.exists() and told.read_text().endswith("}"))
        self.url = json.loads(told.read_text())["nats"][0]
        self.port = int(self.url.rpartition(":")[2])

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve(tmp_path):
    """Makes servers on one folder, and ends them."""
    made = []

    def begin(*more, **given):
        made.append(Server(tmp_path, *more, **given))
        return made[-1]

    yield begin
    for one in made:
        one.end()


@pytest.fixture
def server(serve):
    return serve()


def ask(url, what):
    """Do something with a server's JetStream."""

    async def asked():
        connection = await nats.connect(url, connect_timeout=5)
        try:
            return await what(connection.jetstream())
        finally:
            await connection.close()

    return asyncio.run(asked())


def make_stream(url, subjects="loyalty.>", **more):
    ask(url, lambda js: js.add_stream(name="LOYALTY", subjects=[subjects], **more))


def stored(url):
    """What the stream holds, in its order."""

    async def read(js):
        info = await js.stream_info("LOYALTY")
        return [await js.get_msg("LOYALTY", seq=n + 1) for n in range(info.state.messages)]

    return [
        SimpleNamespace(
            subject=m.subject, id=m.headers["Nats-Msg-Id"], body=json.loads(m.data),
            position=json.loads(m.data)["data"]["position"],
        )
        for m in ask(url, read)
    ]  # fmt: skip


@pytest.fixture
def endpoints(ledger, clock):
    return Endpoints(ledger.log, clock)


def once(ledger, clock, **more):
    Relay(ledger.log, clock, random=Random(3), **more).once()


def test_every_event_is_stored_once_under_its_subject_and_id(ledger, endpoints, clock, server):
    make_stream(server.url)
    name, secret = endpoints.add(server.url, first=1)
    assert (name, secret) == (server.url.removeprefix("nats://"), "")
    for n in range(60):
        ledger.record(receipt(card=f"c{n % 7}"), enrol=True)
    once(ledger, clock)
    rows = {row[0]: row for row in ledger.log.page(0, 1_000)}
    found = stored(server.url)
    assert sorted(one.position for one in found) == list(rows)
    last = {}
    for one in found:
        row = rows[one.position]
        assert one.subject == f"loyalty.{row[3]}"
        assert one.id == f"{shard_of(ledger.log)}:{row[0]}"
        assert one.body["type"] == row[3]
        assert one.body["data"] == msgspec.to_builtins(notification_of(row))
        assert one.position > last.get(row[1], 0)
        last[row[1]] = one.position
    endpoints.replay(name, 1, None)
    once(ledger, clock)
    assert len(stored(server.url)) == len(rows), "what comes again under its id is dropped"
    assert endpoints.status()[0].delivered == 2 * len(rows)


def test_a_subject_of_ones_own(ledger, endpoints, clock, server):
    make_stream(server.url, "shop.*.events")
    endpoints.add(
        server.url, name="n", first=1, subject="shop.{topic}.events", topics=["programme"]
    )
    once(ledger, clock)
    assert [one.subject for one in stored(server.url)] == ["shop.programme.events"]


@pytest.mark.parametrize("subject", ["a b", "a.*", "a.>", "", "a..b", ".a", "a\tb"])
def test_a_subject_that_cannot_be_published_to_is_refused(endpoints, subject):
    if not subject:
        assert endpoints.add("nats://n1:4222", name="n", subject=subject)
        return
    with pytest.raises(InputInvalid) as refused:
        endpoints.add("nats://n1:4222", name="n", subject=subject)
    assert refused.value.field == "subject"


def test_without_a_stream_or_a_server_it_is_tried_again_later(ledger, endpoints, clock, serve):
    server = serve()
    endpoints.add(server.url, name="n", first=1)
    once(ledger, clock)
    assert endpoints.status()[0].answer == "no stream takes loyalty.programme"
    make_stream(server.url)
    server.end()
    clock.now += courier.SCHEDULE[0] * 2
    once(ledger, clock)
    assert (endpoints.status()[0].failed, endpoints.status()[0].waiting) == (2, 1)
    assert "127.0.0.1" not in endpoints.status()[0].answer
    again = serve(port=server.port)
    clock.now += courier.SCHEDULE[1] * 2
    once(ledger, clock)
    assert [one.position for one in stored(again.url)] == [1]


def test_a_password_in_the_url_opens_the_server_and_is_shown_to_nobody(
    ledger, endpoints, clock, serve, db, capsys
):
    from adapters.cli.main import main

    server = serve("--user", "ada", "--pass", "s3cret-word")
    opened = server.url.replace("nats://", "nats://ada:s3cret-word@")
    make_stream(opened)
    for password, delivered in (("s3cret-word", 1), ("wrong-w0rd", 0)):
        url = server.url.replace("nats://", f"nats://ada:{password}@")
        words = ["relay", "add", url, "--name", password[:5], "--from", "1", "--db", db]
        assert main(words) == 0
        once(ledger, clock)
        (one,) = [one for one in endpoints.status() if one.name == password[:5]]
        assert (one.delivered, one.waiting) == (delivered, 1 - delivered)
        for action in ("list", "status"):
            assert main(["relay", action, "--db", db, "--json"]) == 0
            assert main(["relay", action, "--db", db]) == 0
        told = capsys.readouterr()
        assert password not in told.out + told.err


def test_killed_relays_and_a_killed_server_lose_nothing(ledger, db, server, serve, relay):  # noqa: F811
    make_stream(server.url)
    with LoyaltyLedger.open(db) as now:
        endpoints = Endpoints(now.log, now.clock)
        endpoints.add(server.url, name="n", first=1)
        ledger.record_all([receipt(card=f"c{n % 40}") for n in range(1_500)], enrol=True)
        head = ledger.log.head()
        rng = Random(11)
        for n in range(2):
            running = relay()
            target = head * n // 4 + rng.randrange(100, head // 4)
            assert until(lambda target=target: endpoints.status()[0].position >= target)
            running.kill()
            assert running.wait() == -signal.SIGKILL
        reached = endpoints.status()[0].position
        running = relay()
        assert until(lambda: endpoints.status()[0].position > reached)
        server.end()
        ledger.record_all([receipt(card="c1") for _ in range(20)])
        head = ledger.log.head()
        other = serve(port=server.port)
        assert until(
            lambda: (endpoints.status()[0].position, endpoints.status()[0].waiting) == (head, 0), 60
        )
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
        positions = [one.position for one in stored(other.url)]
    assert sorted(positions) == list(range(1, head + 1)), "each once, in spite of the kills"
