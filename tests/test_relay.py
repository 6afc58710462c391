"""Webhooks out: everything once at least, signed, in order by stream, whatever the receiver does."""

import email.utils
import json
import threading
import time
from pathlib import Path
from random import Random

import msgspec
import pytest
from eventsourcing.persistence import OperationalError

from adapters.notification import notification_of
from adapters.relay import courier as module
from adapters.relay import webhook
from adapters.relay.courier import SCHEDULE
from adapters.relay.message import shard_of
from adapters.relay.registering import Endpoints
from adapters.relay.running import Relay
from ledger.errors import EndpointExists, EndpointUnknown, InputInvalid, RelayBusy, StoreUnavailable
from ledger.store.outbox import Aside, Batch, Outbox, Turn
from tests.receiver import Receiver, signed_by, until
from tests.shop import NOW, receipt

DAY = 86_400


@pytest.fixture
def receiver():
    """Makes receivers."""
    made = []

    def make(answer=lambda _: 204, **more):
        made.append(Receiver(answer, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def endpoints(ledger, clock):
    return Endpoints(ledger.log, clock)


@pytest.fixture
def send(ledger, clock):
    """Send what there is to send now."""

    def once(**more):
        Relay(ledger.log, clock, random=Random(7), **more).once()

    return once


def fares(endpoints, name="r"):
    return next(one for one in endpoints.status() if one.name == name)


def bought(ledger, cards=3, each=3):
    for n in range(cards * each):
        ledger.record(receipt(card=f"c{n % cards}"), enrol=True)
    return ledger.log.head()


def streams_of(ledger):
    return {row[0]: row[1] for row in ledger.log.page(0, 10_000)}


def in_order_by_stream(ledger, positions):
    streams, last = streams_of(ledger), {}
    for position in positions:
        assert position > last.get(streams[position], 0)
        last[streams[position]] = position
    return True


# --- what is sent ------------------------------------------------------------------------


def test_every_event_is_sent_once_in_the_form_of_the_log_and_signed(
    ledger, endpoints, send, receiver, clock
):
    there = receiver()
    _, secret = endpoints.add(there.url, name="r", first=1)
    head = bought(ledger)
    send()
    assert sorted(there.positions) == list(range(1, head + 1))
    assert in_order_by_stream(ledger, there.positions)
    rows = {row[0]: row for row in ledger.log.page(0, 10_000)}
    for got in there.got:
        row = rows[got.position]
        assert got.id == f"{ledger.log.read(0, 1)[0].leaf.hex()[:16]}:{row[0]}"
        assert got.headers["webhook-timestamp"] == str(clock.now)
        assert got.headers["content-type"] == "application/json"
        assert signed_by(got, secret)
        body = json.loads(got.body)
        assert set(body) == {"type", "timestamp", "data"}
        assert body["type"] == row[3]
        assert body["timestamp"] == body["data"]["recorded_at"]
        assert body["data"] == msgspec.to_builtins(notification_of(row))
    send()
    assert len(there.got) == head
    assert fares(endpoints)[:6] == ("r", "active", "", head, 0, 0)


def test_the_library_of_the_standard_accepts_what_is_sent_and_nothing_else(
    ledger, endpoints, receiver
):
    standard = pytest.importorskip("standardwebhooks")
    there = receiver()
    _, secret = endpoints.add(there.url, name="r", first=1)
    Relay(ledger.log, lambda: int(time.time())).once()
    got = there.got[0]
    told = standard.Webhook(secret).verify(got.body, got.headers)
    assert told["data"]["position"] == 1
    for body, key in ((got.body + b" ", secret), (got.body, endpoints.rotate("r", 0))):
        with pytest.raises(standard.WebhookVerificationError):
            standard.Webhook(key).verify(body, got.headers)


def test_an_endpoint_gets_the_topics_that_it_asked_for_from_where_it_asked(
    ledger, endpoints, send, receiver
):
    all_of_it, scans, new = receiver(), receiver(), receiver()
    bought(ledger)
    endpoints.add(all_of_it.url, name="all", first=5)
    endpoints.add(scans.url, name="scans", topics=["scan", "scan"], first=1)
    before = ledger.log.head()
    endpoints.add(new.url, name="new")
    bought(ledger, 1, 2)
    send()
    topics = {row[0]: row[3] for row in ledger.log.page(0, 10_000)}
    assert sorted(all_of_it.positions) == [n for n in topics if n >= 5]
    assert sorted(scans.positions) == [n for n, topic in topics.items() if topic == "scan"]
    assert sorted(new.positions) == [n for n in topics if n > before]
    assert {one.lag for one in endpoints.status()} == {0}


def test_nothing_of_a_member_is_sent_in_clear(ledger, endpoints, send, receiver):
    from ledger.types import Personal

    there = receiver()
    endpoints.add(there.url, first=1)
    ledger.enrol("2900000000018", Personal(name="Ada Example", email="ada@example.org"))
    ledger.record(receipt(card="2900000000018"))
    ledger.record(receipt(card="2900000000025"))
    send()
    import base64

    for got in there.got:
        sent = got.body + base64.b64decode(got.data["state"])
        for secret in (b"29000000000", b"Ada", b"ada@"):
            assert secret not in sent


# --- what is not taken -------------------------------------------------------------------


def test_one_event_that_fails_holds_up_its_own_stream_and_nobody_else(
    ledger, endpoints, send, receiver, clock
):
    there = receiver()
    bought(ledger)
    streams = streams_of(ledger)
    scans = [row for row in ledger.log.page(0, 10_000) if row[3] == "scan"]
    poison, stream = scans[0][0], scans[0][1]
    rest = [n for n in streams if streams[n] == stream and n > poison]
    assert len(rest) >= 2
    there.answer = lambda got: 500 if got.position == poison else 204
    endpoints.add(there.url, name="r", first=1)
    send()
    assert sorted(there.positions) == sorted(set(streams) - {poison, *rest})
    assert [one.position for one in there.got].count(poison) == 1
    assert fares(endpoints).position == ledger.log.head()
    assert fares(endpoints).waiting == 1 + len(rest)
    there.answer = lambda _: 204
    before = ledger.log.head()
    ledger.record(receipt(card="c0"))
    send()
    later = [n for n, of in streams_of(ledger).items() if of == stream and n > before]
    assert later
    assert not set(there.positions) & {poison, *rest, *later}, "it is not due yet"
    rest += later
    clock.now += SCHEDULE[0] * 6 // 5
    send()
    assert there.positions[-len(rest) - 1 :] == [poison, *rest]
    assert in_order_by_stream(ledger, there.positions)
    assert fares(endpoints).waiting == 0


def test_an_event_is_tried_by_the_schedule_and_then_a_dead_letter(
    ledger, endpoints, send, receiver, clock
):
    there = receiver()
    bought(ledger, 2, 2)
    scans = [row for row in ledger.log.page(0, 10_000) if row[3] == "scan"]
    poison = scans[0][0]
    after = [row[0] for row in scans if row[1] == scans[0][1]][1]
    tried = []

    def answer(got):
        if got.position != poison:
            return 204
        tried.append(clock.now)
        return (500, {}, b"no\x00such\nmember " + b"x" * 100_000)

    there.answer = answer
    endpoints.add(there.url, name="r", topics=["scan"], first=1)
    began = clock.now
    send()
    waits = []
    for wait in SCHEDULE:
        clock.now = tried[-1] + wait - 1
        send()
        (one,) = Outbox(ledger.log).oldest(endpoints.all()[0].id)
        assert tried[-1] + wait <= one.due <= tried[-1] + wait * 6 // 5
        waits.append(one.due - tried[-1] - wait)
        assert after not in there.positions
        clock.now = one.due
        send()
    assert len(tried) == len(SCHEDULE) + 1 == 10
    assert tried[-1] - began > 3 * DAY
    assert len(set(waits)) > 3, "jitter"
    (dead,) = endpoints.dead("r", 10)
    assert (dead.position, dead.tries) == (poison, 10)
    assert dead.answer.startswith("HTTP 500: no such member xxx")
    assert len(dead.answer) <= 200
    assert after in there.positions, "what waited for it goes on"
    clock.now += 30 * DAY
    send()
    assert len(tried) == 10
    there.answer = lambda _: 204
    assert endpoints.retry("r") == 1
    send()
    assert there.positions[-1] == poison
    assert there.got[-1].id == next(one.id for one in there.got if one.position == poison)
    assert (fares(endpoints).dead, endpoints.retry("r")) == (0, 0)


@pytest.mark.parametrize("mischief", ["hang", "cut", "drip", 302, 400, 503])
def test_whatever_a_receiver_does_counts_as_a_try_that_failed(
    ledger, endpoints, send, receiver, mischief
):
    elsewhere = receiver()
    there = receiver()
    there.answer = lambda got: (
        (302, {"location": elsewhere.url}, b"") if mischief == 302 and got.position == 1
        else mischief if got.position == 1 else 204
    )  # fmt: skip
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger)
    send(timeout_s=3)
    assert sorted(there.positions) == list(range(2, head + 1))
    assert fares(endpoints).failed == 1
    assert not elsewhere.got, "redirects are not followed"
    told = {"hang": "no answer within 3 seconds", "drip": "no answer within 3 seconds",
            "cut": "RemoteProtocolError", 302: "HTTP 302"}  # fmt: skip
    assert fares(endpoints).answer.startswith(told.get(mischief, f"HTTP {mischief}"))


def test_the_status_decides_whatever_becomes_of_the_body(ledger, endpoints, send, receiver):
    there = receiver(lambda _: (200, {}, "cut"))
    endpoints.add(there.url, name="r", first=1)
    send()
    assert (fares(endpoints).delivered, len(there.got)) == (1, 1)


def test_an_endpoint_that_hangs_or_is_away_holds_up_no_other(ledger, endpoints, receiver, clock):
    hangs, well = receiver(lambda _: "hang"), receiver()
    endpoints.add(hangs.url, name="hangs", first=1)
    endpoints.add("http://127.0.0.1:1/nobody", name="away", first=1)
    endpoints.add(well.url, name="well", first=1)
    head = bought(ledger, 20, 1)
    stop = threading.Event()
    running = threading.Thread(
        target=Relay(ledger.log, clock, timeout_s=600).run, args=(stop,), kwargs={"poll_ms": 20}
    )
    running.start()
    try:
        assert until(lambda: len(well.positions) == head)
        ledger.record(receipt())
        assert until(lambda: len(well.positions) == head + 1)
        assert until(lambda: fares(endpoints, "away").failures >= module.DOWN)
        assert hangs.positions == []
    finally:
        stop.set()
        hangs._over.set()
        running.join(60)
    assert not running.is_alive()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_that_asks_for_rest_has_it(
    ledger, endpoints, send, receiver, clock, status, form
):
    rest = 7_000
    told = str(rest) if form == "seconds" else email.utils.formatdate(clock.now + rest, usegmt=True)
    there = receiver(lambda _: (status, {"retry-after": told}, b""))
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger, 20, 1)
    send()
    asked = len(there.got)
    assert asked <= webhook.IN_FLIGHT, "nothing more is begun"
    clock.now += rest - 1
    there.answer = lambda _: 204
    send()
    assert len(there.got) == asked
    clock.now += 1
    send()
    assert sorted(there.positions) == list(range(1, head + 1))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("120", 120), ("-5", 0), ("soon", 0), ("", 0), ("9" * 400, 9_999_999_999),
     (email.utils.formatdate(NOW + 60, usegmt=True), 60), (email.utils.formatdate(NOW - 60), 0)],
)  # fmt: skip
def test_retry_after_is_a_number_of_seconds_or_a_date(text, seconds):
    assert webhook.retry_after(text, NOW) == seconds


