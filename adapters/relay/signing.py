"""Secrets and signatures of webhooks.

Source: Standard Webhooks 1.0.0 (standardwebhooks.com): `webhook-signature` is a list, separated by
blanks, of `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; a secret is `whsec_` and the
base64 of 24 to 64 random bytes. While a secret is rotated the old and the new one both sign.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ledger.types import Instant

PREFIX = "whsec_"
SECRET_BYTES = 32


class Secret(Struct, frozen=True):
    """A secret, and when it signs no more (0: for as long as it is there)."""

    secret: str
    until: Instant = 0


_kept = msgspec.json.Decoder(list[Secret]).decode


def new_secret() -> str:
    """A secret that nobody has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def kept(text: str) -> list[Secret]:
    """Secrets as they are kept beside an endpoint, the newest first."""
    return _kept(text) if text else []


def to_keep(known: Sequence[Secret]) -> str:
    """The text that `kept` reads."""
    return msgspec.json.encode(known).decode()


def rotated(known: Sequence[Secret], new: str, now: Instant, grace_seconds: int) -> list[Secret]:
    """The new one first; the others sign too until their time is over."""
    until = now + grace_seconds
    old = [Secret(one.secret, min(one.until or until, until)) for one in known]
    return [Secret(new), *(one for one in old if one.until > now)]


def signatures(known: Sequence[Secret], message_id: str, now: Instant, body: bytes) -> str:
    """The header's value: one signature for each secret that signs now."""
    signed = f"{message_id}.{now}.".encode() + body
    return " ".join(_signature(one.secret, signed) for one in known if not 0 < one.until <= now)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
