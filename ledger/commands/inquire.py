"""What a till may know of a card's holder, as it would be decided on now; nothing is recorded."""

from __future__ import annotations

from typing import NamedTuple

from ledger.aggregates.member.holds import usable
from ledger.aggregates.member.standing import tier_at
from ledger.calendar import local_day
from ledger.commands.common import card_index, member_of, owner_of, rules_at
from ledger.commands.settling import settle_tier
from ledger.store.working import Working
from ledger.types import Instant


class Inquiry(NamedTuple):
    """Points, tier and offers of a member at one moment."""

    member: bytes
    available: int
    """Points that could be redeemed now."""
    pending: int
    """Points that wait for their activation."""
    held: int
    arrears: int
    tier: str
    next_expiry: Instant
    """When the next of the available or pending points are gone; 0 where there are none."""
    next_expiry_points: int
    offers: tuple[str, ...]
    """Barcodes of the lists that hold today."""
    card_stopped: bool


def inquire(working: Working, card: str) -> Inquiry:
    """Look at the holder of a card.

    Raises:
        CardUnknown: nobody holds it.
    """
    now = working.now
    stream, _ = owner_of(working, card)
    settle_tier(working, stream)
    member = member_of(working, stream)
    rules = rules_at(working, now)
    today = local_day(now, rules.programme.time_zone)
    lots = [lot for lot in member.lots if lot.points and lot.expires_at > now]
    soonest = min((lot.expires_at for lot in lots), default=0)
    return Inquiry(
        stream,
        usable(member, now),
        sum(lot.points for lot in lots if lot.activates_at > now),
        sum(take.points for hold in member.holds if hold.ends_at > now for take in hold.takes),
        member.arrears,
        tier_at(member, rules.programme, today, now),
        soonest,
        sum(lot.points for lot in lots if lot.expires_at == soonest),
        tuple(one.barcode for one in member.lists if one.from_day <= today <= one.until_day),
        member.cards[card_index(member, working.keys.card(card))].stopped,
    )
