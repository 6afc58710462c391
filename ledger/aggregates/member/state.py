"""What the ledger keeps of a member between two commands; `folds` says how events change it.

The state is bounded however long the history: lots are coalesced by (activation, expiry,
origin), qualifying points by day, and both are let go once no decision can need them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.member.seen import DayCount, Visit
from ledger.events import ListedOffer
from ledger.programme import MAX_LATE_DAYS, MAX_WINDOW_DAYS
from ledger.types import Day, Instant, Take, date_of

SHAPE = 7
"""The version of this state's shape: snapshots of another shape are ignored."""
LAPSED_AFTER = 400 * 86_400
"""Seconds after its expiry for which an unspent lot is still kept apart."""
WRITTEN_KEPT = (MAX_LATE_DAYS + 8) * 86_400
"""Seconds after its expiry for which a written-off lot is kept: the longest hold, settled late."""
YEARS_KEPT = 3
"""Calendar years of spend: the rebate is given in the year after, receipts may be a year late."""
QUALIFYING_DAYS = MAX_WINDOW_DAYS + MAX_LATE_DAYS + 3
"""Days for which qualifying points are kept: the longest window and the latest scan."""


TOTALS = (
    "earned", "adjusted_in", "transferred_in", "restored", "reinstated", "adjusted_out",
    "transferred_out", "redeemed", "reversed", "expired", "arrears",
    "in_review",
)  # fmt: skip
"""The sums that the state and the reports keep alike."""


class Card(Struct, frozen=True, array_like=True, gc=False):
    """A card of the member; `id` is its stream."""

    id: bytes
    stopped: bool = False
    replaced: bool = False
    """Stopped because another stands in for it."""
    may_redeem: bool = True
    redeem_limit_day: int = -1
    """Points it may redeem on one day; -1 for no limit."""
    day: Day = 0
    """The day of its latest redemption, and the points redeemed on that day."""
    redeemed: int = 0
    merge: int = 0
    """The number of the merge it came with; 0 for the member's own."""
    holder: bytes = b""
    stopped_at: Instant = 0
    """When it was stopped; 0 where it was not, or nobody knows when."""


class Lot(Struct, frozen=True, array_like=True, gc=False):
    """Points with one activation and one expiry, not yet spent."""

    activates_at: Instant
    expires_at: Instant
    origin: int
    points: int


class Hold(Struct, frozen=True, array_like=True, gc=False):
    """Points reserved; `id` is the stream of the command that held them."""

    id: bytes
    takes: tuple[Take, ...]
    ends_at: Instant
    card: int = -1
    day: Day = 0
    """Whose limit it counts to, while it is open and for what it pays."""


class Allowance(Struct, frozen=True, array_like=True, gc=False):
    """Points that a card may spend offline; `id` is the stream of the command that asked."""

    id: bytes
    card: bytes
    points: int
    """Less what is known to be spent of them."""
    until: Instant


class Complaint(Struct, frozen=True, array_like=True, gc=False):
    """A complaint that is not resolved yet."""

    id: bytes
    receipt: bytes
    line: int
    answered: bool = False


class Counter(Struct, frozen=True, array_like=True, gc=False):
    """What one rule gave: in all, and by day where a limit asks for it."""

    rule: str
    points: int
    until: Day = 0
    """The rule's last day; 0 where it has none."""
    days: tuple[Day, ...] = ()
    """Ascending; the points beside them."""
    by_day: tuple[int, ...] = ()


class OfferList(Struct, frozen=True, array_like=True, gc=False):
    """Offers that the member was issued, until no receipt of their days can come in."""

    barcode: str
    offers: tuple[ListedOffer, ...]
    from_day: Day
    until_day: Day
    kept_until: Day


class Merged(Struct, frozen=True, array_like=True, gc=False):
    """A member who was merged into this one."""

    merge: bytes
    """The stream of the command that did it."""
    number: int
    member: bytes
    origins: tuple[tuple[int, int], ...]
    """(origin of the lots here, origin there)."""
    arrears: int
    receipts: int = 0
    """Receipts recorded since with the cards that came, and what they earned."""
    points: int = 0


