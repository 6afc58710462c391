"""What can be read of members: nothing here records."""

from __future__ import annotations

from typing import NamedTuple, cast

from ledger.aggregates.member.earning import tier_at
from ledger.aggregates.member.state import Member
from ledger.application.door import Door
from ledger.calendar import local_day
from ledger.commands.quote import Quote, quote
from ledger.errors import MemberUnknown
from ledger.projections.queries import Balance, Expiring, MemberRow, Movement, Reader
from ledger.store.keys import (
    ID_BYTES,
    MEMBER,
)
from ledger.store.working import Cache, Working
from ledger.types import Instant, Personal, Receipt

DAY_SECONDS = 86_400


class MemberView(NamedTuple):
    """What a service desk sees of a member at an instant."""

    member_id: str
    tier: str
    balance: Balance
    row: MemberRow
    cards: int
    personal: Personal | None


class Reads(Door):
    """Questions about members."""

    def member_of(self, card_or_id: str) -> bytes:
        """The member's stream, from a card number or from the id as shown.

        Raises:
            MemberUnknown: neither leads to a member.
        """
        owner = self._state(self.keys.card(card_or_id))
        if owner is not None and owner.member:
            return cast("bytes", owner.member)
        try:
            stream = bytes.fromhex(card_or_id)
        except ValueError:
            stream = b""
        if len(stream) == ID_BYTES and stream[0] == MEMBER and self._state(stream) is not None:
            return stream
        raise MemberUnknown(f"`{card_or_id}`")

    def balance(
        self, card_or_id: str, at: Instant | None = None, known_at: Instant | None = None
    ) -> Balance:
        """Points at an instant (now), as known at another (all that is recorded).

        Raises:
            MemberUnknown.
        """
        stream = self.member_of(card_or_id)
        with self.reading() as reader:
            return reader.balance(stream, self.clock() if at is None else at, known_at)

    def member(self, card_or_id: str, at: Instant | None = None) -> MemberView:
        """A member at an instant (now).

        Raises:
            MemberUnknown.
        """
        stream = self.member_of(card_or_id)
        at = self.clock() if at is None else at
        state = cast("Member | None", self._state(stream))
        assert state is not None  # noqa: S101  member_of looked
        personal = self._personal(stream, state)
        with self.reading() as reader:
            row = reader.member(stream)
            assert row is not None  # noqa: S101  reading follows the log first
            tier = self.tier(reader, stream, at)
            balance = reader.balance(stream, at)
        return MemberView(stream.hex(), tier, balance, row, len(state.cards), personal)

    def tier(self, reader: Reader, stream: bytes, at: Instant) -> str:
        """The tier at an instant, from the projections."""
        rules = self.programme_at(at)
        days, points = reader.qualifying(stream)
        held = [change for change in reader.tiers(stream) if change[2] <= at]
        tier, until, since = held[-1] if held else ("", 0, 0)
        stood = Member(
            0, "", b"", b"", days=days, qualifying=points, tier=tier, tier_since=since,
            tier_until=until,
        )  # fmt: skip
        return tier_at(stood, rules.programme, local_day(at, rules.programme.time_zone), at)

    def quote(self, receipt: Receipt) -> Quote:
        """What a basket would earn and cost its card's holder; records nothing.

        Raises:
            InputInvalid, CardUnknown, CurrencyUnknown.
        """
        working = Working(self.log, self.codec, self.keys, Cache(10), self.vault)
        working.begin(self.clock())
        return quote(working, receipt)

    def expiring(
        self, within_days: int, limit: int = 100, after: Expiring | None = None
    ) -> list[Expiring]:
        """Whose points are gone within so many days, soonest first; `after` is the last one seen.

        Points that are held are left aside.
        """
        now = self.clock()
        with self.reading() as reader:
            return reader.expiring(now, now + within_days * DAY_SECONDS, limit, after)

    def statement(
        self, card_or_id: str, since: Instant = 0, until: Instant = 2**62
    ) -> list[Movement]:
        """The movements of a member's points in a period.

        Raises:
            MemberUnknown.
        """
        stream = self.member_of(card_or_id)
        with self.reading() as reader:
            return reader.statement(stream, since, until)