def test_a_receiver_may_not_ask_for_more_than_a_day(ledger, endpoints, send, receiver, clock):
    there = receiver(lambda _: (429, {"retry-after": "9" * 30}, b""))
    endpoints.add(there.url, name="r", first=1)
    send()
    there.answer = lambda _: 204
    clock.now += DAY
    send()
    assert there.positions == [1]


def test_a_receiver_that_is_gone_is_left_alone_until_somebody_resumes_it(
    ledger, endpoints, send, receiver, clock
):
    there = receiver(lambda got: (410, {}, b"closed") if got.position == 4 else 204)
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger)
    send()
    one = fares(endpoints)
    assert (one.state, one.reason, one.dead) == ("disabled", "HTTP 410: closed", 0)
    asked = len(there.got)
    clock.now += 30 * DAY
    send()
    assert len(there.got) == asked
    there.answer = lambda _: 204
    endpoints.resume("r")
    send()
    assert set(there.positions) == set(range(1, head + 1))
    assert in_order_by_stream(ledger, dict.fromkeys(there.positions))


def test_of_an_endpoint_that_is_down_the_rest_waits_in_the_log(
    ledger, endpoints, send, receiver, clock
):
    there = receiver(lambda _: 500)
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger, 30, 3)
    for _ in range(3):
        send()
    down = fares(endpoints)
    assert len(there.got) < module.DOWN + webhook.IN_FLIGHT
    assert max(down.waiting, down.position) < module.BATCH < head // 2
    for _ in range(15):
        clock.now += module.KNOCK_S
        send()
    later = fares(endpoints)
    assert later.dead == 0, "knocking is not a try"
    assert later.waiting == down.waiting
    asked = len(there.got)
    assert asked > 15
    there.answer = lambda _: 204
    clock.now += module.KNOCK_S
    send()
    assert sorted(set(there.positions)) == list(range(1, head + 1))
    assert len(there.got) == asked + head
    assert in_order_by_stream(ledger, there.positions)
    assert fares(endpoints)[6:8] == (0, 0)


