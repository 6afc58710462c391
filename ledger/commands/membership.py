"""Enrolling members, and giving, replacing and blocking cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.commands.attribution import attribute_waiting
from ledger.commands.bonuses import welcome
from ledger.commands.common import (
    Outcome,
    accepting,
    card_index,
    claim,
    member_of,
    owner_of,
    resolve_member,
    same_member,
    sealed,
    sealed_text,
    storable,
)
from ledger.commands.holders import Holding
from ledger.commands.persons import complete, personal_fingerprint
from ledger.errors import CardBlocked, CardTaken, InputInvalid, KeyConflict, PersonalDataUnavailable
from ledger.policies.enrolment import normal_identity
from ledger.store.keys import PROGRAMME_STREAM, fingerprint
from ledger.store.working import Working
from ledger.types import Instant, Personal

BLOCK = "block"
PERSON = "person"
KINDS = (PERSON, "household", "organisation")
"""What a member can be."""


def new_member(
    working: Working,
    card: str,
    personal: Personal,
    store: str,
    at: Instant,
    recorded_at: Instant | None = None,
    kind: str = PERSON,
) -> bytes:
    """Record a member and the card, which nobody holds yet; returns the stream."""  # fmt: skip
    keys = working.keys
    stream, card_stream = keys.member(card), keys.card(card)
    field = sealed(working, stream, personal)
    made = personal_fingerprint(working, stream, personal)
    working.emit(stream, e.MemberEnrolled(at, store, field, made, kind), recorded_at)
    version = working.emit(stream, e.CardLinked(at, card_stream, b""), recorded_at)
    welcome(working, stream, at, recorded_at)
    waiting = cast("CardState | None", working.state(card_stream))
    working.emit(card_stream, e.CardOwned(stream, version), recorded_at)
    if waiting:
        attribute_waiting(working, stream, waiting.waiting, recorded_at)
    return stream


class Enrol(NamedTuple):
    """Make somebody a member by a card; the card is the key, so enrolling twice is once."""

    card: str
    personal: Personal
    store: str = ""
    kind: str = PERSON
    identity: str = ""
    """An e-mail address or telephone number that only one member has."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the card and the member it would make, the identity and whose it is."""
        keys = working.keys
        first = (PROGRAMME_STREAM, keys.card(self.card), keys.member(self.card))
        if not self.identity:
            return first
        identity = keys.identity(normal_identity(self.identity))
        held = cast("bytes | None", working.known(identity))
        return (*first, identity, *((held,) if held else ()))

    def decide(self, working: Working) -> Outcome:
        """Record the member.

        Raises:
            CardTaken: the card is held by a member who did not enrol with it.
            KeyConflict: the member enrolled with this card and other data.
            MemberClosed: whose the card or the identity is has left.
            PersonalDataUnavailable: the `cryptography` extra is missing.
        """
        if not self.card:
            raise InputInvalid("A member needs a card.", field="card")
        if self.kind not in KINDS:
            raise InputInvalid(f"It is one of {', '.join(KINDS)}.", field="kind")
        storable(store=self.store)
        owner = cast("CardState | None", working.state(working.keys.card(self.card)))
        identity = normal_identity(self.identity) if self.identity else ""
        known = self._known(working, identity)
        if owner and owner.member:
            if known == owner.member != working.keys.member(self.card):
                return Outcome(owner.linked_to, owner.linked_at, repeat=True)
            return self._again(working, owner.member, identity, known)
        if known:
            return self._link(working, known, owner)
        return self._enrol(working, identity)

    def _known(self, working: Working, identity: str) -> bytes:
        """The member who has the identity already; empty for none."""
        if not identity:
            return b""
        held = cast("bytes | None", working.state(working.keys.identity(identity)))
        return resolve_member(working, held) if held else b""

    def _again(self, working: Working, stream: bytes, identity: str, known: bytes) -> Outcome:
        """The card is held: by who enrolled with it, or was enrolled with it at a till."""
        first = working.keys.member(self.card)
        if not same_member(working, first, stream):
            raise CardTaken(field="card")
        member = member_of(working, first)
        accepting(member)
        accepting(member_of(working, stream))
        personal = replace(self.personal, card=self.card)
        if member.kind != self.kind:
            raise KeyConflict(field="kind")
        if known and known != stream:
            raise KeyConflict(field="identity")
        if self._enrolled_with(working, first, personal):
            outcome = Outcome(first, 1, repeat=True)
        elif personal == Personal(card=self.card):
            raise KeyConflict(field="personal")
        else:
            outcome = complete(working, first, member, personal)
        if identity and not known:
            outcome = outcome._replace(repeat=False)
            _identify(working, first, identity)
        return outcome

    def _enrolled_with(self, working: Working, stream: bytes, personal: Personal) -> bool:
        """Whether these are the personal data that came with the card, whatever is known by now."""
        made = personal_fingerprint(working, stream, personal)
        enrolled = cast("e.MemberEnrolled", working.event(stream, 1)).fingerprint
        # Without the extra there was no key yet, and the card alone was hashed by the secret.
        return enrolled in {made, fingerprint(personal, working.keys.secret)}

    def _link(self, working: Working, stream: bytes, owner: CardState | None) -> Outcome:
        """The identity is a member's already: the card becomes one more of that member's."""
        accepting(member_of(working, stream))
        card = working.keys.card(self.card)
        version = working.emit(stream, e.CardLinked(working.now, card, b""))
        working.emit(card, e.CardOwned(stream, version))
        if owner:
            attribute_waiting(working, stream, owner.waiting, None)
        return Outcome(stream, version)

    def _enrol(self, working: Working, identity: str) -> Outcome:
        personal = replace(self.personal, card=self.card)
        if not working.vault.available and personal != Personal(card=self.card):
            raise PersonalDataUnavailable
        stream = new_member(working, self.card, personal, self.store, working.now, kind=self.kind)
        if identity:
            _identify(working, stream, identity)
        return Outcome(stream, 1)


