"""What a basket would earn and cost a member, decided as if it were recorded, and not recorded."""

from __future__ import annotations

from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.member.holds import usable
from ledger.aggregates.member.standing import NextTier, next_tier, tier_at
from ledger.calendar import instant_of
from ledger.commands.common import award_for, card_index, member_of, owner_of, rules_at
from ledger.commands.record_receipt import shopping_of
from ledger.commands.settling import settle_tier
from ledger.errors import CurrencyUnknown, InputInvalid
from ledger.policies.member_price import member_discount
from ledger.store.working import Working
from ledger.types import Receipt, day_of


class Quote(NamedTuple):
    """The answer to a till before payment."""

    points: tuple[int, ...]
    """By line."""
    member_discounts_minor: tuple[int, ...]
    """By line: how much less the member pays."""
    tier: str
    available: int
    """Points that could be redeemed now."""
    next_tier: NextTier | None = None
    """What the tier above needs, before this basket."""


def quote(working: Working, receipt: Receipt) -> Quote:
    """Quote a basket for the holder of its card.

    Raises:
        InputInvalid: the basket has no card.
        CardUnknown: nobody holds it.
        CurrencyUnknown: it is not in the programme's currency.
    """
    if not receipt.card:
        raise InputInvalid("A quote needs a card.", field="card")
    captured_at = instant_of(receipt.captured_at)
    rules = rules_at(working, captured_at)
    if receipt.currency != rules.programme.currency:
        raise CurrencyUnknown(field="currency")
    stream, _ = owner_of(working, receipt.card)
    settle_tier(working, stream, captured_at=captured_at)
    member = member_of(working, stream)
    index = card_index(member, working.keys.card(receipt.card))
    day = day_of(receipt.captured_at.date())
    tier = tier_at(member, rules.programme, day, captured_at)
    prices = rules.programme.member_price
    stopped = member.cards[index].stopped
    got = e.Award(index, rules.number, (), 0, 0, 0)
    if not stopped:
        shopping = shopping_of(receipt, captured_at)
        got, _ = award_for(working, stream, member, index, rules, shopping)
    return Quote(
        got.points or (0,) * len(receipt.lines),
        tuple(0 if stopped else member_discount(prices, line, tier, day) for line in receipt.lines),
        tier,
        0 if stopped else usable(member, working.now),
        next_tier(member, rules.programme, day, captured_at),
    )
