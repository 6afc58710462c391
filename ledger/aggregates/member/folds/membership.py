"""What happens to a member's cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Card, Member, stopped
from ledger.types import Instant


def _linked(m: Member, event: e.CardLinked) -> Member:
    merge = m.cards[event.replaces].merge if event.replaces >= 0 else 0
    if event.replaces >= 0:
        m = _without(m, event.replaces, event.captured_at, replaced=True)
    personal = event.personal or m.personal
    card = Card(
        event.card, may_redeem=event.may_redeem, redeem_limit_day=event.redeem_limit_day,
        merge=merge, holder=event.holder,
    )  # fmt: skip
    return replace(m, cards=(*m.cards, card), personal=personal)


def _without(m: Member, index: int, at: Instant, *, replaced: bool = False) -> Member:
    cards = list(m.cards)
    cards[index] = replace(stopped(cards[index], at), replaced=replaced)
    return replace(m, cards=tuple(cards))


def _stopped(m: Member, event: e.CardStopped) -> Member:
    return _without(m, event.card, event.captured_at)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.CardLinked: _linked,
    e.CardStopped: _stopped,
}
