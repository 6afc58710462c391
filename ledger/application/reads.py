"""What can be read of members: nothing here records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeVar, cast

from msgspec.structs import replace

from ledger.aggregates.card import CardState
from ledger.aggregates.member.folds import tiers as tier_folds
from ledger.aggregates.member.standing import NextTier, next_tier, passed, tier_at
from ledger.aggregates.member.state import Member
from ledger.aggregates.programmes import Programmes
from ledger.application.door import Door
from ledger.calendar import local_day
from ledger.commands.inquire import Inquiry, inquire
from ledger.commands.quote import Quote, quote
from ledger.errors import MemberUnknown
from ledger.policies.dormancy import Account, standing
from ledger.policies.enrolment import normal_identity
from ledger.projections.consent import Consent, consent
from ledger.projections.points import FCT_POINTS_MOVEMENT, POINTS
from ledger.projections.queries import (
    Balance,
    Expiring,
    MemberRow,
    Movement,
    Reader,
    Sum,
    balance_of,
)
from ledger.store.keys import (
    ID_BYTES,
    MEMBER,
    PROGRAMME_STREAM,
)
from ledger.store.working import Cache, Torn, Working
from ledger.types import Instant, Personal, Receipt

DAY_SECONDS = 86_400
_CAPTURED, _RECORDED = map(FCT_POINTS_MOVEMENT.place, ("captured_at", "recorded_at"))
_sum = itemgetter(*map(FCT_POINTS_MOVEMENT.place, ("activates_at", "expires_at", "kind", "points")))
T = TypeVar("T")


class HolderView(NamedTuple):
    """A card with a holder or limits of its own; `card` counts the member's cards from 1."""

    card: int
    holder: str
    may_redeem: bool
    redeem_limit_day: int


class MemberView(NamedTuple):
    """What a service desk sees of a member at an instant."""

    member_id: str
    tier: str
    balance: Balance
    row: MemberRow
    cards: int
    personal: Personal | None
    next: NextTier | None = None
    kind: str = "person"
    standing: str = "active"
    """active, dormant, merged, closed, erased."""
    merged_into: str = ""
    holders: tuple[HolderView, ...] = ()
    consent: Consent | None = None
    """To be told offers; None where nobody asked."""


