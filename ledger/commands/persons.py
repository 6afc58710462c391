"""Who a member is: personal data that come after the card, and are put right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member
from ledger.commands.common import (
    Claim,
    Outcome,
    accepting,
    authored,
    claim,
    owner_of,
    personal_of,
    sealed,
    storable,
)
from ledger.commands.redeem import owned_streams
from ledger.errors import InputInvalid, KeyConflict, PersonalDataUnavailable
from ledger.store.keys import fingerprint
from ledger.store.working import Working
from ledger.types import Personal

COMPLETE = "complete"


def personal_fingerprint(working: Working, stream: bytes, personal: Personal) -> bytes:
    """What tells the same personal data from other, under the member's own key.

    Once that key is destroyed nobody can confirm a guess. Without personal data there is no
    such key, and the card alone is hashed under the log's secret.
    """
    return fingerprint(personal, working.personal_key(stream) or working.keys.secret)


def complete(working: Working, stream: bytes, member: Member, personal: Personal) -> Outcome:
    """Give a member of whom only a card is known personal data; the same again is a repeat.

    Raises:
        KeyConflict: the member has other data.
        PersonalDataUnavailable: the `cryptography` extra is missing.
    """
    if not working.vault.available:
        raise PersonalDataUnavailable
    known = personal_of(working, stream, member)
    personal = replace(personal, card=known.card if known else personal.card)
    if known and known != Personal(card=known.card):
        if personal != known:
            raise KeyConflict(field="personal")
        return _completion(working, stream).earlier(working) or Outcome(stream, 1, repeat=True)
    field = sealed(working, stream, personal)
    made = personal_fingerprint(working, stream, personal)
    version = working.emit(stream, e.MemberCompleted(working.now, field, made))
    return _completion(working, stream).record(working, stream, version)


def _completion(working: Working, stream: bytes) -> Claim:
    """A member is completed once, whatever with: the event can be found again."""
    return claim(working, COMPLETE, stream.hex(), ())


class Complete(NamedTuple):
    """Give the holder of a card personal data, of whom there are none."""

    card: str
    personal: Personal

    def streams(self, working: Working) -> Iterable[bytes]:
        """The card and its member."""
        return owned_streams(working, COMPLETE, self.card, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record them.

        Raises:
            CardUnknown: nobody holds the card.
            MemberClosed: the account is closed.
            InputInvalid: nothing is given.
            KeyConflict, PersonalDataUnavailable: see `complete`.
        """
        stream, member = owner_of(working, self.card)
        accepting(member)
        personal = replace(self.personal, card=self.card)
        if personal == Personal(card=self.card):
            raise InputInvalid("There is nothing to complete with.", field="personal")
        return complete(working, stream, member, personal)


class ChangePersonal(NamedTuple):
    """Put the personal data of a card's holder right; what is given replaces all."""

    card: str
    personal: Personal
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim, the card and its member."""
        return owned_streams(working, "change-personal", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record them.

        Raises:
            KeyConflict: the command id was used for other data.
            CardUnknown: nobody holds the card.
            MemberClosed: the account is closed.
            InputInvalid: no author is given.
            PersonalDataUnavailable: the `cryptography` extra is missing.
        """
        storable(author=self.author)
        stream, member = owner_of(working, self.card)
        accepting(member)
        authored(self.author, "Changing personal data")
        if not working.vault.available:
            raise PersonalDataUnavailable
        known = personal_of(working, stream, member)
        personal = replace(self.personal, card=known.card if known else self.card)
        field = sealed(working, stream, personal)
        made = personal_fingerprint(working, stream, personal)
        claimed = claim(working, "change-personal", self.command_id, (stream, made, self.author))
        if earlier := claimed.earlier(working):
            return earlier
        event = e.PersonalChanged(working.now, field, made, self.author, self.command_id)
        return claimed.record(working, stream, working.emit(stream, event))