def _identify(working: Working, stream: bytes, identity: str) -> None:
    held = working.keys.identity(identity)
    working.emit(stream, e.IdentityLinked(working.now, held))
    working.emit(held, e.IdentityHeld(stream))


class LinkCard(NamedTuple):
    """Give a member one more card, or a new one in place of another."""

    member_card: str
    """A card the member holds already."""
    card: str
    replace: bool = False
    """Stop the other card: the new one stands in for it."""
    holding: Holding = Holding()

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
            CardBlocked: the member's card is blocked, or replaced by another already.
            MemberClosed: the account is closed.
            InputInvalid: the new card has no number, or the limit is wrong.
            PersonalDataUnavailable: a holder is named, and the `cryptography` extra is missing.
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
            if self.replace and not member.cards[old].replaced:
                raise KeyConflict("The new card is linked already.", field="card")
            now = member.cards[card_index(member, card_stream)]
            asked = self.holding
            if asked != Holding() and asked[1:] != (now.may_redeem, now.redeem_limit_day):
                raise KeyConflict("The card is linked with other limits.", field="card")
            return Outcome(known.linked_to, known.linked_at, repeat=True)
        accepting(member)
        if member.cards[old].replaced or (member.cards[old].stopped and not self.replace):
            raise CardBlocked(field="member_card")
        replaces = old if self.replace else -1
        name, may_redeem, limit = self.holding.checked()
        holder = sealed_text(working, stream, name)
        event = e.CardLinked(working.now, card_stream, b"", replaces, holder, may_redeem, limit)
        version = working.emit(stream, event)
        working.emit(card_stream, e.CardOwned(stream, version))
        if known:
            attribute_waiting(working, stream, known.waiting, None)
        return Outcome(stream, version)


class BlockCard(NamedTuple):
    """Stop a card: it earns nothing and pays nothing any more."""

    card: str
    reason: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The block's claim, the card and its member."""
        keys = working.keys
        first = (keys.command(BLOCK, self.card), keys.card(self.card))
        return (*first, *_member_at_hand(working, self.card))

    def decide(self, working: Working) -> Outcome:
        """Record that the card is blocked; blocking twice is once.

        Raises:
            CardUnknown: nobody holds it.
        """
        storable(reason=self.reason)
        stream, member = owner_of(working, self.card)
        index = card_index(member, working.keys.card(self.card))
        claimed = claim(working, BLOCK, self.card, ())
        if earlier := claimed.earlier(working):
            return earlier
        if member.cards[index].stopped:  # another stands in for it
            known = cast("CardState", working.state(working.keys.card(self.card)))
            return Outcome(known.linked_to, known.linked_at, repeat=True)
        version = working.emit(stream, e.CardStopped(working.now, index, self.reason))
        return claimed.record(working, stream, version)


def _member_at_hand(working: Working, card: str) -> Iterable[bytes]:
    state = cast("CardState | None", working.known(working.keys.card(card)))
    return (state.member,) if state and state.member else ()
