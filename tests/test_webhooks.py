"""Webhooks: verified on their raw bytes, taken once, and answered so that a repeat can help."""

import asyncio
import base64
import datetime as dt
import hmac
import json
import time

import msgspec
import pytest
from eventsourcing.persistence import InterfaceError, OperationalError
from test_erpnext import INVOICE
from test_http import HOSTILE
from test_shopify import ORDER, REFUND
from test_square import NOTICE
from test_square import ORDER as SQUARED

from adapters.cli.main import main
from adapters.http import hooks
from adapters.http.hooks import hooks_of
from adapters.http.routes import webhooks
from adapters.pos import ndjson
from adapters.records import Good
from ledger.errors import Busy, StoreUnavailable
from ledger.policies import access
from ledger.policies.access import AUDITOR
from ledger.projections.receipt import FCT_RECEIPT
from ledger.types import date_of
from tests.api import serving
from tests.test_serve import free_port, server

NOW = 1_773_144_000
"""2026-03-10 12:00 UTC, after what the fixtures sell."""
URL = "https://loyalty.example/v1/webhooks/square"
OLD, NEW = "the secret in use", "the secret that comes"
NAMES = {
    "square": "x-square-hmacsha256-signature",
    "shopify": "x-shopify-hmac-sha256",
    "erpnext": "x-frappe-webhook-signature",
}
FILE = f"""
[square]
dialect = "square"
secrets = ["env:HOOK_NEW", "file:SECRET"]
url = "{URL}"
zone = "Europe/Berlin"

[shopify]
dialect = "shopify"
secrets = ["env:HOOK_NEW", "file:SECRET"]
store = ["web", "88=S014"]
enrol = true

[erpnext]
dialect = "erpnext"
secrets = ["env:HOOK_NEW", "file:SECRET"]
only = ["Main till"]
walk_in = ["CUST-0007"]
"""
BODIES = {
    "square": {"event_id": "E1", "created_at": "2026-03-10T11:59:00Z", "data": {"object": {"order": SQUARED}}},
    "shopify": ORDER,
    "erpnext": {"data": INVOICE},
}  # fmt: skip
each = pytest.mark.parametrize("who", BODIES)