def test_one_that_is_down_for_good_gives_dead_letters_by_the_dozen_not_by_the_log(
    ledger, endpoints, send, receiver, clock
):
    there = receiver(lambda _: 500)
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger, 10, 10)
    for _ in range(9 * 2):
        clock.now += DAY // 2
        send()
    one = fares(endpoints)
    assert 0 < one.dead < head - one.position
    there.answer = lambda _: 204
    clock.now += DAY
    send()
    assert fares(endpoints).position == head, "it was knocked at, with a new event if need be"
    endpoints.retry("r")
    for _ in range(3):
        clock.now += DAY
        send()
    assert sorted(there.positions) == list(range(1, head + 1))


def test_one_that_is_down_with_nothing_aside_is_tried_with_a_new_event(
    ledger, endpoints, send, receiver, clock
):
    there = receiver(lambda _: 500)
    endpoints.add(there.url, name="r", first=1)
    bought(ledger, 20, 1)
    for _ in range(20):
        send(schedule=[1])
        if not fares(endpoints).waiting:
            break
        clock.now += 10
    down = fares(endpoints)
    assert (down.failures >= module.DOWN, down.waiting) == (True, 0)
    head, asked = ledger.log.head(), len(there.got)
    clock.now += module.KNOCK_S - 1
    there.answer = lambda _: 204
    send()
    assert len(there.got) == asked
    clock.now += 1
    send()
    assert sorted(there.positions) == list(range(down.position + 1, head + 1))


