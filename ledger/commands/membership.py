"""Enrolling members, and giving, replacing and blocking cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.commands.attribution import attribute_waiting
from ledger.commands.bonuses import welcome
from ledger.commands.common import Outcome, card_index, member_of, owner_of, sealed, storable
from ledger.errors import CardBlocked, CardTaken, InputInvalid, KeyConflict, PersonalDataUnavailable
from ledger.store.keys import PROGRAMME_STREAM, fingerprint
from ledger.store.working import Working
from ledger.types import Instant, Personal


def new_member(
    working: Working,
    card: str,
    personal: Personal,
    store: str,
    at: Instant,
    recorded_at: Instant | None = None,
) -> bytes:
    """Record a member and the card, which nobody holds yet; returns the stream."""  # fmt: skip
    keys = working.keys
    stream, card_stream = keys.member(card), keys.card(card)
    field = sealed(working, stream, personal)
    fingerprint = _fingerprint(working, stream, personal)
    working.emit(stream, e.MemberEnrolled(at, store, field, fingerprint), recorded_at)
    working.emit(stream, e.CardLinked(at, card_stream, b""), recorded_at)
    welcome(working, stream, at, recorded_at)
    waiting = cast("CardState | None", working.state(card_stream))
    working.emit(card_stream, e.CardOwned(stream), recorded_at)
    if waiting:
        attribute_waiting(working, stream, waiting.waiting, recorded_at)
    return stream


class Enrol(NamedTuple):
    """Make somebody a member by a card; the card is the key, so enrolling twice is once."""

    card: str
    personal: Personal
    store: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the card and the member it would make."""
        return (PROGRAMME_STREAM, working.keys.card(self.card), working.keys.member(self.card))

    def decide(self, working: Working) -> Outcome:
        """Record the member.

        Raises:
            CardTaken: the card is held by a member who did not enrol with it.
            KeyConflict: the member enrolled with this card and other data.
            PersonalDataUnavailable: the `cryptography` extra is missing.
        """
        if not self.card:
            raise InputInvalid("A member needs a card.", field="card")
        storable(store=self.store)
        keys = working.keys
        owner = cast("CardState | None", working.state(keys.card(self.card)))
        personal = _with_card(self.personal, self.card)
        if owner and owner.member:
            if owner.member != keys.member(self.card):
                raise CardTaken(field="card")
            known = member_of(working, owner.member).fingerprint
            if known != _fingerprint(working, owner.member, personal):
                raise KeyConflict(field="personal")
            return Outcome(owner.member, 1, repeat=True)
        if not working.vault.available and personal != Personal(card=self.card):
            raise PersonalDataUnavailable
        return Outcome(new_member(working, self.card, personal, self.store, working.now), 1)


class LinkCard(NamedTuple):
    """Give a member one more card, or a new one in place of another."""

    member_card: str
    """A card the member holds already."""
    card: str
    replace: bool = False
    """Stop the other card: the new one stands in for it."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, both cards and the member."""
        keys = working.keys
        first = (PROGRAMME_STREAM, keys.card(self.member_card), keys.card(self.card))
        return (*first, *_member_at_hand(working, self.member_card))

    def decide(self, working: Working) -> Outcome:
        """Record the card.

        Raises:
            CardUnknown: nobody holds `member_card`.
            CardTaken: the new card belongs to somebody else.
            CardBlocked: the card to be replaced is stopped already.
            InputInvalid: the new card has no number.
        """
        if not self.card:
            raise InputInvalid("A card needs a number.", field="card")
        stream, member = owner_of(working, self.member_card)
        card_stream = working.keys.card(self.card)
        known = cast("CardState | None", working.state(card_stream))
        old = card_index(member, working.keys.card(self.member_card))
        if known and known.member:
            if known.member != stream:
                raise CardTaken(field="card")
            if self.replace and not member.cards[old].stopped:
                raise KeyConflict("The new card is linked already.", field="card")
            return Outcome(stream, working.version(stream), repeat=True)
        if self.replace and member.cards[old].stopped:
            raise CardBlocked(field="member_card")
        replaces = old if self.replace else -1
        version = working.emit(stream, e.CardLinked(working.now, card_stream, b"", replaces))
        working.emit(card_stream, e.CardOwned(stream))
        if known:
            attribute_waiting(working, stream, known.waiting, None)
        return Outcome(stream, version)


class BlockCard(NamedTuple):
    """Stop a card: it earns nothing and pays nothing any more."""

    card: str
    reason: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The card and its member."""
        return (working.keys.card(self.card), *_member_at_hand(working, self.card))

    def decide(self, working: Working) -> Outcome:
        """Record that the card is blocked; blocking twice is once.

        Raises:
            CardUnknown: nobody holds it.
        """
        storable(reason=self.reason)
        stream, member = owner_of(working, self.card)
        index = card_index(member, working.keys.card(self.card))
        if member.cards[index].stopped:
            return Outcome(stream, working.version(stream), repeat=True)
        version = working.emit(stream, e.CardStopped(working.now, index, self.reason))
        return Outcome(stream, version)


def _fingerprint(working: Working, stream: bytes, personal: Personal) -> bytes:
    """What tells the same personal data from other, under the member's own key.

    Once that key is destroyed nobody can confirm a guess. Without personal data there is no
    such key, and the card alone is hashed under the log's secret.
    """
    return fingerprint(personal, working.personal_key(stream) or working.keys.secret)


def _with_card(personal: Personal, card: str) -> Personal:
    return Personal(card, personal.name, personal.email, personal.phone, personal.birthday)


def _member_at_hand(working: Working, card: str) -> Iterable[bytes]:
    state = cast("CardState | None", working.known(working.keys.card(card)))
    return (state.member,) if state and state.member else ()
