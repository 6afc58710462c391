"""Deciding what moves when two members become one, and what goes back."""

from __future__ import annotations

from collections.abc import Sequence

from ledger import events as e
from ledger.aggregates.member.points import Act
from ledger.aggregates.member.rules import Rules
from ledger.aggregates.member.standing import counted_of, tier_at
from ledger.aggregates.member.state import Card, Complaint, Lot, Member, Merged
from ledger.errors import InputInvalid, MergeRefused, PointsHeld, UnmergeRefused
from ledger.policies import tier
from ledger.policies.window import in_window
from ledger.types import Instant, Take

MOST_MERGES = 32
"""Members that may be merged into one: its state stays bounded."""


def unspent(lots: Sequence[Lot], at: Instant) -> list[Lot]:
    """Lots that are not expired, pending ones among them; what has expired stays where it is."""
    return [lot for lot in lots if lot.expires_at > at]


def waiting(member: Member) -> int:
    """Points that are neither in lots nor gone: on hold, or in review (law 3 gives them)."""
    came = member.earned + member.adjusted_in + member.transferred_in + member.restored
    came += member.reinstated + member.arrears
    gone = member.lapsed + member.redeemed + member.reversed + member.adjusted_out
    return came - gone - member.transferred_out - sum(lot.points for lot in member.lots)


def none_waiting(member: Member) -> None:
    """Make sure that a member can go.

    Raises:
        PointsHeld: points are on hold or in review.
    """
    if waiting(member):
        raise PointsHeld(f"{waiting(member)} wait.")


def merge(
    source: Member, into: Member, streams: tuple[bytes, bytes], command: bytes, reason: str,
    rules: Rules, act: Act,
) -> tuple[e.MergedAway, e.MergedIn]:  # fmt: skip
    """All that `source` has goes to `into`; each of its origins gets a number of its own there.

    Raises:
        InputInvalid: no reason or author is given.
        MergeRefused: too many were merged into it already.
        PointsHeld: points of the one who goes are on hold or in review.
    """
    if not reason or not act.author:
        msg = "A merge needs a reason and an author."
        raise InputInvalid(msg, field="author" if reason else "reason")
    if len(into.merges) >= MOST_MERGES:
        raise MergeRefused(f"{MOST_MERGES} were merged into this one already.")
    none_waiting(source)
    lots = unspent(source.lots, act.at)
    number = e.ORIGIN_MOVED + into.moved
    here = {old: number + 1 + i for i, old in enumerate(sorted({lot.origin for lot in lots}))}
    gone = e.MergedAway(
        act.at, streams[1], tuple(Take(*_key(lot), lot.points) for lot in lots), source.arrears,
        source.days, source.qualifying, reason, act.author, rules.number, act.command,
    )  # fmt: skip
    come = e.MergedIn(
        act.at, streams[0], command, number,
        tuple(take._replace(origin=here[take.origin]) for take in gone.takes),
        tuple((new, old) for old, new in here.items()),
        source.arrears, source.days, source.qualifying, _cards(source.cards),
        _complaints(source.complaints), into.tier, into.tier_since, into.tier_until, reason,
        act.author, rules.number, act.command,
    )  # fmt: skip
    return gone, come


def merged_tier(
    before: Member, after: Member, source: Member, rules: Rules, act: Act
) -> e.TierChanged | None:
    """The tier of both together, if it is another than the tier before: the best of the three.

    What both collected counts in the window; a tier that either keeps is kept as long.
    """
    programme = rules.programme
    tiers = programme.tiers
    if tiers is None:
        return None
    was, now, theirs = (
        tier.level_named(tiers, tier_at(member, programme, act.day, act.at))
        for member in (before, after, source)
    )
    best = max(now, theirs, key=lambda level: level.from_points)
    if best.name == was.name:
        return None
    counted = counted_of(after, programme)
    points = in_window(tiers, counted, act.day)
    until = tier.kept_until(tiers, act.day, programme.time_zone, counted.enrolled)
    if best.name == source.tier and best.from_points > tier.level_for(tiers, points).from_points:
        until = source.tier_until
    return e.TierChanged(act.at, best.name, until, points, rules.number)


