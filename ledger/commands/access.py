"""Issuing, replacing and revoking access keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.access import AccessKey
from ledger.commands.common import Outcome, authored, claim, storable
from ledger.errors import AccessKeyUnknown, InputInvalid
from ledger.policies.access import ROLES, TILL
from ledger.store.working import Working
from ledger.types import Instant

MOST_STORES = 1_000
LONGEST_NAME = 200


class NewKey(NamedTuple):
    """What a key is made with; the secret itself stays outside."""

    id: str
    secret_hash: bytes


class IssueKey(NamedTuple):
    """Give a key out. What it is to be is the content; a retry does not say the secret again."""

    new: NewKey
    holder: str
    role: str
    stores: tuple[str, ...]
    until: Instant
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim and the key's stream."""
        keys = working.keys
        return (keys.command("access-key", self.command_id), keys.access(self.new.id))

    def decide(self, working: Working) -> Outcome:
        """Record the key.

        Raises:
            KeyConflict: the command id was used for another key.
            InputInvalid: no such role, no name or author, a till without its stores, or an end
                that is over.
        """
        content = (self.holder, self.role, self.stores, self.until, self.author)
        claimed = claim(working, "access-key", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        self._check(working.now)
        stream = working.keys.access(self.new.id)
        event = e.AccessKeyIssued(
            working.now, self.new.id, self.new.secret_hash, self.holder, self.role, self.stores,
            self.until, self.author, self.command_id,
        )  # fmt: skip
        return claimed.record(working, stream, working.emit(stream, event))

    def _check(self, now: Instant) -> None:
        storable(holder=self.holder, author=self.author, stores="".join(self.stores))
        if self.role not in ROLES:
            msg = f"`{self.role}` is none of {', '.join(ROLES)}."
            raise InputInvalid(msg, field="role")
        if not 0 < len(self.holder) <= LONGEST_NAME:
            raise InputInvalid(f"A name of up to {LONGEST_NAME} characters.", field="holder")
        authored(self.author, "A key")
        if self.role == TILL and not self.stores:
            raise InputInvalid("A till's key is for one store or more.", field="stores")
        if len(self.stores) > MOST_STORES or "" in self.stores:
            raise InputInvalid(f"Up to {MOST_STORES} stores, each with a name.", field="stores")
        if self.until and self.until <= now:
            raise InputInvalid("It would be over already.", field="until")


class RotateKey(NamedTuple):
    """Give a key out in place of another, which holds for some time yet."""

    id: str
    new: NewKey
    grace_seconds: int
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim and both keys."""
        keys = working.keys
        ids = (self.id, self.new.id)
        return (keys.command("access-key", self.command_id), *map(keys.access, ids))

    def decide(self, working: Working) -> Outcome:
        """Record the new key and the old one's end.

        Raises:
            KeyConflict: the command id was used otherwise.
            AccessKeyUnknown: there is no such key, or it is over.
            InputInvalid: no author, or a time below zero.
        """
        content = (self.id, self.grace_seconds, self.author)
        claimed = claim(working, "access-key", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        authored(self.author, "A key")
        if self.grace_seconds < 0:
            raise InputInvalid("It cannot end before now.", field="grace")
        now, known = working.now, key_of(working, self.id)
        if not known.holds(now):
            raise AccessKeyUnknown(f"`{self.id}` is over.", field="id")
        stream = working.keys.access(self.new.id)
        issued = e.AccessKeyIssued(
            now, self.new.id, self.new.secret_hash, known.holder, known.role, known.stores,
            known.until, self.author, self.command_id, self.id,
        )  # fmt: skip
        version = working.emit(stream, issued)
        ends = known.sooner(now + self.grace_seconds)
        ended = e.AccessKeyEnded(now, self.id, ends, "replaced", self.author, self.command_id)
        working.emit(working.keys.access(self.id), ended)
        return claimed.record(working, stream, version)


class RevokeKey(NamedTuple):
    """End a key at once."""

    id: str
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim and the key."""
        keys = working.keys
        return (keys.command("access-key-end", self.command_id), keys.access(self.id))

    def decide(self, working: Working) -> Outcome:
        """Record the key's end.

        Raises:
            KeyConflict: the command id was used otherwise.
            AccessKeyUnknown: there is no such key.
            InputInvalid: no author, or no reason.
        """
        content = (self.id, self.reason, self.author)
        claimed = claim(working, "access-key-end", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        authored(self.author, "A key")
        storable(reason=self.reason)
        if not self.reason:
            raise InputInvalid("Say why.", field="reason")
        known, now = key_of(working, self.id), working.now
        stream, ends = working.keys.access(self.id), known.sooner(now)
        ended = e.AccessKeyEnded(now, self.id, ends, self.reason, self.author, self.command_id)
        return claimed.record(working, stream, working.emit(stream, ended))


def key_of(working: Working, key_id: str) -> AccessKey:
    """A key.

    Raises:
        AccessKeyUnknown: there is none.
    """
    known = cast("AccessKey | None", working.state(working.keys.access(key_id)))
    if known is None:
        raise AccessKeyUnknown(f"`{key_id}`", field="id")
    return known