def test_with_too_many_aside_the_rest_waits_in_the_log(
    ledger, endpoints, send, receiver, clock, monkeypatch
):
    monkeypatch.setattr(module, "FULL", 5)
    monkeypatch.setattr(module, "BATCH", 4)
    refused = {row[0] for row in ledger.log.page(0, 10_000)}
    head = bought(ledger, 20, 1)
    refused = set(range(2, head + 1, 2))
    there = receiver(lambda got: 400 if got.position in refused else 204)
    endpoints.add(there.url, name="r", first=1)
    send()
    assert fares(endpoints).waiting in range(5, 9)
    assert fares(endpoints).position < head
    there.answer = lambda _: 204
    clock.now += 10
    send()
    assert sorted(there.positions) == list(range(1, head + 1))


def test_a_bug_in_sending_one_event_is_that_events_alone(
    ledger, endpoints, send, receiver, monkeypatch
):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger)
    real = webhook.Webhook.send

    async def send_or_break(self, message):
        if message.id.endswith(f":{head}"):
            raise KeyError(message.id)
        return await real(self, message)

    monkeypatch.setattr(webhook.Webhook, "send", send_or_break)
    send()
    assert set(there.positions) == set(range(1, head))
    assert (fares(endpoints).waiting, fares(endpoints).answer) == (1, "KeyError")


