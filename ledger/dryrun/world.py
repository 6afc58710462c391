"""One replay: the decisions of the ledger on the state that its own programme led to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from ledger import events as e
from ledger.aggregates.member.state import Member
from ledger.aggregates.programmes import Programmes
from ledger.dryrun.period import Period
from ledger.dryrun.scratch import View
from ledger.errors import LedgerError, PersonalDataUnavailable
from ledger.store.codec import Codec
from ledger.store.keys import MEMBER, PROGRAMME_STREAM, Keys
from ledger.store.log import Log
from ledger.store.vault import Vault
from ledger.store.working import Cache, Entry, Working
from ledger.types import Day, Instant, ReceiptKey

FLOWS = ("earned", "redeemed", "adjusted_in", "adjusted_out", "reversed")
"""Totals of a member that are told for the acts of the period."""
CACHED_STREAMS = 50_000
ROWS_AT_ONCE = 1_000


class Act(NamedTuple):
    """An event of the log, as a replay meets it."""

    stream: bytes
    version: int
    event: Any
    topic: str
    recorded_at: Instant
    captured_at: Instant
    day: Day
    """The business date it counts to."""
    period: Period

    @property
    def counted(self) -> bool:
        """Whether it is of the period."""
        return self.period.first <= self.day <= self.period.last

    def of(self, day: Day) -> Act | None:
        """The same for another business date; None where that is after the period."""
        return self._replace(day=day) if day <= self.period.last else None


class ReplayKeys(Keys):
    """Keys for who only knows ids: a card's number is its id in hex, a receipt's key its id."""

    def _card(self, number: str) -> bytes:
        return bytes.fromhex(number)

    def receipt(self, key: ReceiptKey | bytes) -> bytes:
        """The id itself, where that is all there is."""
        return key if isinstance(key, bytes) else super().receipt(key)


def key_of(receipt: bytes) -> ReceiptKey:
    """What stands for a receipt's key where only its id is known."""
    return cast("ReceiptKey", receipt)


class Replaying(Working):
    """A working state that hears what is decided on it, and may stand under another programme."""

    def __init__(self, view: View, codec: Codec, keys: Keys, vault: Vault) -> None:
        """Begin on one side of the scratch."""
        super().__init__(cast("Log", view), codec, keys, Cache(CACHED_STREAMS), vault)
        self.programmes = Programmes()
        """Those that hold, and all that awards may cite."""
        self.made: list[e.Event] = []
        self.moved: list[tuple[Member | None, Member]] = []
        """Members before and after each event that was made."""

    def entry(self, stream: bytes) -> Entry:
        """Version and state of a stream."""
        if stream == PROGRAMME_STREAM:
            return Entry(len(self.programmes.versions), self.programmes)
        return super().entry(stream)

    def emit(
        self, stream: bytes, event: e.Event, recorded_at: Instant | None = None, claims: bytes = b""
    ) -> int:
        """Put an event at the end of a stream, and hear it."""
        before = self.entry(stream).state
        version = super().emit(stream, event, recorded_at, claims)
        self.made.append(event)
        if stream[0] == MEMBER:
            self.moved.append((before, self.entry(stream).state))
        return version

    def hear(self) -> None:
        """Listen anew."""
        self.made, self.moved = [], []


class Refused(NamedTuple):
    """What was recorded and cannot be repeated: the event's topic and the refusal's code."""

    act: str
    why: str


