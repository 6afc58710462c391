"""What the ledger keeps of a member between two commands, and how events change it.

The state is bounded however long the history: lots are coalesced by (activation, expiry,
origin), qualifying points by day, and both are let go once no decision can need them.
"""

from __future__ import annotations

from bisect import bisect_left

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e
from ledger.programme import MAX_LATE_DAYS, MAX_WINDOW_DAYS
from ledger.types import Day, Instant, Take

SHAPE = 3
"""The version of this state's shape: snapshots of another shape are ignored."""
LAPSED_AFTER = 400 * 86_400
"""Seconds after its expiry for which an unspent lot is still kept apart."""
QUALIFYING_DAYS = MAX_WINDOW_DAYS + MAX_LATE_DAYS + 3
"""Days for which qualifying points are kept: the longest window and the latest scan."""


class Card(Struct, frozen=True, array_like=True):
    """A card of the member; `id` is its stream."""

    id: bytes
    stopped: bool = False


class Lot(Struct, frozen=True, array_like=True):
    """Points with one activation and one expiry, not yet spent."""

    activates_at: Instant
    expires_at: Instant
    origin: int
    points: int


class Complaint(Struct, frozen=True, array_like=True):
    """A complaint that is not resolved yet."""

    id: bytes
    receipt: bytes
    line: int
    answered: bool = False


class Member(Struct, frozen=True, array_like=True):
    """The member's state; totals are points since enrolment."""

    enrolled_at: Instant
    store: str
    personal: bytes
    fingerprint: bytes
    cards: tuple[Card, ...] = ()
    lots: tuple[Lot, ...] = ()
    """Sorted by expiry, activation, origin."""
    arrears: int = 0
    earned: int = 0
    adjusted_in: int = 0
    adjusted_out: int = 0
    redeemed: int = 0
    reversed: int = 0
    lapsed: int = 0
    """Points of expired lots that were let go."""
    lapsed_until: Instant = 0
    """Lots that expired up to then are not kept apart, however late they come in."""
    days: tuple[Day, ...] = ()
    """Days with qualifying points, ascending; the points beside them."""
    qualifying: tuple[int, ...] = ()
    tier: str = ""
    tier_since: Instant = 0
    tier_until: Instant = 0
    birthday_year: int = 0
    complaints: tuple[Complaint, ...] = ()


def evolve(state: Member | None, event: e.Event) -> Member:
    """The state after an event; assigns and adds, never chooses and never refuses."""
    match event:
        case e.ReceiptScanned(scan=scan, award=award):
            return _awarded(_known(state), award, scan.day, scan.captured_at)
        case e.ReceiptAttributed(award=award):
            return _awarded(_known(state), award, event.day, event.captured_at)
        case e.GoodsReturned():
            return _returned(_known(state), event)
        case e.PointsRedeemed():
            return _redeemed(_known(state), event)
        case e.TierChanged():
            return replace(
                _known(state),
                tier=event.tier,
                tier_since=event.captured_at,
                tier_until=event.until,
            )
        case e.MemberEnrolled():
            return Member(event.captured_at, event.store, event.personal, event.fingerprint)
        case e.CardLinked():
            return _linked(_known(state), event)
        case e.CardStopped():
            return _stopped(_known(state), event.card)
        case e.PointsAdjusted():
            return _adjusted(_known(state), event)
        case _:
            return _complained(_known(state), event)


def _known(state: Member | None) -> Member:
    assert state is not None, "a member's stream begins with its enrolment"  # noqa: S101
    return state


def _awarded(m: Member, award: e.Award, day: Day, captured_at: Instant) -> Member:
    earned = sum(award.points)
    m = _let_go(m, captured_at - LAPSED_AFTER)
    m = _put(m, award.activates_at, award.expires_at, e.ORIGIN_SCAN, earned - award.repaid)
    days, qualifying = _qualify(m.days, m.qualifying, day, award.qualifying)
    return replace(
        m,
        earned=m.earned + earned,
        arrears=m.arrears - award.repaid,
        days=days,
        qualifying=qualifying,
        birthday_year=award.birthday_year or m.birthday_year,
    )


def _returned(m: Member, event: e.GoodsReturned) -> Member:
    taken = sum(take.points for take in event.takes)
    days, qualifying = _qualify(m.days, m.qualifying, event.qualifying_day, -sum(event.points))
    return replace(
        m,
        lots=_taken(m.lots, event.takes),
        reversed=m.reversed + taken + event.arrears,
        arrears=m.arrears + event.arrears,
        days=days,
        qualifying=qualifying,
    )