def test_of_two_relays_from_one_place_only_one_keeps_what_it_did(
    ledger, endpoints, receiver, clock
):
    """One that lost its turn unawares: what it put behind an event must not stay there for ever."""
    there, outbox = receiver(), Outbox(ledger.log)
    bought(ledger)
    endpoints.add(there.url, name="r", first=1)
    (before,) = endpoints.all()
    late = Batch(before, before._replace(position=9, failed=1), aside=[
        Aside(8, b"s", "waiting", 1, clock.now, clock.now, ""),
        Aside(9, b"s", "behind", 0, clock.now, clock.now, ""),
    ])  # fmt: skip
    assert outbox.keep(Batch(before, before._replace(position=8, delivered=8)), clock.now)
    assert not outbox.keep(late, clock.now)
    assert (fares(endpoints).position, fares(endpoints).waiting) == (8, 0)


# --- rotation, replay, pause, removal ----------------------------------------------------


def test_while_a_secret_is_rotated_both_sign_and_then_the_new_one_alone(
    ledger, endpoints, send, receiver, clock
):
    there = receiver()
    _, first = endpoints.add(there.url, name="r")
    second = endpoints.rotate("r", 100)
    third = endpoints.rotate("r", 200)

    def signers():
        ledger.record(receipt())
        send()
        got = there.got[-1]
        signed = [signed_by(got, secret) for secret in (first, second, third)]
        assert sum(signed) == len(got.headers["webhook-signature"].split(" "))
        return signed

    assert signers() == [True, True, True]
    clock.now += 100
    assert signers() == [False, True, True]
    clock.now += 100
    assert signers() == [False, False, True]
    fourth = endpoints.rotate("r", 0)
    ledger.record(receipt())
    send()
    assert signed_by(there.got[-1], fourth)
    assert " " not in there.got[-1].headers["webhook-signature"]
    assert third not in endpoints.all()[0].secrets


def test_a_part_of_the_log_is_sent_again_under_the_same_ids(ledger, endpoints, send, receiver):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger)
    send()
    first = {one.position: one for one in there.got}
    assert endpoints.replay("r", 3, 6) == (3, 6)
    assert endpoints.replay("r", head - 1, None) == (head - 1, head)
    assert fares(endpoints).replaying == 6
    ledger.record(receipt())
    send()
    again = there.got[head:]
    new = ledger.log.head() - head
    assert sorted(one.position for one in again) == sorted(
        [3, 4, 5, 6, head - 1, head, *range(head + 1, head + new + 1)]
    )
    for one in again:
        if one.position in first:
            assert (one.id, one.body) == (first[one.position].id, first[one.position].body)
    assert (fares(endpoints).replaying, fares(endpoints).position) == (0, ledger.log.head())


def test_what_was_not_sent_yet_cannot_be_sent_again(ledger, endpoints, send, receiver):
    endpoints.add(receiver().url, name="r", first=1)
    with pytest.raises(InputInvalid, match="Nothing from 1 on was sent; it is at 0"):
        endpoints.replay("r", 1, None)
    send()
    head = ledger.log.head()
    bought(ledger)
    assert endpoints.replay("r", 1, 99) == (1, head)
    with pytest.raises(InputInvalid, match="Nothing from"):
        endpoints.replay("r", head + 1, None)
    for wrong in (0, ledger.log.head() + 2):
        with pytest.raises(InputInvalid, match="positions 1 to"):
            endpoints.replay("r", wrong, None)


def test_a_replay_that_fails_is_put_aside_like_any_other(ledger, endpoints, send, receiver, clock):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    bought(ledger)
    send()
    there.answer = lambda got: 500 if got.position == 3 else 204
    endpoints.replay("r", 2, 4)
    send()
    assert fares(endpoints).waiting == 1
    there.answer = lambda _: 204
    clock.now += 10
    send()
    assert there.positions[-1] == 3
    assert fares(endpoints).waiting == 0


def test_a_dead_letter_that_a_replay_delivers_is_none_any_more(
    ledger, endpoints, send, receiver, clock
):
    there = receiver(lambda got: 500 if got.position == 3 else 204)
    endpoints.add(there.url, name="r", first=1)
    bought(ledger)
    for _ in range(2):
        send(schedule=[1])
        clock.now += 10
    assert fares(endpoints).dead == 1
    endpoints.replay("r", 3, 3)
    send()
    assert (fares(endpoints).dead, fares(endpoints).waiting) == (0, 1), "it failed once more"
    there.answer = lambda _: 204
    endpoints.replay("r", 3, 3)
    clock.now += 10
    send()
    assert there.positions.count(3) == 1
    assert (fares(endpoints).dead, fares(endpoints).waiting) == (0, 0)


