"""What commands share: whose card it is, which programme holds, whether an id was used."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import msgspec

from ledger import events as e
from ledger.aggregates.card import CardState
from ledger.aggregates.claim import Claimed
from ledger.aggregates.member.earning import Rules, Shopping, award
from ledger.aggregates.member.holds import over, released
from ledger.aggregates.member.passing import slid
from ledger.aggregates.member.points import Act
from ledger.aggregates.member.state import Member
from ledger.aggregates.programmes import Programmes
from ledger.calendar import local_day, month_day
from ledger.commands.budgets import budgets_left, draw_budgets
from ledger.errors import (
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberClosed,
    MemberUnknown,
    ProgrammeNotInForce,
)
from ledger.store.keys import MEMBER, PROGRAMME_STREAM
from ledger.store.working import Torn, Working
from ledger.types import Day, Instant, Personal

_PERSONAL = msgspec.msgpack.Decoder(Personal)
_ENCODE = msgspec.msgpack.Encoder().encode


class Outcome(NamedTuple):
    """Where the outcome of a command lies: the event that recorded it."""

    stream: bytes
    version: int
    repeat: bool = False
    """Whether it was recorded earlier and nothing was recorded now."""


def rules_at(working: Working, instant: Instant) -> Rules:
    """The programme in force at an instant.

    Raises:
        ProgrammeNotInForce: none is.
    """
    programmes = cast("Programmes | None", working.state(PROGRAMME_STREAM))
    if programmes is None:
        raise ProgrammeNotInForce
    return Rules(*programmes.at(instant))


def owner_of(working: Working, card: str) -> tuple[bytes, Member]:
    """The member who holds a card, by stream and state.

    Raises:
        CardUnknown: nobody does.
    """
    state = cast("CardState | None", working.state(working.keys.card(card)))
    if state is None or not state.member:
        raise CardUnknown(field="card")
    member = member_of(working, state.member)
    if member.merged_into:
        raise Torn("the card is another member's by now")
    return state.member, member


def member_of(working: Working, stream: bytes) -> Member:
    """The member of a stream.

    Raises:
        MemberUnknown: there is none.
    """
    member = cast("Member | None", working.state(stream))
    if member is None:
        raise MemberUnknown(field="member")
    return member


def present(working: Working, stream: bytes) -> Member:
    """The member as time has left it: holds that are over are recorded as expired.

    Whatever burns points begins with this, so that it finds the lots it may burn.
    """
    member = member_of(working, stream)
    for held in over(member, working.now):
        version = working.emit(stream, released(held, held.ends_at, e.HOLD_EXPIRED))
        working.emit(held.id, e.HoldEnded(e.HOLD_EXPIRED, version))
    return member_of(working, stream)


def slide(
    working: Working, stream: bytes, rules: Rules, activity: tuple[Day, Instant],
    recorded_at: Instant | None = None,
) -> None:  # fmt: skip
    """Let an activity of the member make the points last longer, if the programme says so."""
    expiry = rules.programme.lots.expiry
    if expiry is None or not expiry.slides:
        return
    day, at = activity
    now = working.now if recorded_at is None else recorded_at
    if event := slid(present(working, stream), rules, day, at, now):
        working.emit(stream, event, recorded_at)


def resolve_member(working: Working, stream: bytes) -> bytes:
    """The member that a member is now: itself, or whom it was merged into."""
    member = cast("Member | None", working.state(stream))
    while member and member.merged_into:
        into = member_of(working, member.merged_into)
        if all(merged.member != stream for merged in into.merges):
            raise Torn("they were merged or parted by now")
        stream, member = member.merged_into, into
    return stream


def same_member(working: Working, stream: bytes, now: bytes) -> bool:
    """Whether what was recorded for one member is another's now, through merges."""
    return stream == now or stream in aliases(working, now)


def aliases(working: Working, stream: bytes) -> tuple[bytes, ...]:
    """Whom else acts of this member may be recorded for: merged into it, or parted from it."""
    member = member_of(working, stream)
    found = list(member.once)
    for merged in member.merges:
        found += [merged.member, *aliases(working, merged.member)]
    return tuple(found)


def accepting(member: Member) -> None:
    """Make sure that the account is open.

    Raises:
        MemberClosed: it is not.
    """
    if member.closed or member.erased:  # who was merged away is erased without being closed
        raise MemberClosed


