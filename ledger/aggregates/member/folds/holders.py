"""What changes a card's holder and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member


def _limited(m: Member, event: e.CardLimited) -> Member:
    cards = list(m.cards)
    cards[event.card] = replace(
        cards[event.card],
        holder=event.holder,
        may_redeem=event.may_redeem,
        redeem_limit_day=event.redeem_limit_day,
    )
    return replace(m, cards=tuple(cards))


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.CardLimited: _limited,
}