def test_a_long_replay_does_not_keep_new_events_waiting(
    ledger, endpoints, send, receiver, monkeypatch
):
    monkeypatch.setattr(module, "BATCH", 4)
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    head = bought(ledger, 10, 4)
    send()
    endpoints.replay("r", 1, None)
    ledger.record(receipt())
    send()
    again = there.positions[head:]
    assert again.index(head + 1) < 4
    assert sorted(again) == list(range(1, head + 2))


def test_a_paused_endpoint_gets_nothing_and_then_everything(ledger, endpoints, send, receiver):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    send()
    endpoints.pause("r")
    head = bought(ledger)
    asked = len(there.got)
    send()
    assert len(there.got) == asked
    assert fares(endpoints).lag == head - asked
    endpoints.resume("r")
    send()
    assert sorted(there.positions) == list(range(1, head + 1))


def test_who_resumes_an_endpoint_wants_it_tried_now(ledger, endpoints, send, receiver):
    there = receiver(lambda _: (429, {"retry-after": "7000"}, b""))
    endpoints.add(there.url, name="r", first=1)
    bought(ledger, 20, 1)
    send()
    asked = len(there.got)
    there.answer = lambda _: 204
    endpoints.resume("r")
    send()
    assert len(there.got) > asked
    assert fares(endpoints).failures == 0


def test_of_one_that_is_removed_nothing_is_left(ledger, endpoints, send, receiver):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    bought(ledger)
    send()
    there.answer = lambda _: 500
    endpoints.replay("r", 1, 5)
    send()
    endpoints.replay("r", 6, 9)
    outbox, of = Outbox(ledger.log), endpoints.all()[0].id
    assert sum(outbox.counts(of).values()) > 0
    assert outbox.replays(of)
    endpoints.remove("r")
    assert (sum(outbox.counts(of).values()), outbox.replays(of)) == (0, [])


def test_one_that_is_removed_in_the_middle_of_a_batch_leaves_nothing_behind(
    ledger, endpoints, send, receiver
):
    there = receiver()
    bought(ledger)
    endpoints.add(there.url, name="r", first=1)
    old = endpoints.all()[0].id

    def answer(got):
        if got.position == 2:
            endpoints.remove("r")
            endpoints.add(there.url, name="r")
        return 500

    there.answer = answer
    send()
    new = endpoints.all()[0]
    assert (new.position, new.failed, new.delivered) == (ledger.log.head(), 0, 0)
    counts = Outbox(ledger.log).counts(old) | {"of": Outbox(ledger.log).replays(old)}
    assert counts == {"waiting": 0, "behind": 0, "dead": 0, "of": []}


def test_names_are_taken_once_and_must_be_there(ledger, endpoints, receiver):
    there = receiver()
    with pytest.raises(EndpointUnknown):
        endpoints.pause("r")
    name, _ = endpoints.add(there.url)
    assert name == f"127.0.0.1:{there.port}"
    with pytest.raises(EndpointExists):
        endpoints.add(there.url)
    for wrong, more in (
        ("name", {"name": "a b"}), ("name", {"name": "x" * 61}), ("events", {"topics": ["scam"]}),
        ("from", {"first": 0}), ("from", {"first": 10**9}), ("subject", {"subject": "a"}),
    ):  # fmt: skip
        with pytest.raises(InputInvalid) as refused:
            endpoints.add(there.url, **{"name": "r2", **more})
        assert refused.value.field == wrong
    assert len(endpoints.all()) == 1


def test_endpoints_change_nothing_of_the_ledger(ledger, endpoints, send, receiver):
    there = receiver()
    bought(ledger)
    before = ledger.digests()
    _, secret = endpoints.add(there.url, name="r", first=1)
    head = ledger.log.head()
    send()
    endpoints.rotate("r", 5)
    assert ledger.log.head() == head
    assert ledger.digests() == before
    assert ledger.verify().clean
    ledger.rebuild()
    assert fares(endpoints).position == head
    assert all(secret.encode() not in row[4] for row in ledger.log.page(0, 10_000))