class Reads(Door):
    """Questions about members."""

    def member_of(self, card_or_id: str) -> bytes:
        """The member's stream, from a card number or from the id as shown.

        Raises:
            MemberUnknown: neither leads to a member.
        """
        if owner := self.holder_of(card_or_id):
            return owner
        try:
            stream = bytes.fromhex(card_or_id)
        except ValueError:
            stream = b""
        if len(stream) == ID_BYTES and stream[0] == MEMBER and self._state(stream) is not None:
            return stream
        raise MemberUnknown(f"`{card_or_id}`")

    def member_with(self, identity: str) -> bytes | None:
        """The member who enrolled with an e-mail address or telephone number; None where nobody did.

        Raises:
            InputInvalid: it is neither.
        """
        held = self._state(self.keys.identity(normal_identity(identity)))
        return bytes(held) if held else None

    def members_of(self, cards: Sequence[str]) -> list[bytes]:
        """The streams of the members that cards lead to; where nobody holds one, of who would."""
        working = self._fresh()
        streams = [self.keys.card(card) for card in cards]
        working.fetch(working.missing(streams))
        states = (cast("CardState | None", working.state(stream)) for stream in streams)
        return [
            state.member if state and state.member else self.keys.member(card)
            for state, card in zip(states, cards, strict=True)
        ]

    def balance(
        self, card_or_id: str, at: Instant | None = None, known_at: Instant | None = None
    ) -> Balance:
        """Points at an instant (now), as known at another (all that is recorded).

        What the reports lack of the member is read from the log, so nothing is written and nobody
        waited for: not for those who record, nor for a rebuild.

        Raises:
            MemberUnknown.
        """
        stream = self.member_of(card_or_id)
        at = self.clock() if at is None else at
        if (sums := self._sums(stream, at, 2**62 if known_at is None else known_at)) is not None:
            return balance_of(sums, at)
        with self.reading() as reader:
            return reader.balance(stream, at, known_at)

    def _sums(self, stream: bytes, at: Instant, known_at: Instant) -> list[Sum] | None:
        """What moved by report and log; None where the report is to be asked as it is."""
        with self.reading(catch_up=False) as reader:
            if not self.engine.hears_all(reader.cursor, POINTS, stream):
                return None
            sums, last = reader.sums(stream, at, known_at), reader.last_movement(stream)
        if (said := self.engine.unheard(POINTS, stream, last)) is None:
            return None
        unheard = said.rows[FCT_POINTS_MOVEMENT.name]
        return sums + [
            _sum(row) for row in unheard if row[_CAPTURED] <= at and row[_RECORDED] <= known_at
        ]

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
            needs = self.tier_needs(reader, stream, at)
            balance = reader.balance(stream, at)
            said = consent(reader, stream, at)
        dormant_days = self.programme_at(at).programme.members.dormant_days
        last = max(row.enrolled_at, row.last_receipt_at or 0)
        stands = standing(
            Account(state.merged_into != b"", state.closed, state.erased), last, dormant_days, at
        )
        return MemberView(
            stream.hex(), needs.tier if needs else "", balance, row, len(state.cards), personal, needs,
            state.kind, stands,
            state.merged_into.hex(), self._holders(stream, state), said,
        )  # fmt: skip

    def _holders(self, stream: bytes, state: Member) -> tuple[HolderView, ...]:
        """The cards that somebody else holds or that are limited."""
        found = []
        for number, card in enumerate(state.cards, 1):
            plain = self.vault.decrypt(stream, card.holder) if self.vault.available else None
            name = plain.decode() if plain else ""
            if name or not card.may_redeem or card.redeem_limit_day >= 0:
                found.append(HolderView(number, name, card.may_redeem, card.redeem_limit_day))
        return tuple(found)

    def tier(self, reader: Reader, stream: bytes, at: Instant) -> str:
        """The tier at an instant, from the projections."""
        rules = self.programme_at(at)
        day = local_day(at, rules.programme.time_zone)
        return tier_at(self._standing(reader, stream, at), rules.programme, day, at)

    def tier_needs(self, reader: Reader, stream: bytes, at: Instant) -> NextTier | None:
        """What the next tier needs at an instant, from the projections."""
        rules = self.programme_at(at)
        day = local_day(at, rules.programme.time_zone)
        return next_tier(self._standing(reader, stream, at), rules.programme, day, at)

    def _standing(self, reader: Reader, stream: bytes, at: Instant) -> Member:
        """What decides a member's tier at an instant, reviews up to then included."""
        row = reader.member(stream)
        days, points = reader.qualifying(stream)
        stood = Member(row.enrolled_at if row else 0, "", b"", days=days, qualifying=points)
        for tier, until, since in reader.tiers(stream, at):
            stood = replace(stood, tier=tier, tier_since=since, tier_until=until)
        for tier, until, since in reader.grants(stream, at):
            stood = tier_folds.granted(stood, tier, since, until)
        for event in passed(stood, cast("Programmes", self._state(PROGRAMME_STREAM)), at):
            stood = tier_folds.changed(stood, event)
        return stood

    def quote(self, receipt: Receipt) -> Quote:
        """What a basket would earn and cost its card's holder; records nothing.

        Raises:
            InputInvalid, CardUnknown, CurrencyUnknown.
        """
        return self._looked(lambda working: quote(working, receipt))

    def inquire(self, card: str) -> Inquiry:
        """What a till may know of a card's holder, as it would be decided on now.

        Unlike `balance` it reads the member and no report.

        Raises:
            CardUnknown.
        """
        return self._looked(lambda working: inquire(working, card))

    def quote_and_inquire(self, receipt: Receipt) -> tuple[Quote, Inquiry]:
        """Both for the card of a basket, at one look.

        Raises:
            InputInvalid, CardUnknown, CurrencyUnknown.
        """

        def look(working: Working) -> tuple[Quote, Inquiry]:
            return quote(working, receipt), inquire(working, receipt.card or "")

        return self._looked(look)

    def _looked(self, look: Callable[[Working], T]) -> T:
        """Decide something on the log as it is, and record nothing."""
        while True:
            working = Working(self.log, self.codec, self.keys, Cache(10), self.vault)
            working.begin(self.clock())
            try:
                return look(working)
            except Torn:
                continue  # others merged or parted the member meanwhile

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
