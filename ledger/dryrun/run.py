"""A dry run: the log once through, replayed under the programmes in force and under the draft.

Up to the first act of the period both replays stand on what was recorded. From there on every
receipt and every act is decided by the commands that decide in earnest, for each replay on its
own state. So what differs between the two is due to the programme alone, and what differs
between the first and the log (nothing, as a rule) is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple, cast

from ledger import events as e
from ledger.aggregates.programmes import NO_MORE, Programmes, Version
from ledger.aggregates.receipt import claim_of
from ledger.calendar import local_day, midnight
from ledger.commands.publish import continues
from ledger.dryrun.ending import Both, Side, both, ending
from ledger.dryrun.period import Period, business_dates, business_day, period
from ledger.dryrun.replays import REPLAYS, WHENEVER
from ledger.dryrun.replays.parts import copied, copied_of_card, made_anew
from ledger.dryrun.report import Report
from ledger.dryrun.sample import Sample, sample
from ledger.dryrun.scratch import BEFORE, CURRENT, DRAFT, Scratch, View
from ledger.dryrun.world import Act, ReplayKeys, World
from ledger.errors import InputInvalid, ProgrammeNotInForce
from ledger.programme import Programme, load
from ledger.store.codec import Codec
from ledger.store.keys import PROGRAMME_STREAM, Keys
from ledger.store.log import Log, Row
from ledger.store.vault import Vault
from ledger.store.working import Cache, Working
from ledger.types import Day, Instant, date_of

PAGE = 5_000
Phase = Callable[[str, int], Callable[[int], None] | None]
"""Told the name of a phase and its events (0: unknown); gives what to tell of progress."""
RawRow = tuple[int, bytes, int, str, bytes, int]


class Source(NamedTuple):
    """The ledger that is read."""

    log: Log
    codec: Codec
    keys: Keys
    vault: Vault


class Question(NamedTuple):
    """What a dry run is asked."""

    draft: str
    """The text of the programme."""
    over: str
    sample: int = 0
    """So many members; 0 for all."""
    top: int = 10
    """How many of the most changed members to name."""


def dry_run(source: Source, question: Question, phase: Phase) -> Report:
    """Answer a question about a draft programme; writes nothing to the ledger.

    Raises:
        ProgrammeInvalid: the draft is wrong, or not in the log's currency.
        InputInvalid: the period is none, or no receipt is of it.
        PersonalDataUnavailable: birthdays count, and the `cryptography` extra is missing.
    """
    draft = load(question.draft)
    working = Working(source.log, source.codec, source.keys, Cache(1), source.vault)
    programmes = cast("Programmes | None", working.state(PROGRAMME_STREAM))
    if programmes is None:
        raise ProgrammeNotInForce
    continues(draft, programmes.versions)
    known = business_dates(source.log)
    if known is None:
        raise InputInvalid("No receipt was recorded yet.", field="over")
    span = period(question.over, known)
    with closing(Scratch()) as scratch:
        return Run(source, question, scratch, span, programmes).answer(draft, phase)


class Run:
    """One walk through the log."""

    def __init__(
        self, source: Source, question: Question, scratch: Scratch, span: Period,
        programmes: Programmes,
    ) -> None:  # fmt: skip
        """Prepare both replays."""
        self._source = source
        self._question = question
        self._scratch = scratch
        self._span = span
        self._current, _ = programmes.at(midnight(span.last + 1, "UTC"))
        self._zone = self._current.time_zone
        number = len(programmes.versions) + 1
        drafted, never = (
            Programmes((*programmes.versions, Version(number, begins, question.draft)))
            for begins in (0, NO_MORE)
        )
        self._reigns = (programmes, drafted)
        in_force = self._world(CURRENT, programmes, programmes)
        self._worlds = (in_force, self._world(DRAFT, drafted, never, in_force))
        self._chosen: Sample | None = None
        self._begun = False
        self._day: Day = 0
        self._scan: tuple[e.Scan, Day] | None = None
        self._receipts = 0
        self._unknown: Counter[str] = Counter()

    def answer(self, draft: Programme, phase: Phase) -> Report:
        """Replay, then look where everybody stands."""
        if self._question.sample:
            source = self._source
            self._chosen = sample(source.log, source.codec, source.keys, self._question.sample)
        self._replay(phase)
        current, draft_side = (
            Side(programme, reigns, self._span, self._zone)
            for programme, reigns in zip((self._current, draft), self._reigns, strict=True)
        )
        members = _told(both(self._scratch, self._source.codec), phase("members", 0))
        until = midnight(self._span.last + 1, self._zone)
        ended = ending(members, current, draft_side, until, self._question.top)
        in_force, drafted = self._worlds
        return Report(
            first=date_of(self._span.first).isoformat(),
            last=date_of(self._span.last).isoformat(),
            currency=self._current.currency,
            members=ended.members,
            sample=self._chosen is not None,
            receipts=self._receipts,
            differing=in_force.differing + len(in_force.given),
            not_replayed=dict(sorted(self._unknown.items())),
            current=current.told(in_force),
            draft=draft_side.told(drafted),
            movements=ended.movements,
            changed=ended.changed,
        )

    def _world(
        self, side: int, inside: Programmes, outside: Programmes, facts: World | None = None
    ) -> World:
        source = self._source
        keys = ReplayKeys(source.keys.secret)
        view = View(self._scratch, side)
        begin = midnight(self._span.first, self._zone)
        return World(
            view, source.codec, keys, source.vault, self._current.currency, begin, inside, outside,
            facts,
        )  # fmt: skip

    def _replay(self, phase: Phase) -> None:
        log = self._source.log
        head, after = log.head(), 0  # what others append meanwhile is not looked at
        tell = phase("replay", head)
        while after < head and (rows := log.page(after, min(PAGE, head - after))):
            after = int(rows[-1][0])
            self._page([row for row in rows if self._theirs(row)])
            if tell:
                tell(len(rows))
        for world in self._worlds:
            world.flush()

    def _theirs(self, row: RawRow) -> bool:
        return self._chosen is None or self._chosen.holds(
            row[1], row[3], row[4], self._source.codec
        )

    def _page(self, rows: list[RawRow]) -> None:
        """Take over what comes before the first act of the period, replay the rest."""
        begin = 0
        acts = [self._act(row) for row in rows]
        if not self._begun:
            begin = next((i for i, act in enumerate(acts) if self._begins(act)), len(rows))
            self._begun = begin < len(rows)
            before = zip(rows[:begin], acts, strict=False)
            self._scratch.append(
                BEFORE,
                [Row(*row[1:], claim_of(act.event, self._source.keys)) for row, act in before],
            )
        for act in acts[begin:]:
            self._meet(act)

    def _begins(self, act: Act) -> bool:
        settled = REPLAYS.get(type(act.event)) in {None, copied, copied_of_card, made_anew}
        return not settled and act.day >= self._span.first

    def _meet(self, act: Act) -> None:
        replay = REPLAYS.get(type(act.event))
        if act.counted:
            self._receipts += isinstance(act.event, (e.ReceiptScanned, e.ReceiptUnclaimed))
        if replay is None:
            self._unknown[act.topic] += 1
        elif act.day <= self._span.last or replay in WHENEVER:
            for world in reversed(self._worlds):  # the facts are those before the act
                replay(world, act)
                if world.full:
                    world.flush()

    def _act(self, row: RawRow) -> Act:
        _, stream, version, topic, state, recorded_at = row
        event = self._source.codec.decode[topic](state)
        captured_at, self._day = self._dated(stream, event, recorded_at)
        return Act(
            stream, version, event, topic, recorded_at, captured_at, self._day, self._span
        )  # fmt: skip

    def _dated(self, stream: bytes, event: Any, recorded_at: Instant) -> tuple[Instant, Day]:
        """When an act happened, and the business date it counts to.

        An event that says neither belongs to the act of the one before it.
        """
        if isinstance(event, (e.LinesReturned, e.ReturnWaits)):
            return self._brought_back(event.by, recorded_at)
        if isinstance(event, (e.LinesKept, e.PointsExpired)):
            return recorded_at, local_day(recorded_at, self._zone)
        if isinstance(event, e.ReceiptReviewed):
            return event.captured_at, business_day(stream)
        if isinstance(event, (e.ReceiptScanned, e.ReceiptUnclaimed)):
            self._scan = (event.scan, event.scan.business_day)
            return event.scan.captured_at, event.scan.business_day
        if isinstance(event, e.ReceiptAttributed):
            return event.captured_at, business_day(event.receipt)
        captured_at = getattr(event, "captured_at", None)
        if captured_at is None:
            return recorded_at, self._day
        return captured_at, local_day(captured_at, self._zone)

    def _brought_back(self, by: bytes, recorded_at: Instant) -> tuple[Instant, Day]:
        """Goods came back on the receipt that was recorded just before, or by a command."""
        if self._scan:
            scan, day = self._scan
            if self._source.keys.receipt(scan.key) == by:
                return scan.captured_at, day
        return recorded_at, local_day(recorded_at, self._zone)


def _told(members: Iterator[Both], tell: Callable[[int], None] | None) -> Iterator[Both]:
    for member in members:
        yield member
        if tell:
            tell(1)
