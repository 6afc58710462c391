"""What merging and parting do to the two members.

Debts that move are points too: who hands a debt over gets its points in and owes no more, who
takes it on gives them out and owes them. So both sides of law 3 move alike on both members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Card, Complaint, Member, Merged, put, taken
from ledger.types import Day, Take

REMEMBERED = 8
"""Members it was parted from that are kept in mind, for receipts sent again."""


def _away(m: Member, event: e.MergedAway) -> Member:
    m = _gave(m, event.takes, event.arrears)
    return replace(m, days=(), qualifying=(), complaints=(), merged_into=event.into)


def _in(m: Member, event: e.MergedIn) -> Member:
    m = _got(m, event.takes, event.arrears)
    entry = Merged(event.merge, event.number, event.member, event.origins, event.arrears)
    days, qualifying = _with_days(m, event.days, event.qualifying, 1)
    return replace(
        m,
        cards=(*m.cards, *(_card(card, event.number) for card in event.cards)),
        complaints=(*m.complaints, *map(_complaint, event.complaints)),
        days=days,
        qualifying=qualifying,
        merges=(*m.merges, entry),
        moved=m.moved + 1 + len(event.origins),
    )


def _undone(m: Member, event: e.MergeUndone) -> Member:
    m = _gave(m, event.takes, event.arrears)
    days, qualifying = _with_days(m, event.days, event.qualifying, -1)
    stay = [index for index, card in enumerate(m.cards) if card.merge != event.number]
    place = {old: new for new, old in enumerate(stay)}
    return replace(
        m,
        cards=tuple(m.cards[index] for index in stay),
        # A hold stays though its card goes: it counts to no card's limit any more.
        holds=tuple(replace(held, card=place.get(held.card, -1)) for held in m.holds),
        complaints=tuple(c for c in m.complaints if c.id not in event.complaints),
        days=days,
        qualifying=qualifying,
        merges=tuple(merged for merged in m.merges if merged.number != event.number),
        tier=event.tier,
        tier_since=event.tier_since,
        tier_until=event.tier_until,
    )


def _parted(m: Member, event: e.PartedAgain) -> Member:
    m = _got(m, event.takes, event.arrears)
    own = {card.id: card for card in m.cards}
    for card in event.cards:
        known = own.get(card.id)
        now = _card(card, known.merge if known else 0)
        own[card.id] = replace(now, holder=known.holder) if known else now
    return replace(
        m,
        cards=tuple(own.values()),
        complaints=tuple(map(_complaint, event.complaints)),
        days=event.days,
        qualifying=event.qualifying,
        merged_into=b"",
        once=(*(known for known in m.once if known != event.into), event.into)[-REMEMBERED:],
    )


def counted(m: Member, card: int, points: int) -> Member:
    """The member after a receipt, remembered for its merge if the card came with one."""
    if not m.merges or not m.cards[card].merge:
        return m
    number = m.cards[card].merge
    merges = tuple(
        replace(merged, receipts=merged.receipts + 1, points=merged.points + points)
        if merged.number == number
        else merged
        for merged in m.merges
    )
    return replace(m, merges=merges)


def _gave(m: Member, takes: Sequence[Take], arrears: int) -> Member:
    return replace(
        m,
        lots=taken(m.lots, tuple(takes)),
        transferred_out=m.transferred_out + sum(take.points for take in takes),
        transferred_in=m.transferred_in + arrears,
        arrears=m.arrears - arrears,
    )


def _got(m: Member, takes: Sequence[Take], arrears: int) -> Member:
    for take in takes:
        m = put(m, take.activates_at, take.expires_at, take.origin, take.points)
    return replace(
        m,
        transferred_in=m.transferred_in + sum(take.points for take in takes),
        transferred_out=m.transferred_out + arrears,
        arrears=m.arrears + arrears,
    )


def _with_days(
    m: Member, days: Sequence[Day], qualifying: Sequence[int], sign: int
) -> tuple[tuple[Day, ...], tuple[int, ...]]:
    """Qualifying points by day with others added or taken off; let-go days stay let go."""
    known = dict(zip(m.days, m.qualifying, strict=True))
    for day, points in zip(days, qualifying, strict=False):
        if sign > 0 or day in known:
            known[day] = known.get(day, 0) + sign * points
            if sign < 0 and not known[day]:
                del known[day]
    kept = sorted(known)
    return tuple(kept), tuple(known[day] for day in kept)


def _card(card: e.MovedCard, merge: int) -> Card:
    return Card(
        card.id, card.stopped, card.replaced, card.may_redeem, card.redeem_limit_day, card.day,
        card.redeemed, merge, stopped_at=card.stopped_at,
    )  # fmt: skip


def _complaint(complaint: e.MovedComplaint) -> Complaint:
    return Complaint(complaint.id, complaint.receipt, complaint.line, complaint.answered)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.MergedAway: _away,
    e.MergedIn: _in,
    e.MergeUndone: _undone,
    e.PartedAgain: _parted,
}