class Shop:
    """Somebody who signs."""

    def __init__(self, api, rejects):
        self.api = api
        self.ledger = api.ledger
        self._rejects = rejects

    def send(self, who, body, *, secret=OLD, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = URL.encode() + raw if who == "square" else raw
        told = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
        sent = {NAMES[who]: told, "content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.api.call("POST", f"/v1/webhooks/{who}", content=raw, key="", headers=sent)

    def told(self, who, body, **more):
        answer = self.send(who, body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rejects(self):
        if not self._rejects.exists():
            return []
        return [msgspec.json.decode(line) for line in self._rejects.read_bytes().splitlines()]


def numbers(ledger):
    return sorted(rows(ledger))


def rows(ledger):
    """Store and day of each receipt by its number, as the reports have them."""
    ledger.catch_up()
    with ledger.reading() as reader:
        found = reader.rows(
            f"SELECT number, store, business_day FROM {reader.name(FCT_RECEIPT)}", ()
        )
    return {number: (store, date_of(day)) for number, store, day in found}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_NEW", NEW)
    secret = tmp_path / "secret"
    secret.write_text(f"{OLD}\n")
    path = tmp_path / "webhooks.toml"
    path.write_text(FILE.replace("SECRET", str(secret)))
    return path


@pytest.fixture
def shop(ledger, clock, file):
    clock.now = NOW
    rejects = file.with_name("kept.ndjson")
    with serving(ledger, hooks_of(ledger, file, rejects)) as api:
        yield Shop(api, rejects)


# --- once ----------------------------------------------------------------------------------


@each
def test_a_signed_webhook_is_recorded_and_the_same_again_is_a_repeat(shop, who):
    first = shop.told(who, BODIES[who])
    assert (first["recorded"], first["rejected"], first["repeat"]) == (1, 0, False), first
    again = shop.told(who, BODIES[who])
    assert again == {**first, "repeat": True}
    assert len(numbers(shop.ledger)) == 1
    assert shop.rejects() == []


def test_a_repeat_is_known_to_another_server_on_the_same_ledger(shop, file):
    first = shop.told("shopify", ORDER)
    with serving(shop.ledger, hooks_of(shop.ledger, file, None)) as other:
        assert Shop(other, file).told("shopify", ORDER) == {**first, "repeat": True}


@each
def test_the_same_receipt_under_another_id_counts_once(shop, who):
    shop.told(who, BODIES[who])
    if who == "square":
        again = shop.told(who, {**BODIES[who], "event_id": "E2"})
    else:
        again = shop.told(who, json.dumps(BODIES[who], indent=1).encode(), x_shopify_event_id="E2")
    assert (again["repeat"], again["recorded"], again["recorded_before"]) == (False, 0, 1)
    assert len(numbers(shop.ledger)) == 1


def test_an_id_that_was_seen_hides_no_other_body(shop):
    """It is not signed, and several webhooks of Shopify are of one event."""
    waiting = {**ORDER, "financial_status": "pending"}
    assert shop.told("shopify", waiting, x_shopify_event_id="E")["ignored"]
    assert shop.told("shopify", ORDER, x_shopify_event_id="E")["recorded"] == 1


def test_a_webhook_that_is_no_longer_remembered_counts_by_its_receipt(shop, monkeypatch):
    monkeypatch.setattr(webhooks, "REMEMBERED", 1)
    shop.told("shopify", ORDER)
    shop.told("shopify", {**ORDER, "id": 5502})
    again = shop.told("shopify", ORDER)
    assert (again["repeat"], again["recorded_before"]) == (False, 1)


def test_many_deliveries_at_once_are_one_receipt(shop):
    async def together():
        raw = json.dumps(ORDER).encode()
        told = base64.b64encode(hmac.digest(OLD.encode(), raw, "sha256")).decode()
        return await asyncio.gather(
            *[
                shop.api.client.post(
                    "/v1/webhooks/shopify", content=raw,
                    headers={NAMES["shopify"]: told, "x-shopify-event-id": str(number)},
                )
                for number in range(12)
            ]
        )  # fmt: skip

    answers = [one.json() for one in shop.api.loop.run_until_complete(together())]
    assert sum(one["recorded"] for one in answers) == 1
    assert sum(one["recorded_before"] for one in answers) == 11


# --- what it is read as --------------------------------------------------------------------


def test_the_options_of_a_dialect_hold(shop):
    shop.told("shopify", ORDER)
    shop.told("erpnext", INVOICE)
    shop.told("square", BODIES["square"])
    found = rows(shop.ledger)
    assert found["5501"][0] == "S014"
    assert found["ORD1"] == ("L88", dt.date(2026, 3, 8))  # by the clock of Berlin
    assert shop.ledger.holder_of("shopify:2071")  # enrolled
    assert shop.ledger.holder_of("erpnext:CUST-0007") is None


def test_a_refund_names_the_line_of_an_order_that_came_before(shop):
    shop.told("shopify", ORDER)
    balance = shop.ledger.inquire("shopify:2071").available
    assert shop.told("shopify", {**REFUND, "order_id": 5501})["recorded"] == 1
    assert shop.ledger.inquire("shopify:2071").available == balance - 3


# --- what is acknowledged and no receipt ------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "body"),
    [
        ("shopify", {**ORDER, "financial_status": "pending"}),
        ("shopify", {**ORDER, "test": True}),
        ("shopify", {"domain": "of another topic"}),
        ("erpnext", {**INVOICE, "docstatus": 0}),
        ("square", {**BODIES["square"], "data": {"object": {"order": {**SQUARED, "state": "OPEN"}}}}),
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_acknowledged_and_told_as_ignored(shop, who, body):
    told = shop.told(who, body)
    assert (told["recorded"], told["rejected"], len(told["ignored"])) == (0, 0, 1)
    assert shop.rejects() == []
    assert numbers(shop.ledger) == []


@pytest.mark.parametrize(
    ("body", "field", "kept"),
    [
        (b"not json", None, "text"),
        (b"\xff\xfe", None, "base64"),
        (b"[" * 100_000, None, "text"),
        ({**ORDER, "line_items": 5}, "line_items", "receipt"),
        ({**ORDER, "currency": "CHF"}, "currency", "receipt"),
        ({**ORDER, "id": "\0"}, "number", "receipt"),
    ],
)
def test_what_is_signed_and_wrong_is_kept_with_its_reason_and_not_sent_again(
    shop, body, field, kept
):
    told = shop.told("shopify", body)
    assert (told["rejected"], told["recorded"]) == (1, 0)
    (entry,) = shop.rejects()
    assert entry["rejected"]["field"] == field
    assert entry["rejected"]["error"]
    assert entry["rejected"]["file"].startswith("shopify ")
    assert kept in entry
    assert shop.told("shopify", body)["repeat"]
    assert len(shop.rejects()) == 1


@each
@pytest.mark.parametrize("body", HOSTILE)
def test_no_bytes_that_are_signed_meet_a_fault(shop, who, body):
    answer = shop.send(who, body)
    if who == "square":  # it has no id and no time
        assert refused(answer) == (403, "signature-invalid")
    else:
        assert answer.status_code == 200
        assert answer.json()["recorded"] == 0
        assert answer.json()["rejected"] == len(shop.rejects())


def test_an_order_that_was_changed_is_kept_and_the_file_can_be_fed(shop, file, capsys):
    shop.told("shopify", ORDER)
    changed = {**ORDER, "line_items": ORDER["line_items"][:1]}
    assert shop.told("shopify", changed)["rejected"] == 1
    (item,) = ndjson.read(file.with_name("kept.ndjson"))
    assert isinstance(item, Good)
    assert item.receipt.number == "5501"


def test_a_notice_of_square_is_kept_until_somebody_fetches_its_order(shop):
    notice = {**NOTICE, "created_at": "2026-03-10T11:59:00Z"}
    assert shop.told("square", notice)["rejected"] == 1
    (entry,) = shop.rejects()
    assert "fetch the order `ORD1`" in entry["rejected"]["error"]


def test_a_sender_speaks_for_its_stores_alone(shop):
    told = shop.told("erpnext", {**INVOICE, "pos_profile": "Another till"})
    assert (told["recorded"], told["rejected"]) == (0, 1)
    (entry,) = shop.rejects()
    assert entry["rejected"]["field"] == "store"
    assert numbers(shop.ledger) == []


# --- when a repeat can help --------------------------------------------------------------------


@pytest.mark.parametrize("error", [Busy, StoreUnavailable])
def test_what_can_go_better_later_is_refused_and_taken_then(shop, monkeypatch, error):
    real = shop.ledger.record_all_async

    async def away(*_, **__):
        raise error

    monkeypatch.setattr(shop.ledger, "record_all_async", away)
    answer = shop.send("shopify", ORDER)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["retryable"]
    monkeypatch.setattr(shop.ledger, "record_all_async", real)
    assert shop.told("shopify", ORDER)["recorded"] == 1


@pytest.mark.parametrize("name", ["mark", "put_mark"])
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_where_it_cannot_be_remembered_it_has_to_come_again(shop, monkeypatch, name, error):
    def away(*_):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(shop.ledger.log, name, away)
        answer = shop.send("shopify", ORDER)
        assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    told = shop.told("shopify", ORDER)
    assert told["recorded"] + told["recorded_before"] == 1


def test_where_one_of_several_has_to_come_again_nothing_is_kept_yet(shop, monkeypatch):
    real = shop.ledger.record_all_async

    async def half(receipts, **how):
        outcomes = await real(receipts, **how)
        return [StoreUnavailable("lost"), *outcomes[1:]]

    monkeypatch.setattr(shop.ledger, "record_all_async", half)
    several = {"orders": [ORDER, {**ORDER, "id": 1, "currency": "CHF"}]}
    assert shop.send("shopify", several).status_code == 503
    assert shop.rejects() == []
    monkeypatch.setattr(shop.ledger, "record_all_async", real)
    told = shop.told("shopify", several)
    assert (told["recorded_before"], told["rejected"]) == (1, 1)


def test_where_a_reject_cannot_be_kept_it_has_to_come_again(shop, monkeypatch, tmp_path):
    hook = shop.api.app.app.state.hooks["shopify"]
    monkeypatch.setattr(hook.kept._rejects, "path", tmp_path / "missing" / "file")
    assert shop.send("shopify", b"not json").status_code == 503
    monkeypatch.undo()
    assert shop.send("shopify", b"not json", secret=OLD).json()["rejected"] == 1


def test_what_takes_too_long_is_answered_while_the_sender_waits(shop, monkeypatch):
    monkeypatch.setattr(webhooks, "SECONDS", 0.05)
    monkeypatch.setattr(webhooks, "way", lambda *_: time.sleep(0.3))
    answer = shop.send("shopify", ORDER)
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")


# --- who sends --------------------------------------------------------------------------------


def refused(answer):
    return (answer.status_code, answer.json()["code"])


@each
def test_one_byte_that_is_not_signed_is_refused_and_nothing_is_read(shop, who, monkeypatch):
    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr(shop.api.app.app.state.hooks[who], "parse", never)
    raw = json.dumps(BODIES[who]).encode()
    signature = base64.b64encode(hmac.digest(OLD.encode(), raw, "sha256")).decode()
    headers = {NAMES[who]: signature if who != "square" else "AAAA"}
    for sent in ({}, headers, {NAMES[who]: "x"}):
        answer = shop.api.call(
            "POST", f"/v1/webhooks/{who}", content=raw + b" ", key="", headers=sent
        )
        assert refused(answer) == (403, "signature-invalid")
    assert shop.ledger.log.head() == 0 or numbers(shop.ledger) == []


@each
def test_both_secrets_hold_while_one_is_replaced_and_no_third(shop, who):
    assert shop.told(who, BODIES[who], secret=NEW)["recorded"] == 1
    assert shop.told(who, BODIES[who], secret=OLD)["repeat"]
    assert refused(shop.send(who, BODIES[who], secret="another")) == (403, "signature-invalid")


def test_what_is_too_old_is_refused(shop, clock):
    clock.now = NOW + 86_400
    assert refused(shop.send("square", BODIES["square"])) == (403, "signature-invalid")
    late = shop.send("shopify", ORDER, x_shopify_triggered_at="2026-03-08T00:00:00Z")
    assert refused(late) == (403, "signature-invalid")


def test_what_a_sender_may_do_stands_in_the_table_of_permissions(shop, monkeypatch):
    monkeypatch.setitem(access.PERMISSIONS, "webhook", ())
    assert refused(shop.send("shopify", ORDER)) == (403, "not-permitted")


def test_the_signature_of_one_sender_is_none_of_another(shop):
    raw = json.dumps(ORDER).encode()
    told = base64.b64encode(hmac.digest(OLD.encode(), raw, "sha256")).decode()
    headers = {NAMES["shopify"]: told}
    answer = shop.api.call("POST", "/v1/webhooks/erpnext", content=raw, key="", headers=headers)
    assert refused(answer) == (403, "signature-invalid")


def test_a_sender_that_nobody_named_is_not_found(shop, ledger):
    answer = shop.api.call("POST", "/v1/webhooks/nobody", content=b"{}", key="")
    assert refused(answer) == (404, "http-404")
    with serving(ledger) as without:
        answer = without.call("POST", "/v1/webhooks/shopify", content=b"{}", key="")
        assert refused(answer) == (404, "http-404")


def test_a_body_beyond_the_limit_is_refused_before_it_is_verified(shop):
    answer = shop.send("shopify", b" " * (webhooks.LARGEST + 1))
    assert answer.status_code == 413


def test_each_call_is_kept_with_its_sender_and_how_it_ended(shop):
    shop.told("shopify", ORDER)
    shop.told("shopify", {**ORDER, "test": True})
    shop.told("shopify", b"not json")
    shop.send("shopify", ORDER, secret="another")
    key = shop.api.key(AUDITOR)
    for _ in range(100):  # an entry follows the answer
        looks = shop.api.get("/v1/looks?limit=1000", key=key).json()
        looks = [one for one in looks if one["operation"] == "webhook"]
        if len(looks) == 4:
            break
    told = {(one["holder"], one["role"], one["store"], one["code"]) for one in looks}
    assert told == {
        ("shopify", "sender", "S014", "ok"), ("shopify", "sender", "", "ignored"),
        ("shopify", "sender", "", "rejected"), ("", "", "", "signature-invalid"),
    }  # fmt: skip
    assert {one["key"] for one in looks} == {""}


# --- the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("[square]", "[Square]"), "webhooks"),
        (("[square]", "[square"), "webhooks"),
        (('dialect = "square"', 'dialect = "clover"'), "[...].dialect"),
        (("env:HOOK_NEW", "HOOK_NEW"), "square.secrets"),
        (("env:HOOK_NEW", "env:HOOK_MISSING"), "square.secrets"),
        (("file:", "file:/missing"), "square.secrets"),
        ((f'url = "{URL}"', ""), "square.url"),
        (('only = ["Main till"]', 'url = "https://x"'), "erpnext.url"),
        (("Europe/Berlin", "Europe/Nowhere"), "square.zone"),
        (('zone = "Europe/Berlin"', 'scale = ["1"]'), "square.scale"),
        (('"web", "88=S014"', '"web", "two"'), "shopify.store"),
        (("enrol = true", "enroll = true"), "[...].enroll"),
        (("enrol = true", "secrets = []"), "webhooks"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_field(ledger, db, file, change, field, capsys):
    text = file.read_text()
    assert change[0] in text
    file.write_text(text.replace(*change, 1))
    ledger.close()
    assert main(["serve", "--db", db, "--webhooks", str(file), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["field"] == field
    assert NEW not in said.out + said.err
    assert OLD not in said.out + said.err


def test_a_secret_in_the_file_is_refused_and_not_told(ledger, db, file, capsys):
    file.write_text(file.read_text().replace("env:HOOK_NEW", "whsec-c0ffee", 1))
    assert main(["serve", "--db", db, "--webhooks", str(file)]) == 1
    assert "whsec" not in "".join(capsys.readouterr())


def test_no_secret_shows_in_a_sender_or_lies_in_the_ledger(shop, db, caplog, capsys):
    shop.told("shopify", ORDER)
    shop.send("shopify", b"x", secret="another")
    hook = shop.api.app.app.state.hooks["shopify"]
    shown = f"{hook!r} {hook.given!r} {hook.kept!r} {caplog.text} {''.join(capsys.readouterr())}"
    assert OLD not in shown
    assert NEW not in shown
    with shop.ledger.log.transaction(commit=False) as cursor:
        cursor.execute("SELECT * FROM " + ("loyalty." * shop.ledger.log.is_postgres) + "log_marks")
        assert OLD not in str([tuple(row) for row in cursor.fetchall()])


def test_a_server_takes_webhooks_of_the_file(ledger, db, file, clock, capsys):
    ledger.close()
    port = free_port()
    with server(db, port, "--webhooks", str(file)):
        import httpx

        raw = json.dumps({**ORDER, "test": True}).encode()
        told = base64.b64encode(hmac.digest(NEW.encode(), raw, "sha256")).decode()
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/webhooks/shopify", content=raw,
            headers={"X-Shopify-Hmac-SHA256": told},
        )  # fmt: skip
        assert (answer.status_code, answer.json()["ignored"]) == (200, {"test orders": 1})


def test_every_dialect_that_signs_has_a_parser():
    from adapters.pos.signatures import VERIFIERS

    assert set(hooks.PARSERS) == set(VERIFIERS) == set(BODIES)
