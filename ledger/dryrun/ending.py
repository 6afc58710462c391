"""Where every member stands at the end of the period, under both programmes."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from ledger.aggregates.member.folds.tiers import changed
from ledger.aggregates.member.rules import Reigns
from ledger.aggregates.member.standing import passed, tier_at
from ledger.aggregates.member.state import Lot, Member
from ledger.calendar import midnight
from ledger.dryrun.period import Period
from ledger.dryrun.report import Changed, Movement, Refusal, Under
from ledger.dryrun.scratch import CURRENT, DRAFT, Scratch
from ledger.dryrun.world import FLOWS, World
from ledger.programme import ONE_BP, Programme
from ledger.store.codec import Codec
from ledger.store.keys import MEMBER
from ledger.types import Instant, Take


class Points(NamedTuple):
    """A member's points at an instant."""

    available: int
    pending: int
    kept: int
    expired: int


def points_at(member: Member, at: Instant) -> Points:
    """A member's points at an instant that is not before the last event.

    A hold that is over gave its points back, whether or not that was recorded.
    """
    available = pending = over = 0
    back = [take for held in member.holds if held.ends_at <= at for take in held.takes]
    lots: tuple[Lot | Take, ...] = (*member.lots, *back)
    for lot in lots:
        if lot.expires_at <= at:
            over += lot.points
        elif lot.activates_at <= at:
            available += lot.points
        else:
            pending += lot.points
    kept = member.in_review + sum(
        take.points for held in member.holds if held.ends_at > at for take in held.takes
    )
    return Points(available, pending, kept, over + member.lapsed)


def _came(member: Member) -> int:
    """All points that ever came to a member."""
    return (
        member.earned + member.adjusted_in + member.transferred_in + member.restored
        + member.reinstated
    )  # fmt: skip


def worth(programme: Programme, points: int) -> int | None:
    """What points are worth as cash (floor); None where the programme gives none."""
    cash = programme.redeem.cash
    return None if cash is None else points * cash.value_minor // cash.points


class Side:
    """Sums over all members under one programme."""

    def __init__(self, programme: Programme, reigns: Reigns, period: Period, zone: str) -> None:
        """Judge at the midnight that ends the period; tiers are those of its last day."""
        self._programme = programme
        self._reigns = reigns
        self._day = period.last
        self._begin = midnight(period.first, zone)
        self._end = midnight(period.last + 1, zone)
        self._sums: Counter[str] = Counter()
        self.tiers: Counter[str] = Counter()

    def add(self, before: Member | None, member: Member) -> tuple[int, str]:
        """Add a member; returns points and tier."""
        points = points_at(member, self._end)
        expired = member.lapsed - (before.lapsed if before else 0)
        expired += sum(
            lot.points for lot in member.lots if self._begin < lot.expires_at <= self._end
        )
        for review in passed(member, self._reigns, self._end - 1):
            member = changed(member, review)
        tier = tier_at(member, self._programme, self._day, self._end - 1)
        self.tiers[tier] += 1
        self._sums.update(
            available=points.available, pending=points.pending, kept=points.kept,
            expired=expired, arrears=member.arrears,
        )  # fmt: skip
        return points.available + points.pending + points.kept, tier

    def told(self, world: World) -> Under:
        """All of it, with what the replay counted."""
        sums = {name: self._sums[name] for name in ("available", "pending", "kept", "arrears")}
        flows = {name: world.flows[name] for name in FLOWS}
        cost = worth(self._programme, flows["earned"])
        owed = sums["available"] + sums["pending"] + sums["kept"]
        return Under(
            programme=self._programme.name,
            receipts=world.receipts,
            spend_minor=world.spend_minor,
            rules=dict(sorted(world.rules.items())),
            cost_minor=cost,
            cost_bp=None if cost is None else cost * ONE_BP // max(world.spend_minor, 1),
            expired=self._sums["expired"] - world.lapsed_before,
            redeemed_minor=world.redeemed_minor,
            liability_minor=worth(self._programme, owed),
            tiers=dict(sorted(self.tiers.items())),
            refused=tuple(
                Refusal(*refused, world.refused[refused], world.refused_points[refused])
                for refused in sorted(world.refused)
            ),
            **flows,
            **sums,
        )


class Both(NamedTuple):
    """A member before the period and at its end, under both programmes."""

    stream: bytes
    before: Member | None
    current: Member
    draft: Member


def both(scratch: Scratch, codec: Codec) -> Iterator[Both]:
    """Every member of the scratch, in the order of streams."""
    evolve = codec.kinds[MEMBER].evolve
    for stream, events in groupby(scratch.members(), key=lambda event: event.stream):
        before: Member | None = None
        ends: dict[int, Member | None] = {}
        for _, side, topic, state in events:
            event = codec.decode[topic](state)
            if side in {CURRENT, DRAFT}:
                ends[side] = evolve(ends.get(side, before), event)
            else:
                before = evolve(before, event)
        current, draft = ends.get(CURRENT, before), ends.get(DRAFT, before)
        if current is not None and draft is not None:
            yield Both(stream, before, current, draft)


class Ending(NamedTuple):
    """What the members come to."""

    members: int
    movements: tuple[Movement, ...]
    changed: tuple[Changed, ...]


def ending(
    members: Iterator[Both], current: Side, draft: Side, until: Instant, top: int
) -> Ending:  # fmt: skip
    """Add every member to both sides; keep the most changed.

    Who joined later counts where the period gave points: an import may enrol people today and
    tell of their past.
    """
    moved: Counter[tuple[str, str]] = Counter()
    most: list[tuple[int, bool, int, Changed]] = []
    for stream, before, now, then in members:
        if now.merged_into and then.merged_into:
            continue  # part of another
        if now.enrolled_at >= until and not _came(now) and not _came(then):
            continue
        (points, tier), (draft_points, draft_tier) = (
            current.add(before, now),
            draft.add(before, then),
        )
        moved[tier, draft_tier] += 1
        altered = Changed(stream.hex(), points, draft_points, tier, draft_tier)
        if altered.points != altered.draft_points or tier != draft_tier:
            # Among equals the smaller id goes first, so it counts as the larger change.
            rank = (abs(draft_points - points), tier != draft_tier, -int.from_bytes(stream, "big"))
            (heapq.heappush if len(most) < top else heapq.heappushpop)(most, (*rank, altered))
    movements = tuple(Movement(*pair, count) for pair, count in sorted(moved.items()))
    ranked = sorted(most, key=lambda entry: entry[:3], reverse=True)
    return Ending(sum(moved.values()), movements, tuple(entry[3] for entry in ranked))
