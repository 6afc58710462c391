"""Signatures of webhooks: on the raw body, in constant time, once and not for ever."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pos import signatures
from adapters.pos.signatures import DAY, VERIFIERS, Unsigned

SECRET, URL, NOW = "s3cret", "https://shop.example/hooks/square", 1_767_225_600
BODY = json.dumps({"event_id": "E1", "created_at": "2026-01-01T00:00:00.5Z", "x": "é"}).encode()
NAMES = {
    "square": "x-square-hmacsha256-signature",
    "shopify": "X-Shopify-Hmac-SHA256",
    "erpnext": "X-Frappe-Webhook-Signature",
}
each = pytest.mark.parametrize("who", NAMES)


def sign(who, body, secret=SECRET, url=URL):
    signed = url.encode() + body if who == "square" else body
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def verify(who, body=BODY, headers=None, secret=SECRET, **options):
    headers = {NAMES[who]: sign(who, body)} if headers is None else headers
    options = {"square": {"url": URL, "now": NOW}, "shopify": {"now": NOW}, "erpnext": {}}[
        who
    ] | options
    return VERIFIERS[who](headers, body, secret, **options)


def test_the_published_vector_of_the_digest():
    body = b"The quick brown fox jumps over the lazy dog"
    told = bytes.fromhex("f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
    headers = {"x-frappe-webhook-signature": base64.b64encode(told).decode()}
    assert signatures.erpnext(headers, body, "key").event


@each
def test_a_signed_body_is_verified_with_its_event(who):
    found = verify(who)
    assert found.event == ("E1" if who == "square" else hashlib.sha256(BODY).hexdigest())
    assert found.sent_at == (NOW if who == "square" else None)


@each
def test_a_header_is_known_by_any_spelling(who):
    name, value = NAMES[who], sign(who, BODY)
    assert verify(who, headers={name.upper(): value}) == verify(who, headers={name.lower(): value})


@each
@pytest.mark.parametrize(
    "wrong", ["", "x", "é", "\udc80", "A" * 10_000, sign("erpnext", b"else"), None]
)
def test_another_signature_is_refused(who, wrong):
    with pytest.raises(Unsigned, match="signature"):
        verify(who, headers={} if wrong is None else {NAMES[who]: wrong})


@each
def test_another_secret_and_no_secret_are_refused(who):
    with pytest.raises(Unsigned, match="not of this"):
        verify(who, secret="other")
    unsigned = {NAMES[who]: base64.b64encode(hmac.digest(b"", BODY, "sha256")).decode()}
    with pytest.raises(Unsigned, match="no secret"):
        verify(who, headers=unsigned, secret="")


@each
@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_bit_of_the_body_is_noticed(who, at, bit):
    body = bytearray(BODY)
    body[at] ^= 1 << bit
    with pytest.raises(Unsigned):
        verify(who, bytes(body), {NAMES[who]: sign(who, BODY)})


@each
def test_the_body_counts_as_it_came_not_as_it_would_be_written_again(who):
    spaced = json.dumps(json.loads(BODY), indent=1).encode()
    with pytest.raises(Unsigned):
        verify(who, spaced, {NAMES[who]: sign(who, BODY)})


def test_a_notification_of_square_to_another_address_is_refused():
    with pytest.raises(Unsigned):
        verify("square", url=URL + "/")


@pytest.mark.parametrize("later", [-signatures.AHEAD_SECONDS, 0, DAY])
def test_within_the_window_it_is_taken(later):
    assert verify("square", now=NOW + later).sent_at == NOW


@pytest.mark.parametrize("later", [-signatures.AHEAD_SECONDS - 1, DAY + 1])
def test_beyond_the_window_it_is_refused(later):
    with pytest.raises(Unsigned, match="seconds ago"):
        verify("square", now=NOW + later)


def test_the_headers_of_shopify_tell_event_and_time():
    told = {NAMES["shopify"]: sign("shopify", BODY), "X-Shopify-Webhook-Id": "W",
            "X-Shopify-Triggered-At": "2026-01-01T00:00:00.123456789Z"}  # fmt: skip
    assert verify("shopify", headers=told) == ("W", NOW)
    assert verify("shopify", headers=told | {"X-Shopify-Event-Id": "E"}) == ("E", NOW)
    assert verify("shopify", headers=told, now=NOW + 2 * DAY).sent_at == NOW
    with pytest.raises(Unsigned, match="seconds ago"):
        verify("shopify", headers=told, now=NOW + 2 * DAY + 1)
    local = told | {"X-Shopify-Triggered-At": "2026-01-01T01:00:00+01:00"}
    assert verify("shopify", headers=local).sent_at == NOW
    with pytest.raises(Unsigned, match="is none"):
        verify("shopify", headers=told | {"X-Shopify-Triggered-At": "today"})


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"event_id":5}', b'{"event_id":"E","created_at":"2026-01-01T00:00:00"}', b"[" * 50_000, b"\xff", BODY[:-1],
             b'{"event_id":"","created_at":"2026-01-01T00:00:00Z"}',
             b'{"event_id":"E","created_at":"0001-01-01T00:00:00+23:00"}',
             json.dumps({"event_id": "E" * 300, "created_at": "2026-01-01T00:00:00Z"}).encode()],
)  # fmt: skip
def test_a_signed_body_of_square_without_its_id_is_refused(body):
    with pytest.raises(Unsigned):
        verify("square", body)


def test_digests_are_compared_in_constant_time(monkeypatch):
    asked = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *two: asked.append(two) or real(*two))
    verify("erpnext")
    assert len(asked) == 1


@each
@given(body=st.binary(max_size=100), value=st.text(max_size=60))
def test_any_bytes_without_a_signature_are_refused(who, body, value):
    with pytest.raises(Unsigned):
        verify(who, body, {NAMES[who]: value, "x-shopify-triggered-at": value})
