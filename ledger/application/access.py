"""Who may call: keys that are given out once and kept as hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import NamedTuple, cast

from ledger.aggregates.access import AccessKey
from ledger.application.door import Door
from ledger.commands.access import IssueKey, NewKey, RevokeKey, RotateKey
from ledger.commands.common import Outcome
from ledger.errors import AccessKeyInvalid
from ledger.events.access import EVENTS
from ledger.projections.access import AccessKeyRow, access_keys
from ledger.types import Instant

BELIEVED_SECONDS = 5
"""How long the keys at hand are believed before it is looked which of them others have changed, and
twice as long while that look lasts: a key that another process revoked is refused after so long, and at
once where this one did."""
PAGE = 1_000
KNOWN_KEYS = 50_000
PREFIX = "ll"
ID_BYTES, SECRET_BYTES = 8, 32


class Issued(NamedTuple):
    """A key that was given out; the key itself is told once, and is empty in a repeat."""

    outcome: Outcome
    id: str
    key: str


class _KeysKnown:
    """Keys that were looked up: true up to a position of the log."""

    def __init__(self) -> None:
        self.by_stream: dict[bytes, AccessKey] = {}
        self.upto = 0
        self.turn = 0
        """Goes up with whatever may have made a key untrue that is being looked up."""
        self.looking = Lock()
        self._looked_at: Instant = -1
        self._changing = Lock()

    def fresh(self, now: Instant) -> bool:
        """Whether they were looked at just now, or are being; a clock can be put back.

        While one caller looks the others go on: a look that takes long must not halt them all.
        """
        return self._age_within(
            2 * BELIEVED_SECONDS if self.looking.locked() else BELIEVED_SECONDS, now
        )

    def looked_just_now(self, now: Instant) -> bool:
        """Whether nobody has to look."""
        return self._age_within(BELIEVED_SECONDS, now)

    def _age_within(self, seconds: int, now: Instant) -> bool:
        return self._looked_at >= 0 and 0 <= now - self._looked_at <= seconds

    def looked(self, now: Instant, upto: int) -> None:
        """Nothing is among them that was changed up to this position."""
        with self._changing:
            self.turn += 1
            self.upto, self._looked_at = upto, now

    def add(self, stream: bytes, key: AccessKey, turn: int) -> None:
        """Keep a key that was looked up, unless it may have been changed since that `turn`."""
        with self._changing:
            if turn != self.turn:
                return
            if len(self.by_stream) >= KNOWN_KEYS:
                self.by_stream = {}
            self.by_stream[stream] = key

    def forget(self, streams: Sequence[bytes]) -> None:
        """Look these up again before they are believed."""
        with self._changing:
            self.turn += 1
            for stream in streams:
                self.by_stream.pop(stream, None)


class Access(Door):
    """Keys, and whom they stand for."""

    @cached_property
    def _keys_known(self) -> _KeysKnown:
        return _KeysKnown()

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
        self._keys_known.forget([self.keys.access(key_id)])
        return self._told_once(outcome, key)

    def revoke_key(self, key_id: str, reason: str, author: str, command_id: str) -> Outcome:
        """End a key at once; another process may believe it for ten seconds yet.

        Raises:
            KeyConflict, AccessKeyUnknown, InputInvalid.
        """
        outcome = self._do(RevokeKey(key_id, reason, author, command_id))
        self._keys_known.forget([self.keys.access(key_id)])
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
        key_id, secret = parts_of(key)
        now = self.clock()
        known = self._key(self.keys.access(key_id), now) if secret else None
        return _checked(known, secret, now)

    def caller_at_hand(self, key: str) -> AccessKey | None:
        """The same where nothing has to be looked up for it; None where it has.

        Raises:
            AccessKeyInvalid.
        """
        key_id, secret = parts_of(key)
        now = self.clock()
        if not secret or not self._keys_known.fresh(now):
            return None
        known = self._keys_known.by_stream.get(self.keys.access(key_id))
        return _checked(known, secret, now) if known else None

    def _key(self, stream: bytes, now: Instant) -> AccessKey | None:
        known = self._keys_known
        if not known.fresh(now):
            self._look_for_changes(now)
        if (found := known.by_stream.get(stream)) is not None:
            return found
        turn = known.turn
        state = cast("AccessKey | None", self._state(stream))
        if state is not None:
            known.add(stream, state, turn)
        return state

    def _look_for_changes(self, now: Instant) -> None:
        """Forget the keys of which others have recorded something since the last look."""
        known = self._keys_known
        with known.looking:
            if known.looked_just_now(now):
                return  # somebody else did it meanwhile
            after, head = known.upto, self.log.head()
            topics = [self.codec.topic_of[event] for event in EVENTS]
            while known.by_stream and after < head:
                rows = self.log.by_position(after, head, topics, PAGE)
                known.forget([row[1] for row in rows])
                after = rows[-1][0] if len(rows) == PAGE else head
            known.looked(now, head)

    def _told_once(self, outcome: Outcome, key: str) -> Issued:
        event = self.event(outcome)
        return Issued(outcome, event.id, "" if outcome.repeat else key)


def parts_of(key: str) -> tuple[str, str]:
    """The id and the secret of a key; both empty where it has not the form of one."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    return (key_id, secret) if prefix == PREFIX and secret else ("", "")


def _checked(known: AccessKey | None, secret: str, now: Instant) -> AccessKey:
    # Compared whether or not there is one: how long it takes tells nothing.
    hashed = hashlib.sha256(secret.encode()).digest()
    right = hmac.compare_digest(hashed, known.secret_hash if known else bytes(32))
    if known is None or not right or not known.holds(now):
        raise AccessKeyInvalid
    return known


def _made() -> tuple[NewKey, str]:
    key_id = _text(secrets.token_bytes(ID_BYTES))
    secret = _text(secrets.token_bytes(SECRET_BYTES))
    hashed = hashlib.sha256(secret.encode()).digest()
    return NewKey(key_id, hashed), f"{PREFIX}_{key_id}_{secret}"


def _text(raw: bytes) -> str:
    """Letters and digits that survive being read aloud and typed: base 32 in small letters."""
    return base64.b32encode(raw).decode().rstrip("=").lower()