def card_index(member: Member, card: bytes) -> int:
    """The place of a card among the member's."""
    for index, known in enumerate(member.cards):
        if known.id == card:
            return index
    raise Torn("the card is another member's by now")


def personal_of(working: Working, stream: bytes, member: Member) -> Personal | None:
    """The member's personal data, decrypted; None where there are none (any more)."""
    plain = working.unseal(stream, member.personal)
    return _PERSONAL.decode(plain) if plain else None


def award_for(
    working: Working, member: bytes, state: Member, index: int, rules: Rules, shopping: Shopping
) -> tuple[e.Award, e.TierChanged | None]:
    """The award for a member's receipt, drawn from the budgets of the campaigns that gave it.

    The birthday is looked up only where it counts.
    """
    born = None
    if rules.programme.earn.birthday:
        personal = personal_of(working, member, state)
        born = personal.birthday if personal else None
    budgets = budgets_left(working, rules.programme)
    got, change = award(state, index, shopping, rules, born, budgets)
    draw_budgets(working, rules.programme, got)
    return got, change


def sealed_text(working: Working, stream: bytes, text: str) -> bytes:
    """A personal text as the member's stream keeps it; empty for none.

    Raises:
        PersonalDataUnavailable: the extra is missing.
    """
    return working.seal(stream, text.encode()) if text else b""


def sealed(working: Working, stream: bytes, personal: Personal) -> bytes:
    """Personal data as the member's stream keeps them.

    Without the `cryptography` extra a card number alone is left out: the ledger knows the
    card by its keyed hash, and nothing personal is ever stored in clear.

    Raises:
        PersonalDataUnavailable: more than a card number is given, and the extra is missing.
    """
    if not working.vault.available and personal == Personal(card=personal.card):
        return b""
    birthday = month_day(personal.birthday) if personal.birthday else 0
    return working.seal(stream, _ENCODE(personal), birthday)


def storable(**texts: str) -> None:
    """Make sure that every database can hold what people wrote; PostgreSQL keeps no NUL.

    Raises:
        InputInvalid: a text holds a NUL character.
    """
    for field, text in texts.items():
        if "\0" in text:
            raise InputInvalid("It holds a NUL character.", field=field)


def authored(author: str, what: str) -> None:
    """Make sure that somebody stands for it.

    Raises:
        InputInvalid: nobody does, or the name cannot be stored.
    """
    storable(author=author)
    if not author:
        raise InputInvalid(f"{what} needs an author.", field="author")


def act(working: Working, rules_zone: str, command_id: str, author: str = "") -> Act:
    """An act of now."""
    now = working.now
    return Act(now, local_day(now, rules_zone), command_id, author)


class Claim(NamedTuple):
    """A command id and the content it stands for."""

    stream: bytes
    fingerprint: bytes
    content: Any = ()

    def earlier(self, working: Working) -> Outcome | None:
        """The outcome of the same command, if it was recorded already.

        Raises:
            KeyConflict: the id was used for other content.
        """
        state = cast("Claimed | None", working.state(self.stream))
        if state is None:
            return None
        if state.fingerprint != self.fingerprint and not self._alias(working, state.fingerprint):
            raise KeyConflict(field="command_id")
        return Outcome(state.stream, state.version, repeat=True)

    def _alias(self, working: Working, fingerprint: bytes) -> bool:
        """Whether it is the same content, recorded for whom the member was before or after a merge."""
        if not (self.content and isinstance(self.content, tuple)):
            return False
        member, *rest = self.content
        if not (isinstance(member, bytes) and member[:1] == bytes([MEMBER])):
            return False
        return any(
            working.keys.fingerprint((alias, *rest)) == fingerprint
            for alias in aliases(working, member)
        )

    def record(self, working: Working, stream: bytes, version: int) -> Outcome:
        """Use the id up: its outcome lies in this event."""
        working.emit(self.stream, e.CommandClaimed(self.fingerprint, stream, version))
        return Outcome(stream, version)


def claim(working: Working, kind: str, command_id: str, content: Any) -> Claim:
    """The claim of a command with such content."""
    keys = working.keys
    return Claim(keys.command(kind, command_id), keys.fingerprint(content), content)
