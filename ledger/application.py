"""`LoyaltyLedger`, the only door: every change goes through it, every face stands before it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, NamedTuple, Self, cast

from ledger.aggregates import card, claim, job, programmes, receipt
from ledger.aggregates.member import state as member_state
from ledger.aggregates.member.earning import Rules, tier_at
from ledger.aggregates.member.state import Member
from ledger.aggregates.programmes import Programmes
from ledger.audit.verify import Phase, Verdict, verify
from ledger.calendar import local_day
from ledger.commands.adjust import Adjust
from ledger.commands.attribution import Attribute
from ledger.commands.common import Outcome, personal_of
from ledger.commands.complaints import AnswerComplaint, OpenComplaint, ResolveComplaint
from ledger.commands.membership import BlockCard, Enrol, LinkCard
from ledger.commands.publish import PublishProgramme
from ledger.commands.quote import Quote, quote
from ledger.commands.record_receipt import RecordReceipt
from ledger.commands.redeem import Redeem
from ledger.commands.returns import ReturnGoods
from ledger.errors import InputInvalid, LogExists, MemberUnknown
from ledger.events import TOPICS
from ledger.jobs import JOBS
from ledger.jobs.job import Job
from ledger.jobs.runner import Jobs
from ledger.programme import load
from ledger.projections import PROJECTIONS
from ledger.projections.engine import Engine, Progress, Status
from ledger.projections.queries import Balance, MemberRow, Movement, Reader
from ledger.store.codec import Codec, Kind
from ledger.store.keys import (
    CARD,
    COMMAND,
    ID_BYTES,
    JOB,
    MEMBER,
    PROGRAMME,
    PROGRAMME_STREAM,
    RECEIPT,
    Keys,
)
from ledger.store.log import Log
from ledger.store.opening import SECRET, open_log
from ledger.store.vault import Vault
from ledger.store.working import NOTHING_SINCE, Cache, Entry, Working
from ledger.store.writer import Command, Writer
from ledger.types import Clock, Instant, Personal, Receipt, ReceiptKey

SECRET_BYTES = 32
CACHED_STREAMS = 200_000
KINDS: Mapping[int, Kind] = {
    MEMBER: Kind(
        member_state.evolve,
        cached=True,
        state=member_state.Member,
        shape=f"member{member_state.SHAPE}",
    ),
    CARD: Kind(card.evolve, cached=True),
    RECEIPT: Kind(receipt.evolve, cached=False),
    COMMAND: Kind(claim.evolve, cached=False),
    PROGRAMME: Kind(programmes.evolve, cached=True),
    JOB: Kind(job.evolve, cached=True),
}


def codec() -> Codec:
    """The house's events and aggregates, as the store needs to know them."""
    return Codec(TOPICS, KINDS)


def wall_clock() -> Instant:
    """The real time."""
    return time.time_ns() // 1_000_000_000


class MemberView(NamedTuple):
    """What a service desk sees of a member at an instant."""

    member_id: str
    tier: str
    balance: Balance
    row: MemberRow
    cards: int
    personal: Personal | None


