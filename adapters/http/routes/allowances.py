"""Allowances for tills that are offline, and the keys to check them with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from adapters.http import forms
from adapters.http.guard import Call, Ledger, in_store
from adapters.http.paths import acts, reads
from ledger.calendar import moment_of
from ledger.policies.offline import base64url


class PublicKey(Struct, frozen=True):
    """A key as RFC 7517 and RFC 8037 write it, with when it was made and until when it is needed.

    The key that signs now has no `until`.
    """

    kid: str
    x: str
    made_at: dt.datetime
    until: dt.datetime | UnsetType = UNSET
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class PublicKeys(Struct, frozen=True):
    """The keys, the one that signs now last."""

    keys: list[PublicKey]


@acts("/v1/allowances", "allowance", tags=["points"])
def allow(request: Call, data: JSONBody[forms.AllowPoints], ledger: Ledger) -> forms.Allowed:
    """Let a card spend points at tills that cannot ask; nothing is reserved."""
    store = in_store(request, data.store)
    made = ledger.issue_allowance(
        data.card, data.points, data.command_id, hours=data.hours, store=store
    )
    request.state.subject = made.outcome.stream
    return forms.Allowed(
        made.token, made.issued.allowance.hex(), made.issued.points,
        moment_of(made.issued.until), made.outcome.repeat,
    )  # fmt: skip


@reads("/v1/allowance-keys", "list-allowance-keys", tags=["points"])
def keys(ledger: Ledger) -> PublicKeys:
    """The public keys that tills check allowances with while they are offline."""
    return PublicKeys(
        [
            PublicKey(
                key.id,
                base64url(key.public),
                moment_of(key.made_at),
                moment_of(key.until) if key.until else UNSET,
            )
            for key in ledger.allowance_keys()
        ]
    )


ROUTES: Sequence[Any] = (allow, keys)
