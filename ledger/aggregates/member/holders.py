"""What a card of the member may do: who holds it may be somebody else."""

from __future__ import annotations

from msgspec.structs import replace

from ledger.aggregates.member.state import Member
from ledger.errors import CardLimitReached, CardMayNotRedeem
from ledger.types import Day

NO_LIMIT = -1


def check_card_may_redeem(member: Member, card_index: int, points: int, day: Day) -> None:
    """Make sure that a card may spend so many points on a day of the programme's zone.

    Raises:
        CardMayNotRedeem: it may not redeem at all.
        CardLimitReached: with these the day's limit is passed; says what is left of it.
    """
    card = member.cards[card_index]
    if not card.may_redeem:
        raise CardMayNotRedeem(field="card")
    if card.redeem_limit_day == NO_LIMIT:
        return
    left = max(card.redeem_limit_day - (card.redeemed if card.day == day else 0), 0)
    if points > left:
        raise CardLimitReached(f"{points} asked, {left} left today.", field="points")


def spent_by(m: Member, index: int, day: Day, points: int) -> Member:
    """The member after a card spent points on a day; no card is meant by -1.

    A day that the card has spent after counts no more: nobody asks for its limit again.
    """
    if index < 0 or day < m.cards[index].day:
        return m
    card = m.cards[index]
    so_far = card.redeemed if card.day == day else 0
    card = replace(card, day=day, redeemed=so_far + points)
    return replace(m, cards=(*m.cards[:index], card, *m.cards[index + 1 :]))