class Member(Struct, frozen=True, array_like=True, gc=False):
    """The member's state; totals are points since enrolment."""

    enrolled_at: Instant
    store: str
    personal: bytes
    cards: tuple[Card, ...] = ()
    lots: tuple[Lot, ...] = ()
    """Sorted by expiry, activation, origin."""
    arrears: int = 0
    earned: int = 0
    adjusted_in: int = 0
    transferred_in: int = 0
    restored: int = 0
    reinstated: int = 0
    adjusted_out: int = 0
    transferred_out: int = 0
    redeemed: int = 0
    reversed: int = 0
    expired: int = 0
    """Points whose expiry was recorded."""
    lapsed: int = 0
    """Points of expired lots that are not kept apart any more, recorded as expired or not."""
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
    holds: tuple[Hold, ...] = ()
    """Those whose end is not recorded."""
    activated_until: Instant = 0
    """Activations up to then are recorded."""
    years: tuple[tuple[int, int], ...] = ()
    """What was bought, less what came back, in the latest calendar years: (year, minor units)."""
    slid_since: Instant = 0
    """When activity began to make points last longer, with no expiry since."""
    slid_until: Instant = 0
    """Until when they last by it."""
    rebate_year: int = 0
    """The latest year a rebate was decided for."""
    tier_before: str = ""
    """The tier up to `tier_since`, from `before_since` on."""
    before_since: Instant = 0
    tier_programme: int = 0
    """Number of the programme that the tier was recorded under."""
    granted: str = ""
    """The tier granted last, by hand; from `granted_since` to `granted_until`."""
    granted_since: Instant = 0
    granted_until: Instant = 0
    in_review: int = 0
    counts: tuple[DayCount, ...] = ()
    """Receipts by day and card, for the fraud limits; sorted."""
    visits: tuple[Visit, ...] = ()
    cashiers: tuple[bytes, ...] = ()
    """Keyed hashes of the cashiers that the member is."""
    receipts: int = 0
    """Recorded for the member, whatever they earned."""
    counters: tuple[Counter, ...] = ()
    """What rules with limits gave, by the name of the rule."""
    birthday_gift_year: int = 0
    kind: str = "person"
    merged_into: bytes = b""
    merges: tuple[Merged, ...] = ()
    """The last one is the one that can be undone."""
    moved: int = 0
    """Numbers given to merges and their origins so far."""
    once: tuple[bytes, ...] = ()
    """Members it was merged into and parted from again, the latest last."""
    closed: bool = False
    erased: bool = False
    identities: tuple[bytes, ...] = ()
    sent_day: Day = 0
    """The day of the latest transfer to others, and the points given on that day."""
    sent: int = 0
    written: tuple[Lot, ...] = ()
    """Lots whose expiry was recorded, while a hold on them may still be settled late."""
    written_until: Instant = 0
    """Expiries up to then are recorded."""
    lists: tuple[OfferList, ...] = ()
    """Offers, the list issued first in front."""
    allowances: tuple[Allowance, ...] = ()
    """Those that held when the last one was issued, and are not spent."""


def stopped(card: Card, at: Instant) -> Card:
    """A card from the instant on that it can be used no more; the first such instant counts."""
    return card if card.stopped else replace(card, stopped=True, stopped_at=at)


def put(m: Member, activates_at: Instant, expires_at: Instant, origin: int, points: int) -> Member:
    """Add points to their lot, keeping the order; to none if it expired too long ago."""
    lots, lapsed = lots_with(m, activates_at, expires_at, origin, points)
    return replace(m, lots=lots, lapsed=lapsed)


def lots_with(
    m: Member, activates_at: Instant, expires_at: Instant, origin: int, points: int
) -> tuple[tuple[Lot, ...], int]:
    """What `put` makes of the lots, and of what has lapsed."""
    lots, key = m.lots, (expires_at, activates_at, origin)
    if points == 0:
        return lots, m.lapsed
    if expires_at <= m.lapsed_until:
        return lots, m.lapsed + points
    index = len(lots)
    while index and _order(lots[index - 1]) >= key:
        index -= 1
    if index < len(lots) and _order(lots[index]) == key:
        lot = Lot(activates_at, expires_at, origin, lots[index].points + points)
        return (*lots[:index], lot, *lots[index + 1 :]), m.lapsed
    lot = Lot(activates_at, expires_at, origin, points)
    return (*lots[:index], lot, *lots[index:]), m.lapsed


def carried(m: Member, expires_at: Instant) -> Instant:
    """When points expire that once were to expire at an instant, as activity has moved it since."""
    if m.slid_since and expires_at > m.slid_since:
        return max(expires_at, m.slid_until)
    return expires_at


def put_all(m: Member, takes: Iterable[Take]) -> Member:
    """Add points to the lots that they were taken from."""
    for take in takes:
        m = put(m, take.activates_at, take.expires_at, take.origin, take.points)
    return m


def spend(m: Member, day: Day, amount_minor: int) -> Member:
    """Add to what was bought in a day's year; the latest few years are kept."""
    return replace(m, years=years_with(m.years, day, amount_minor))


def years_with(
    years: tuple[tuple[int, int], ...], day: Day, amount_minor: int
) -> tuple[tuple[int, int], ...]:
    """What was bought by year, with more on a day."""
    year = date_of(day).year
    if years and years[-1][0] == year:
        return (*years[:-1], (year, years[-1][1] + amount_minor))
    sums = dict(years)
    sums[year] = sums.get(year, 0) + amount_minor
    return tuple(sorted(sums.items())[-YEARS_KEPT:])


def taken(lots: tuple[Lot, ...], takes: tuple[Take, ...]) -> tuple[Lot, ...]:
    """Consume parts of lots; a lot with nothing left goes."""
    left = {(t.activates_at, t.expires_at, t.origin): t.points for t in takes}
    kept = []
    for lot in lots:
        points = lot.points - left.get((lot.activates_at, lot.expires_at, lot.origin), 0)
        if points:
            kept.append(lot if points == lot.points else replace(lot, points=points))
    return tuple(kept)


def unexpired(m: Member, takes: tuple[Take, ...]) -> Member:
    """The member after parts of lots paid although their expiry had been recorded."""
    points = sum(take.points for take in takes)
    return replace(
        m, written=taken(m.written, takes), expired=m.expired - points, lapsed=m.lapsed - points
    )


def _order(lot: Lot) -> tuple[Instant, Instant, int]:
    return (lot.expires_at, lot.activates_at, lot.origin)


def let_go(m: Member, until: Instant) -> Member:
    """Drop lots that expired up to an instant; what they held is counted as lapsed."""
    if not m.lots or m.lots[0].expires_at > until:
        return m
    kept = tuple(lot for lot in m.lots if lot.expires_at > until)
    lapsed = sum(lot.points for lot in m.lots) - sum(lot.points for lot in kept)
    return replace(m, lots=kept, lapsed=m.lapsed + lapsed, lapsed_until=until)


def qualify(
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
