"""Who may call: keys that are given out once and kept as hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import cached_property
from typing import NamedTuple, cast

from ledger.aggregates.access import AccessKey
from ledger.application.door import Door
from ledger.commands.access import IssueKey, NewKey, RevokeKey, RotateKey
from ledger.commands.common import Outcome
from ledger.errors import AccessKeyInvalid
from ledger.projections.access import AccessKeyRow, access_keys
from ledger.types import Instant

BELIEVED_SECONDS = 30
"""How long a key that was looked up is believed: where another process revoked it, it is refused after
so long, and at once where this one did."""
KNOWN_KEYS = 50_000
PREFIX = "ll"
ID_BYTES, SECRET_BYTES = 8, 32


class Issued(NamedTuple):
    """A key that was given out; the key itself is told once, and is empty in a repeat."""

    outcome: Outcome
    id: str
    key: str


class Access(Door):
    """Keys, and whom they stand for."""

    @cached_property
    def _keys_known(self) -> dict[str, tuple[Instant, AccessKey]]:
        """Keys that were looked up, and when."""
        return {}

    def issue_key(
        self, holder: str, role: str, author: str, command_id: str, *,
        stores: tuple[str, ...] = (), until: Instant = 0,
    ) -> Issued:  # fmt: skip
        """Give a key out in a role, for some stores or for all, until an instant or without end.

        Raises:
            KeyConflict, InputInvalid.
        """
        new, key = _made()
        outcome = self._do(IssueKey(new, holder, role, stores, until, author, command_id))
        return self._told_once(outcome, key)

    def rotate_key(
        self, key_id: str, author: str, command_id: str, *, grace_seconds: int = 0
    ) -> Issued:
        """Give a key out in place of another, which holds so much longer.

        Raises:
            KeyConflict, AccessKeyUnknown, InputInvalid.
        """
        new, key = _made()
        outcome = self._do(RotateKey(key_id, new, grace_seconds, author, command_id))
        self._keys_known.pop(key_id, None)
        return self._told_once(outcome, key)

    def revoke_key(self, key_id: str, reason: str, author: str, command_id: str) -> Outcome:
        """End a key at once; another process may believe it for half a minute yet.

        Raises:
            KeyConflict, AccessKeyUnknown, InputInvalid.
        """
        outcome = self._do(RevokeKey(key_id, reason, author, command_id))
        self._keys_known.pop(key_id, None)
        return outcome

    def access_keys(self) -> list[AccessKeyRow]:
        """All keys that were ever given out, without what they are."""
        with self.reading() as reader:
            return access_keys(reader)

    def caller(self, key: str) -> AccessKey:
        """Whom a key stands for.

        Raises:
            AccessKeyInvalid: it is none, is over, or was revoked.
        """
        prefix, _, rest = key.partition("_")
        key_id, _, secret = rest.partition("_")
        now = self.clock()
        known = self._key(key_id, now) if prefix == PREFIX and key_id and secret else None
        # Compared whether or not there is one: how long it takes tells nothing.
        hashed = hashlib.sha256(secret.encode()).digest()
        right = hmac.compare_digest(hashed, known.secret_hash if known else bytes(32))
        if known is None or not right or not known.holds(now):
            raise AccessKeyInvalid
        return known

    def caller_at_hand(self, key: str) -> AccessKey | None:
        """The same where it was looked up just now; None where that has to be done first.

        Raises:
            AccessKeyInvalid.
        """
        looked = self._keys_known.get(key.split("_")[1]) if key.count("_") == 2 else None
        return self.caller(key) if looked and self._fresh_yet(looked[0], self.clock()) else None

    @staticmethod
    def _fresh_yet(looked_at: Instant, now: Instant) -> bool:
        return 0 <= now - looked_at <= BELIEVED_SECONDS

    def _key(self, key_id: str, now: Instant) -> AccessKey | None:
        known = self._keys_known
        looked = known.get(key_id)
        if looked and self._fresh_yet(looked[0], now):
            return looked[1]
        state = cast("AccessKey | None", self._state(self.keys.access(key_id)))
        if state is None:
            known.pop(key_id, None)
            return None
        if len(known) >= KNOWN_KEYS:
            known.clear()
        known[key_id] = (now, state)
        return state

    def _told_once(self, outcome: Outcome, key: str) -> Issued:
        event = self.event(outcome)
        return Issued(outcome, event.id, "" if outcome.repeat else key)


def _made() -> tuple[NewKey, str]:
    key_id = _text(secrets.token_bytes(ID_BYTES))
    secret = _text(secrets.token_bytes(SECRET_BYTES))
    hashed = hashlib.sha256(secret.encode()).digest()
    return NewKey(key_id, hashed), f"{PREFIX}_{key_id}_{secret}"


def _text(raw: bytes) -> str:
    """Letters and digits that survive being read aloud and typed: base 32 in small letters."""
    return base64.b32encode(raw).decode().rstrip("=").lower()