class LoyaltyLedger:
    """The ledger on one log.

    Every command is answered after it is durable. A refusal is a `LedgerError` and records
    nothing; the same command sent again is answered with its first outcome (`repeat`).
    """

    def __init__(self, log: Log, clock: Clock = wall_clock, jobs: Sequence[Job] = JOBS) -> None:
        """Stand before an open log; `open` and `create` are the usual ways in."""
        self.log = log
        self.clock = clock
        self.codec = codec()
        self.keys = Keys(bytes.fromhex(log.setting(SECRET) or ""))
        self.vault = Vault(log)
        self.engine = Engine(log, self.codec, self.keys, PROJECTIONS)
        cache = Cache(CACHED_STREAMS)
        working = Working(log, self.codec, self.keys, cache, self.vault)
        self._writer = Writer(log, working, clock)
        self.jobs = Jobs(self, jobs, self._writer.submit)

    @classmethod
    def create(
        cls, db: str, programme: str, *, secret: bytes | None = None, clock: Clock = wall_clock,
        jobs: Sequence[Job] = JOBS,
    ) -> Self:  # fmt: skip
        """Make a ledger with its first programme, which holds for all time.

        Raises:
            LogExists: there is one in this database.
            ProgrammeInvalid: the programme file is wrong.
        """
        load(programme)  # before anything is made
        publish = PublishProgramme(programme, 0)
        log = open_log(db, create=True)
        known = log.setting(SECRET)
        # A secret without a programme is an `init` that was killed: this one finishes it.
        if known is not None and (log.head() or (secret and secret.hex() != known)):
            log.close()
            raise LogExists
        if known is None:
            log.put_setting(SECRET, (secret or secrets.token_bytes(SECRET_BYTES)).hex())
        ledger = cls(log, clock, jobs)
        ledger.engine.prepare()
        ledger._do(publish)
        return ledger

    @classmethod
    def open(cls, db: str, *, clock: Clock = wall_clock, jobs: Sequence[Job] = JOBS) -> Self:
        """Open a ledger that exists.

        Raises:
            LogMissing: there is none.
            StoreUnavailable: the database does not answer.
        """
        return cls(open_log(db), clock, jobs)

    def close(self) -> None:
        """Answer every waiting command, then let go of the store."""
        self._writer.close()
        self.log.close()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    # --- commands ----------------------------------------------------------------------

    def publish(self, programme: str, effective_at: Instant) -> Outcome:
        """Publish a programme from a future instant on.

        Raises:
            ProgrammeInvalid, ProgrammeTooSoon.
        """
        return self._do(PublishProgramme(programme, effective_at))

    def enrol(self, card: str, personal: Personal | None = None, store: str = "") -> Outcome:
        """Make a member.

        Raises:
            CardTaken, KeyConflict, InputInvalid, PersonalDataUnavailable.
        """
        return self._do(Enrol(card, personal or Personal(), store))

    def link_card(self, member_card: str, card: str) -> Outcome:
        """Give a member one more card.

        Raises:
            CardUnknown, CardTaken, InputInvalid.
        """
        return self._do(LinkCard(member_card, card))

    def replace_card(self, old: str, new: str) -> Outcome:
        """Give a member a new card in place of another, which stops.

        Raises:
            CardUnknown, CardTaken, CardBlocked, KeyConflict, InputInvalid.
        """
        return self._do(LinkCard(old, new, replace=True))

    def block_card(self, card: str, reason: str) -> Outcome:
        """Stop a card.

        Raises:
            CardUnknown, InputInvalid.
        """
        return self._do(BlockCard(card, reason))

    def record(self, receipt: Receipt, *, history: bool = False, enrol: bool = False) -> Outcome:
        """Record a receipt, and what it earns.

        Raises:
            KeyConflict, MemberConflict, CurrencyUnknown, CapturedInFuture, ReceiptUnknown,
            LineUnknown, ReturnTooLarge, PointsSpent.
        """
        return self._do(RecordReceipt(receipt, history, enrol))

    def record_all(
        self, receipts: Iterable[Receipt], *, history: bool = False, enrol: bool = False
    ) -> list[Any]:
        """Record receipts together; refusals stand among the outcomes, in order."""
        return self.record_later(receipts, history=history, enrol=enrol).result()

    def record_later(
        self, receipts: Iterable[Receipt], *, history: bool = False, enrol: bool = False
    ) -> Future[list[Any]]:
        """The same without waiting: the answers come when the receipts are durable.

        Raises:
            Busy, Closed.
        """
        return self._writer.submit_all([RecordReceipt(r, history, enrol) for r in receipts])

    def attribute(self, receipt: ReceiptKey, card: str) -> Outcome:
        """Give a receipt without a member to a card's holder.

        Raises:
            ReceiptUnknown, MemberConflict, CapturedTooLate, CardUnknown.
        """
        return self._do(Attribute(receipt, card))

    def return_goods(
        self, receipt: ReceiptKey, command_id: str, lines: Mapping[int, int] | None = None
    ) -> Outcome:
        """Take back a receipt, or quantities of its lines (counted from 1).

        Raises:
            KeyConflict, ReceiptUnknown, LineUnknown, ReturnTooLarge, PointsSpent.
        """
        return self._do(ReturnGoods(receipt, command_id, lines or {}))

    def redeem(
        self, card: str, command_id: str, *, points: int = 0, gift: str = "", store: str = ""
    ) -> Outcome:
        """Burn points, as cash or for a gift.

        Raises:
            KeyConflict, CardUnknown, CardBlocked, RedeemNotOffered, RedeemStep, AmountInvalid,
            PointsShort, InputInvalid.
        """
        return self._do(Redeem(card, command_id, points, gift, store))

    def adjust(self, card: str, points: int, reason: str, author: str, command_id: str) -> Outcome:
        """Give or take points by hand.

        Raises:
            KeyConflict, CardUnknown, AmountInvalid, PointsShort, InputInvalid.
        """
        return self._do(Adjust(card, points, reason, author, command_id))

    def open_complaint(
        self, card: str, receipt: ReceiptKey, line: int, reason: str, author: str, command_id: str
    ) -> Outcome:
        """Take in a complaint on a receipt line; `complaint_id` gives its id.

        Raises:
            KeyConflict, CardUnknown, ReceiptUnknown, LineUnknown, MemberConflict, InputInvalid.
        """
        return self._do(OpenComplaint(card, receipt, line, reason, author, command_id))

    def complaint_id(self, command_id: str) -> str:
        """The id of the complaint that was opened under a command id."""
        return self.keys.command("complaint", command_id).hex()

    def answer_complaint(
        self, card: str, complaint: str, answer: str, author: str, command_id: str
    ) -> Outcome:
        """Answer a complaint.

        Raises:
            KeyConflict, CardUnknown, ComplaintUnknown, InputInvalid.
        """
        return self._do(AnswerComplaint(card, _id(complaint), answer, author, command_id))

    def resolve_complaint(
        self, card: str, complaint: str, resolution: str, points: int, author: str, command_id: str
    ) -> Outcome:
        """Close a complaint, with points as compensation or none.

        Raises:
            KeyConflict, CardUnknown, ComplaintUnknown, AmountInvalid, CompensationTooLarge,
            InputInvalid.
        """
        return self._do(
            ResolveComplaint(card, _id(complaint), resolution, points, author, command_id)
        )

    def event(self, outcome: Outcome) -> Any:
        """The event that an outcome points at."""
        found = self.log.event(outcome.stream, outcome.version)
        assert found is not None, "an outcome points at an event"  # noqa: S101
        return self.codec.decode[found[0]](found[1])

    # --- reads -------------------------------------------------------------------------

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

    def programme_at(self, at: Instant) -> Rules:
        """The programme in force at an instant.

        Raises:
            ProgrammeNotInForce.
        """
        return Rules(*cast("Programmes", self._state(PROGRAMME_STREAM)).at(at))

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of the reporting tables, brought up to the head of the log first."""
        self.engine.catch_up()
        with self.log.transaction(commit=False) as cursor:
            yield Reader(self.engine.reports, cursor, self.engine.projections)

    def catch_up(self, progress: Progress | None = None) -> int:
        """Bring the reporting tables to the head of the log."""
        return self.engine.catch_up(progress)

    def rebuild(self, names: Sequence[str] = (), progress: Progress | None = None) -> int:
        """Build reporting tables anew from the log (all of them where none are named).

        Raises:
            InputInvalid: there is no such projection.
            RebuildOvertaken: another rebuild began after this one.
        """
        known = [p.name for p in self.engine.projections]
        for name in names:
            if name not in known:
                raise InputInvalid(
                    f"There is no projection `{name}`; there are {', '.join(known)}."
                )
        return self.engine.rebuild(names or known, progress)

    def verify(self, phase: Phase = lambda _name, _events: None) -> Verdict:
        """Verify the log and everything derived from it; writes nothing to the ledger.

        Raises:
            RebuildNeeded.
        """
        return verify(self.log, self.codec, self.keys, self.engine, phase)

    def status(self) -> list[Status]:
        """How far the reporting tables have come."""
        return self.engine.status()

    def digests(self) -> dict[str, str]:
        """A digest of each projection."""
        self.engine.catch_up()
        return self.engine.digests()

    # --- inside ------------------------------------------------------------------------

    def _do(self, command: Command) -> Outcome:
        return cast("Outcome", self._writer.submit(command).result())

    def _state(self, stream: bytes) -> Any:
        """A stream's state as the log has it now."""
        found = self.log.load([stream], self.codec.shape, NOTHING_SINCE)
        entry = Entry(0, None)
        for _, version, state in found.snapshots:
            entry = Entry(version, self.codec.snapshot[stream[0]](state))
        evolve = self.codec.kinds[stream[0]].evolve
        for _, version, topic, state in found.events:
            entry = Entry(version, evolve(entry.state, self.codec.decode[topic](state)))
        return entry.state

    def _personal(self, stream: bytes, state: Member) -> Personal | None:
        if not self.vault.available:
            return None
        working = Working(self.log, self.codec, self.keys, Cache(1), self.vault)
        return personal_of(working, stream, state)


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputInvalid("It is no id.", field="complaint") from None