# --- one at a time -----------------------------------------------------------------------


def test_only_one_relay_sends_and_the_next_one_goes_on_when_it_ends(
    ledger, endpoints, send, receiver, clock
):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    stop, stop2, said = threading.Event(), threading.Event(), []
    first = threading.Thread(
        target=Relay(ledger.log, clock).run, args=(stop,), kwargs={"poll_ms": 20}
    )
    second = threading.Thread(
        target=Relay(ledger.log, clock, complain=said.append).run, args=(stop2,),
        kwargs={"poll_ms": 20},
    )  # fmt: skip
    first.start()
    try:
        assert until(lambda: there.positions == [1])
        with pytest.raises(RelayBusy):
            send()
        second.start()
        assert until(lambda: said)
        head = bought(ledger)
        assert until(lambda: len(there.got) >= head)
        stop.set()
        first.join(30)
        ledger.record(receipt())
        assert until(lambda: len(there.got) >= ledger.log.head())
    finally:
        stop.set()
        stop2.set()
        first.join(30)
        second.join(30)
    assert len(said) == 1
    assert said[0].startswith("Another relay is sending")
    assert sorted(there.positions) == list(range(1, ledger.log.head() + 1))


def test_who_leaves_its_turn_has_left_it_when_that_returns(ledger):
    one, other = Turn(ledger.log), Turn(ledger.log)
    for _ in range(30):
        assert one.take()
        assert not other.take()
        one.leave()
        assert other.take()
        other.leave()


def test_one_that_lost_its_turn_takes_it_again_before_it_goes_on(
    ledger, endpoints, receiver, clock, store, db
):
    if store == "sqlite":
        pytest.skip("a file's lock is not lost")
    import psycopg

    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    stop = threading.Event()
    relay = Relay(ledger.log, clock)
    running = threading.Thread(target=relay.run, args=(stop,), kwargs={"poll_ms": 20})
    running.start()
    try:
        assert until(lambda: there.positions == [1])
        with psycopg.connect(db, autocommit=True) as other:
            held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            (gone,) = other.execute(f"{held} LIMIT 1").fetchone()
            assert other.execute("SELECT pg_terminate_backend(%s)", (gone,)).fetchone()[0]
            ledger.record(receipt())
            assert until(lambda: len(there.got) >= ledger.log.head())
            (now,) = other.execute(f"{held} LIMIT 1").fetchone()
            assert now != gone
    finally:
        stop.set()
        running.join(30)


def test_what_keeps_the_store_from_answering_is_said_and_tried_again(
    ledger, endpoints, receiver, clock, monkeypatch
):
    there = receiver()
    endpoints.add(there.url, name="r", first=1)
    failures = [KeyError("bug"), OperationalError("gone")]
    keep = Outbox.keep

    def away(self, batch, now):
        if failures:
            raise failures.pop()
        return keep(self, batch, now)

    monkeypatch.setattr(Outbox, "keep", away)

    async def rest(_, seconds):
        rests.append(seconds)

    monkeypatch.setattr(Relay, "_rest", rest)
    rests, said, stop = [], [], threading.Event()
    running = threading.Thread(
        target=Relay(ledger.log, clock, complain=said.append).run, args=(stop,),
        kwargs={"poll_ms": 20},
    )  # fmt: skip
    running.start()
    try:
        assert until(lambda: fares(endpoints).position == 1)
    finally:
        stop.set()
        running.join(30)
    assert said == ["r: gone", "r: KeyError: 'bug'"]
    assert rests == [1, 2]
    assert there.positions == [1, 1, 1], "sent again under one id"
    assert len({one.id for one in there.got}) == 1


def test_a_lock_that_cannot_be_made_is_told(ledger, endpoints, send, store, db):
    if store == "postgres":
        pytest.skip("there is no file to lock")
    Path(f"{db}-relay").mkdir()
    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        send()


def test_the_shard_is_of_this_log_alone(ledger, new_db, clock):
    from ledger.application import LoyaltyLedger
    from tests.conftest import PROGRAMME

    with LoyaltyLedger.create(new_db(), PROGRAMME, clock=clock) as other:
        assert shard_of(other.log) != shard_of(ledger.log)
        assert len(shard_of(other.log)) == 16
