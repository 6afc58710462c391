"""Who may send webhooks: a TOML file that names senders, and where the secrets of each lie.

A secret is never in that file, on a command line or in the ledger's database: it is read from an
environment variable or a file of its own when the server starts, and stays in its memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from adapters.pos import erpnext, shopify, signatures, square
from adapters.pos.given import Given, way
from adapters.pos.signatures import Headers, Unsigned, Verified
from adapters.records import UNREADABLE, Bad, explain
from adapters.rejects import Rejects
from ledger.aggregates.access import AccessKey
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid, SignatureInvalid, StoreUnavailable
from ledger.policies.access import SENDER
from ledger.types import Instant

PARSERS = {"square": square.parse, "shopify": shopify.parse, "erpnext": erpnext.parse}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MOST_SECRET = 4096


class Said(Given, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sender as the file has it; `secrets` are `env:NAME` or `file:PATH`, two while one is replaced."""

    dialect: Literal["square", "shopify", "erpnext"]
    secrets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=2)]
    url: str = ""
    """Where Square sends to, exactly as it is subscribed: it signs that too."""
    only: tuple[str, ...] = ()
    """Stores that it may speak for; none: all."""
    enrol: bool = False


class Kept:
    """The reject file of all senders: an entry is on disk when it counts as kept."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self._rejects = Rejects(path)
        self._lock = Lock()

    def put(self, bad: list[Bad]) -> None:
        """Keep entries.

        Raises:
            StoreUnavailable: the file cannot be written; the same may be sent again.
        """
        with self._lock:
            try:
                for one in bad:
                    self._rejects.write(one)
                self._rejects.close()
            except OSError as error:
                raise StoreUnavailable("What is refused cannot be kept.") from error


class Hook:
    """A sender: its signature, its dialect, the stores it speaks for. No secret shows in it."""

    def __init__(self, name: str, said: Said, secrets: list[str], kept: Kept) -> None:
        """Keep the secrets where they are only compared."""
        self.name = name
        self.given = said
        self.kept = kept
        self.parse = PARSERS[said.dialect]
        self.sender = AccessKey("", b"", name, SENDER, said.only, 0)
        self._checks = [_check(said, secret) for secret in secrets]

    def verify(self, headers: Headers, body: bytes, now: Instant) -> Verified:
        """Check who sent a body, before anything of it is read.

        Raises:
            SignatureInvalid: it is signed with none of the secrets, or too old.
        """
        why = ""
        for check in self._checks:
            try:
                return check(headers, body, now)
            except Unsigned as error:
                why = str(error)
        raise SignatureInvalid(f"{why[:1].upper()}{why[1:]}.")


def hooks_of(ledger: LoyaltyLedger, path: Path, rejects: Path | None) -> Mapping[str, Hook]:
    """The senders of a file by their names.

    Raises:
        InputInvalid: the file or a secret cannot be read; the field is named with its sender.
    """
    try:
        said = msgspec.toml.decode(path.read_bytes(), type=dict[str, Said])
    except UNREADABLE as error:
        field, message = explain(error)
        raise InputInvalid(f"{path}: {message}.", field=field or "webhooks") from None
    kept = Kept(rejects or path.with_name(f"{path.name}.rejects.ndjson"))
    return {name: _hook(ledger, name, one, kept) for name, one in said.items()}


def _hook(ledger: LoyaltyLedger, name: str, said: Said, kept: Kept) -> Hook:
    if not _NAME.fullmatch(name):
        raise InputInvalid(
            f"`{name[:80]}` is no name of small letters, digits and hyphens.", field="webhooks"
        )
    if (said.dialect == "square") != bool(said.url):
        raise InputInvalid("Square signs its URL, and nobody else does.", field=f"{name}.url")
    try:
        way(ledger, said)
    except InputInvalid as wrong:
        raise InputInvalid(wrong.detail, field=f"{name}.{wrong.field}") from None
    return Hook(name, said, [_secret(name, one) for one in said.secrets], kept)


def _secret(name: str, place: str) -> str:
    kind, _, where = place.partition(":")
    field = f"{name}.secrets"
    if kind == "env":
        found = os.environ.get(where, "")
    elif kind == "file":
        try:
            found = Path(where).read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise InputInvalid(f"The file `{where}` cannot be read.", field=field) from None
    else:  # it may be the secret itself, so it is not told
        raise InputInvalid("Say `env:NAME` or `file:PATH`, not the secret.", field=field)
    if not 0 < len(found.strip()) <= _MOST_SECRET:
        raise InputInvalid(f"There is no secret in `{place}`.", field=field)
    return found.strip()


def _check(said: Said, secret: str) -> Callable[[Headers, bytes, Instant], Verified]:
    match said.dialect:
        case "square":
            return partial(_square, secret, said.url)
        case "shopify":
            return partial(_shopify, secret)
        case _:
            return partial(_erpnext, secret)


def _square(secret: str, url: str, headers: Headers, body: bytes, now: Instant) -> Verified:
    return signatures.square(headers, body, secret, url=url, now=now)


def _shopify(secret: str, headers: Headers, body: bytes, now: Instant) -> Verified:
    return signatures.shopify(headers, body, secret, now=now)


def _erpnext(secret: str, headers: Headers, body: bytes, _: Instant) -> Verified:
    return signatures.erpnext(headers, body, secret)
