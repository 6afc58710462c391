"""Access keys: given out, replaced, revoked, listed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from litestar.params import JSONBody, Parameter
from msgspec import Struct

from adapters.http import forms
from adapters.http.answers import done
from adapters.http.guard import Call, Ledger
from adapters.http.paths import acts, reads
from ledger.calendar import instant_of, moment_of

Id = Annotated[str, Parameter(min_length=1, max_length=64, description="What the key begins with.")]


class KeyTold(Struct, frozen=True):
    """A key that was given out, without what it is."""

    id: str
    holder: str
    role: str
    stores: list[str]
    issued_at: dt.datetime
    until: dt.datetime | None
    reason: str
    replaces: str


@acts("/v1/keys", "keys", tags=["keys"])
def issue(request: Call, data: JSONBody[forms.IssueKey], ledger: Ledger) -> forms.KeyIssued:
    """Give a key out. It is told once; who lost the answer replaces it."""
    until = instant_of(data.until) if data.until else 0
    made = ledger.issue_key(
        data.holder, data.role, request.user.holder, data.command_id, stores=data.stores,
        until=until,
    )  # fmt: skip
    return forms.KeyIssued(made.id, made.key, made.outcome.repeat)


@acts("/v1/keys/{key_id:str}/rotate", "keys", tags=["keys"])
def rotate(
    request: Call, key_id: Id, data: JSONBody[forms.RotateKey], ledger: Ledger
) -> forms.KeyIssued:
    """Give a key out in place of another, which holds for some time yet."""
    made = ledger.rotate_key(
        key_id, request.user.holder, data.command_id, grace_seconds=data.grace_seconds
    )
    return forms.KeyIssued(made.id, made.key, made.outcome.repeat)


@acts("/v1/keys/{key_id:str}/revoke", "keys", tags=["keys"])
def revoke(
    request: Call, key_id: Id, data: JSONBody[forms.RevokeKey], ledger: Ledger
) -> forms.Done:
    """End a key: at once here, within ten seconds in other processes on the same ledger."""
    return done(ledger.revoke_key(key_id, data.reason, request.user.holder, data.command_id))


@reads("/v1/keys", "list-keys", tags=["keys"])
def keys(ledger: Ledger) -> list[KeyTold]:
    """All keys that were ever given out."""
    return [
        KeyTold(
            row.id, row.holder, row.role, row.stores.split(), moment_of(row.issued_at),
            moment_of(row.until) if row.until else None, row.reason, row.replaces,
        )
        for row in ledger.access_keys()
    ]  # fmt: skip


ROUTES: Sequence[Any] = (issue, rotate, revoke, keys)