def _redeemed(m: Member, event: e.PointsRedeemed) -> Member:
    return replace(m, lots=_taken(m.lots, event.takes), redeemed=m.redeemed + event.points)


def _adjusted(m: Member, event: e.PointsAdjusted) -> Member:
    if event.points < 0:
        return replace(
            m, lots=_taken(m.lots, event.takes), adjusted_out=m.adjusted_out - event.points
        )
    return _given(m, event, e.ORIGIN_ADJUSTMENT)


def _given(m: Member, event: e.PointsAdjusted | e.ComplaintResolved, origin: int) -> Member:
    m = _put(m, event.activates_at, event.expires_at, origin, event.points - event.repaid)
    return replace(
        m,
        adjusted_in=m.adjusted_in + event.points,
        arrears=m.arrears - event.repaid,
    )


def _linked(m: Member, event: e.CardLinked) -> Member:
    m = _stopped(m, event.replaces) if event.replaces >= 0 else m
    personal = event.personal or m.personal
    return replace(m, cards=(*m.cards, Card(event.card)), personal=personal)


def _stopped(m: Member, index: int) -> Member:
    cards = list(m.cards)
    cards[index] = Card(cards[index].id, stopped=True)
    return replace(m, cards=tuple(cards))


def _complained(m: Member, event: e.Event) -> Member:
    match event:
        case e.ComplaintOpened():
            opened = Complaint(event.complaint, event.receipt, event.line)
            return replace(m, complaints=(*m.complaints, opened))
        case e.ComplaintAnswered():
            found = tuple(
                replace(c, answered=True) if c.id == event.complaint else c for c in m.complaints
            )
            return replace(m, complaints=found)
        case e.ComplaintResolved():
            rest = tuple(c for c in m.complaints if c.id != event.complaint)
            return replace(_given(m, event, e.ORIGIN_COMPENSATION), complaints=rest)
        case _:
            return m


def _put(m: Member, activates_at: Instant, expires_at: Instant, origin: int, points: int) -> Member:
    """Add points to their lot, keeping the order; to none if it expired too long ago."""
    if points == 0:
        return m
    if expires_at <= m.lapsed_until:
        return replace(m, lapsed=m.lapsed + points)
    lots, key = m.lots, (expires_at, activates_at, origin)
    index = len(lots)
    while index and _order(lots[index - 1]) >= key:
        index -= 1
    if index < len(lots) and _order(lots[index]) == key:
        lot = Lot(activates_at, expires_at, origin, lots[index].points + points)
        return replace(m, lots=(*lots[:index], lot, *lots[index + 1 :]))
    lot = Lot(activates_at, expires_at, origin, points)
    return replace(m, lots=(*lots[:index], lot, *lots[index:]))


def _taken(lots: tuple[Lot, ...], takes: tuple[Take, ...]) -> tuple[Lot, ...]:
    """Consume parts of lots; a lot with nothing left goes."""
    left = {(t.activates_at, t.expires_at, t.origin): t.points for t in takes}
    kept = []
    for lot in lots:
        points = lot.points - left.get((lot.activates_at, lot.expires_at, lot.origin), 0)
        if points:
            kept.append(lot if points == lot.points else replace(lot, points=points))
    return tuple(kept)


def _order(lot: Lot) -> tuple[Instant, Instant, int]:
    return (lot.expires_at, lot.activates_at, lot.origin)


def _let_go(m: Member, until: Instant) -> Member:
    """Drop lots that expired up to an instant; what they held is counted as lapsed."""
    if not m.lots or m.lots[0].expires_at > until:
        return m
    kept = tuple(lot for lot in m.lots if lot.expires_at > until)
    lapsed = sum(lot.points for lot in m.lots) - sum(lot.points for lot in kept)
    return replace(m, lots=kept, lapsed=m.lapsed + lapsed, lapsed_until=until)


def _qualify(
    days: tuple[Day, ...], points: tuple[int, ...], day: Day, qualifying: int
) -> tuple[tuple[Day, ...], tuple[int, ...]]:
    """Add qualifying points to their day, and let go of days no window reaches."""
    if qualifying == 0:
        return days, points
    if days and days[-1] == day:
        return days, (*points[:-1], points[-1] + qualifying)
    if not days or days[-1] < day:
        first = bisect_left(days, day - QUALIFYING_DAYS)
        return (*days[first:], day), (*points[first:], qualifying)
    index = bisect_left(days, day)
    if days[index] == day:
        return days, (*points[:index], points[index] + qualifying, *points[index + 1 :])
    return (
        (*days[:index], day, *days[index:]),
        (*points[:index], qualifying, *points[index:]),
    )