def undoable(into: Member, command: bytes) -> Merged:
    """The merge that this command made, if it can be undone.

    Raises:
        UnmergeRefused: it was undone, or another merge came after it.
    """
    if all(merged.merge != command for merged in into.merges):
        raise UnmergeRefused("It was undone already.")
    if into.merged_into:
        raise UnmergeRefused("Who took the member in was merged into another since.")
    last = into.merges[-1]
    if last.merge != command:
        raise UnmergeRefused("Another member was merged in later; undo that first.")
    return last


def unmerge(
    into: Member, merged: Merged, come: e.MergedIn, stream: bytes, changed: e.TierChanged | None,
    rules: Rules, act: Act,
) -> tuple[e.MergeUndone, e.PartedAgain]:  # fmt: skip
    """What is left of what came goes back, under its old origins.

    Debts repaid in between are first those that `into` had itself. The recorded tier goes back
    to what it was, unless it changed since the merge.

    Raises:
        InputInvalid: no author is given.
    """
    if not act.author:
        msg = "Undoing a merge needs an author."
        raise InputInvalid(msg, field="author")
    there = dict(merged.origins)
    takes = tuple(
        Take(*_key(lot), lot.points)
        for lot in unspent(into.lots, act.at)
        if lot.origin in there
    )  # fmt: skip
    arrears = min(merged.arrears, into.arrears)
    moved = {complaint.id for complaint in come.complaints}
    back = [complaint for complaint in into.complaints if complaint.id in moved]
    recorded = (into.tier, into.tier_since, into.tier_until)
    restored = bool(changed) and recorded == _recorded(changed)
    if restored:
        recorded = (come.tier, come.tier_since, come.tier_until)
    undone = e.MergeUndone(
        act.at, merged.member, merged.merge, merged.number, takes, arrears, come.days,
        come.qualifying, tuple(complaint.id for complaint in back), *recorded, restored, merged.receipts,
        merged.points, act.author, rules.number, act.command,
    )  # fmt: skip
    parted = e.PartedAgain(
        act.at, stream, merged.merge,
        tuple(take._replace(origin=there[take.origin]) for take in takes), arrears, come.days,
        come.qualifying, _cards([c for c in into.cards if c.merge == merged.number]),
        _complaints(back), merged.receipts, merged.points, act.author, rules.number, act.command,
    )  # fmt: skip
    return undone, parted


def origin_here(into: Member, source: bytes, origin: int) -> int:
    """The origin under which another member's lots lie here; its own where none came from it."""
    for merged in into.merges:
        if merged.member == source:
            return next((new for new, old in merged.origins if old == origin), origin)
    return origin


def here(into: Member, source: bytes, takes: Sequence[Take]) -> tuple[Take, ...]:
    """Takes of another member's lots, as those lots are known here."""
    return tuple(take._replace(origin=origin_here(into, source, take.origin)) for take in takes)


def _key(lot: Lot) -> tuple[Instant, Instant, int]:
    return (lot.activates_at, lot.expires_at, lot.origin)


def _recorded(changed: e.TierChanged | None) -> tuple[str, Instant, Instant] | None:
    return (changed.tier, changed.captured_at, changed.until) if changed else None


def _cards(cards: Sequence[Card]) -> tuple[e.MovedCard, ...]:
    return tuple(
        e.MovedCard(
            card.id, card.stopped, card.replaced, card.may_redeem, card.redeem_limit_day,
            card.day, card.redeemed, card.stopped_at,
        )
        for card in cards
    )  # fmt: skip


def _complaints(complaints: Sequence[Complaint]) -> tuple[e.MovedComplaint, ...]:
    return tuple(e.MovedComplaint(c.id, c.receipt, c.line, c.answered) for c in complaints)