class World:
    """A replay under one programme, and what it has come to in the period."""

    def __init__(
        self, view: View, codec: Codec, keys: Keys, vault: Vault, currency: str,
        begin: Instant, inside: Programmes, outside: Programmes, facts: World | None = None,
    ) -> None:  # fmt: skip
        """Replay under the programmes for what is inside the period, and for what is not.

        `facts` is the replay of what is in force, where this is another.
        """
        self.facts = facts or self
        self.working = Replaying(view, codec, keys, vault)
        self.currency = currency
        self.given: dict[bytes, e.Award] = {}
        """Attributions made with a card or a review, which the log tells of a few events later."""
        self.receipts = self.spend_minor = self.redeemed_minor = self.differing = 0
        self.flows: Counter[str] = Counter()
        """What the acts of the period added to each total of their members."""
        self.lapsed_before = 0
        """Points that members' states let go since, though they expired before the period."""
        self.rules: Counter[str] = Counter()
        self.refused: Counter[Refused] = Counter()
        self.refused_points: Counter[Refused] = Counter()
        self._view = view
        self._inside = inside
        self._outside = outside
        self._begin = begin

    def member(self, stream: bytes) -> Member:
        """A member's state in this replay."""
        return cast("Member", self.working.state(stream))

    def copy(self, act: Act) -> None:
        """Take an event over as it is."""
        self.working.now = act.recorded_at
        self.working.hear()
        self.working.emit(act.stream, act.event)

    def decide(self, act: Act, command: Callable[[Working], Any], points: int = 0) -> list[e.Event]:
        """Decide anew; returns the events made, none where it is refused, which is counted."""
        working = self.working
        working.now = act.recorded_at
        working.programmes = self._inside if act.counted else self._outside
        working.hear()
        mark = working.mark()
        try:
            command(working)
        except PersonalDataUnavailable:
            raise
        except LedgerError as refusal:
            working.back_to(mark)
            working.hear()
            self._refuse(act, refusal, points)
        for before, after in working.moved:
            if before is not None:
                self._moved(before, after, counted=act.counted)
        if act.counted:
            self._count(working.made)
        return working.made

    def gave(self, act: Act, made: list[e.Event]) -> None:
        """Remember the receipts that an act gave to a member."""
        for event in made if act.counted else ():
            if isinstance(event, e.ReceiptAttributed):
                self.given[event.receipt] = event.award

    def compare(self, act: Act, recorded: e.Award | None, made: e.Award | None) -> None:
        """Count a receipt of the period whose award is another than the recorded one."""
        if act.counted and recorded != made:
            self.differing += 1

    def flush(self) -> None:
        """Put what was decided away."""
        working = self.working
        working.settle()
        self._view.append(working.rows)
        batch = working.batch()
        self._view.put_snapshots(working.snapshots_due(batch))
        working.go_on_after(batch)
        working.landed(batch, 0)
        working.begin(working.now)

    @property
    def full(self) -> bool:
        """Whether it is time to flush."""
        return len(self.working.rows) >= ROWS_AT_ONCE

    def _refuse(self, act: Act, refusal: LedgerError, points: int) -> None:
        if act.counted:
            refused = Refused(act.topic, refusal.code)
            self.refused[refused] += 1
            self.refused_points[refused] += points

    def _moved(self, before: Member, after: Member, *, counted: bool) -> None:
        if counted:
            for name in FLOWS:
                self.flows[name] += getattr(after, name) - getattr(before, name)
        if after.lapsed != before.lapsed:
            old = sum(lot.points for lot in before.lots if lot.expires_at <= self._begin)
            left = sum(lot.points for lot in after.lots if lot.expires_at <= self._begin)
            self.lapsed_before += min(old - left, after.lapsed - before.lapsed)

    def _count(self, made: list[e.Event]) -> None:
        for event in made:
            if isinstance(event, (e.ReceiptScanned, e.ReceiptAttributed)):
                award = event.award
                earned = sum(award.points)
                self.receipts += 1
                self.spend_minor += _bought(event)
                self.rules.update(dict(award.rules))
                self.rules["base"] += earned - sum(points for _, points in award.rules)
            elif isinstance(event, e.BonusGranted):
                self.rules[event.rule] += event.points
            elif isinstance(event, e.RebateGranted):
                self.rules["rebate"] += event.points
            elif isinstance(event, (e.PointsRedeemed, e.HoldSettled)):
                self.redeemed_minor += event.value_minor


def _bought(event: e.ReceiptScanned | e.ReceiptAttributed) -> int:
    """What was paid for the goods of a receipt; what it brought back is no part of that."""
    if isinstance(event, e.ReceiptAttributed):
        return event.amount_minor
    goods = event.scan.goods
    return sum(goods.amounts_minor) - sum(goods.amounts_minor[index] for index in goods.voided)
