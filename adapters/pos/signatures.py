"""Checks who sent a webhook, on its raw body and before anything of it is read.

Facts. Square (developer.squareup.com/docs/webhooks/step3validate): `x-square-hmacsha256-signature` is the
base64 of HMAC-SHA256 over the notification URL, exactly as it is subscribed, and the body; `event_id`
and `created_at` are in the body, and stay the same when it is sent again, for up to 24 hours. Shopify
(shopify.dev/docs/apps/build/webhooks): `X-Shopify-Hmac-SHA256` over the body; `X-Shopify-Event-Id` is the
event, `X-Shopify-Webhook-Id` the delivery to one subscription, the same when it is sent again;
`X-Shopify-Triggered-At` is the time, and it is tried again for up to 48 hours. A header is not signed: a
time or id in one tells repeats apart, and proves nothing. ERPNext (frappe/frappe, integrations/doctype/
webhook): `X-Frappe-Webhook-Signature` over the body, neither id nor time, three tries; so the id is a
digest of the body.

A replay within the window is told by its id; beyond it, and where an id was changed, by the receipt's
key: the same receipt counts once.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec

from adapters.records import UNREADABLE
from ledger.calendar import instant_of
from ledger.types import Instant

DAY = 86_400
AHEAD_SECONDS = 300
"""A sender's clock may be so far ahead."""
_MOST_ID = 200


class Unsigned(ValueError):
    """The body was not sent by who holds the secret, or not now; the message says which."""


class Verified(NamedTuple):
    """A body that was sent by who holds the secret.

    `event` is the sender's id of what happened, to be taken once; `sent_at` its time, if it told one.
    """

    event: str
    sent_at: Instant | None


class _Event(msgspec.Struct):
    event_id: str
    created_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]


_event = msgspec.json.Decoder(_Event).decode
Headers = Mapping[str, str]
"""By any spelling of their names; where a name comes twice, as one text."""


def square(
    headers: Headers, body: bytes, secret: str, *, url: str, now: Instant,
    window_seconds: int = DAY,
) -> Verified:  # fmt: skip
    """A notification of Square to this URL; its id and time are signed with it.

    Raises:
        Unsigned: the signature is missing or of another, or it is older than the window.
    """
    _check(_header(headers, "x-square-hmacsha256-signature"), secret, url.encode() + body)
    try:
        event = _event(body)
        sent_at = instant_of(event.created_at)
    except UNREADABLE:
        msg = "signed, but without an `event_id` and a `created_at`"
        raise Unsigned(msg) from None
    return _verified(event.event_id, sent_at, now, window_seconds)


def shopify(
    headers: Headers, body: bytes, secret: str, *, now: Instant, window_seconds: int = 2 * DAY
) -> Verified:
    """A webhook of Shopify; its time counts where there is one.

    Raises:
        Unsigned: the signature is missing or of another, or it is older than the window.
    """
    _check(_header(headers, "x-shopify-hmac-sha256"), secret, body)
    event = _header(headers, "x-shopify-event-id") or _header(headers, "x-shopify-webhook-id")
    return _verified(event or _digest(body), _time(headers), now, window_seconds)


def erpnext(headers: Headers, body: bytes, secret: str) -> Verified:
    """A webhook of ERPNext.

    Raises:
        Unsigned: the signature is missing or of another.
    """
    _check(_header(headers, "x-frappe-webhook-signature"), secret, body)
    return Verified(_digest(body), None)


VERIFIERS: Mapping[str, Callable[..., Verified]] = {
    "square": square,
    "shopify": shopify,
    "erpnext": erpnext,
}


def _header(headers: Headers, name: str) -> str:
    for one, value in headers.items():
        if one.lower() == name:
            return value.strip()
    return ""


def _check(told: str, secret: str, signed: bytes) -> None:
    """Compare digests in a time that does not tell how much of them is right."""
    if not secret:
        msg = "there is no secret to check it with"
        raise Unsigned(msg)
    if not told:
        msg = "there is no signature"
        raise Unsigned(msg)
    right = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))
    if not hmac.compare_digest(right, told.encode("utf-8", "surrogateescape")):
        msg = "the signature is not of this body and secret"
        raise Unsigned(msg)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _time(headers: Headers) -> Instant | None:
    told = _header(headers, "x-shopify-triggered-at")
    if not told:
        return None
    try:
        found: Any = msgspec.convert(told, dt.datetime)
        return instant_of(found if found.tzinfo else found.replace(tzinfo=dt.UTC))
    except UNREADABLE:
        msg = "the time it was sent at is none"
        raise Unsigned(msg) from None


def _verified(event: str, sent_at: Instant | None, now: Instant, window: int) -> Verified:
    if sent_at is not None and not -AHEAD_SECONDS <= now - sent_at <= window:
        msg = (
            f"it was sent {now - sent_at} seconds ago; from {-AHEAD_SECONDS} to {window} are taken"
        )
        raise Unsigned(msg)
    if not 0 < len(event) <= _MOST_ID:
        msg = f"its id has {len(event)} characters"
        raise Unsigned(msg)
    return Verified(event, sent_at)
