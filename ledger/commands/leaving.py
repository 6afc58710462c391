"""Members who leave: closed, or erased with their key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.member.leaving import close, explained
from ledger.aggregates.member.state import Member
from ledger.commands.common import (
    Outcome,
    accepting,
    act,
    claim,
    member_of,
    owner_of,
    present,
    rules_at,
    storable,
)
from ledger.commands.redeem import owned_streams
from ledger.errors import MemberUnknown
from ledger.store.keys import ID_BYTES, MEMBER, PROGRAMME_STREAM
from ledger.store.working import Working


class CloseMember(NamedTuple):
    """Close the account of a card's holder."""

    card: str
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member."""
        return owned_streams(working, "close", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record that the account is closed.

        Raises:
            KeyConflict: the command id was used for another.
            CardUnknown: nobody holds the card.
            MemberClosed: it is closed already, by another command.
            InputInvalid, PointsHeld: see the member's decision.
        """
        storable(reason=self.reason, author=self.author)
        stream, member = owner_of(working, self.card)
        claimed = claim(working, "close", self.command_id, (stream, self.reason, self.author))
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        version = _close(working, stream, self.reason, self.author, self.command_id)
        return claimed.record(working, stream, version)


class EraseMember(NamedTuple):
    """Erase a member, by a card or by the id: close it, and destroy the key."""

    card_or_id: str
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, and the member."""
        keys = working.keys
        claimed = keys.command("erase", self.command_id)
        owner = cast("CardState | None", working.known(keys.card(self.card_or_id)))
        member = (owner.member,) if owner and owner.member else ()
        return (PROGRAMME_STREAM, claimed, keys.card(self.card_or_id), *member)

    def decide(self, working: Working) -> Outcome:
        """Record it; the keys go in the same transaction, also those of members merged in.

        Erasing again, under any command id, is a repeat that destroys a key that came back with
        an old backup.

        Raises:
            KeyConflict: the command id was used for another.
            MemberUnknown: there is none, or it was merged into another: erase that one.
            InputInvalid, PointsHeld: see the member's decision.
        """
        storable(reason=self.reason, author=self.author)
        stream = _stream_of(working, self.card_or_id)
        member = member_of(working, stream)
        claimed = claim(working, "erase", self.command_id, (stream, self.reason, self.author))
        everybody = (stream, *_merged_in(working, member))
        for each in everybody:
            working.destroy_key(each)
        if earlier := claimed.earlier(working):
            return earlier
        if member.erased:
            return Outcome(stream, working.version(stream), repeat=True)
        if member.merged_into:
            raise MemberUnknown(f"It is part of {member.merged_into.hex()}.", field="card_or_id")
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, self.author)
        explained(self.reason, done)
        if not member.closed:
            _close(working, stream, self.reason, self.author, self.command_id)
        version = 0
        for each in reversed(everybody):
            for identity in member_of(working, each).identities:
                if working.state(identity) == each:
                    working.emit(identity, e.IdentityHeld(b""))
            event = e.MemberErased(done.at, self.reason, self.author, self.command_id)
            version = working.emit(each, event)
        return claimed.record(working, stream, version)


def _close(working: Working, stream: bytes, reason: str, author: str, command_id: str) -> int:
    rules = rules_at(working, working.now)
    done = act(working, rules.programme.time_zone, command_id, author)
    return working.emit(stream, close(present(working, stream), reason, rules, done))


def _stream_of(working: Working, card_or_id: str) -> bytes:
    owner = cast("CardState | None", working.state(working.keys.card(card_or_id)))
    if owner and owner.member:
        return owner.member
    try:
        stream = bytes.fromhex(card_or_id)
    except ValueError:
        stream = b""
    if len(stream) != ID_BYTES or stream[0] != MEMBER or working.state(stream) is None:
        raise MemberUnknown(field="card_or_id")
    return stream


def _merged_in(working: Working, member: Member) -> tuple[bytes, ...]:
    """The members who are part of this one, and those who are part of them."""
    found: tuple[bytes, ...] = ()
    for merged in member.merges:
        found += (merged.member, *_merged_in(working, member_of(working, merged.member)))
    return found
